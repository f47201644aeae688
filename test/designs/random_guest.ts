/** Guests of KVM against changes of their memory, in random schedules. */
import {
  explore,
  type MachineScenario,
  type Program,
  type StrategyOption,
} from '../../src/check/index.ts';
import { enterGuest, guestLoad, guestStore } from '../../src/designs/index.ts';
import type { Bugs, Task } from '../../src/mm/index.ts';
import * as mm from '../../src/mm/index.ts';
import { FORWARDING, guestStoringIn, regionGuestRace } from '../../src/zoo/region_guest.ts';
import { guestRace } from '../../src/zoo/small_guest.ts';
import { PAGE, TABLE_PAGES } from '../../src/zoo/small_machine.ts';
import { detaching, unmappingObject } from '../../src/zoo/small_region.ts';
import { Random } from '../kernel/random.ts';

const PAGE_BYTES = 4096;
/** Pages of the guest. */
const PAGES = 2;
const MADV = { DONTNEED: 4, FREE: 8, REMOVE: 9, PAGEOUT: 21, COLLAPSE: 25 } as const;
const AWAY = PAGE + 8 * TABLE_PAGES;

const at = (page: number): number => (PAGE + page) * PAGE_BYTES;

/** What the process of the guest does to a page of its memory. */
const CHANGES: Readonly<Record<string, (task: Task, page: number) => mm.Op<unknown>>> = {
  munmap: (task, page) => mm.munmap(task, at(page), PAGE_BYTES),
  mprotect: (task, page) => mm.mprotect(task, at(page), PAGE_BYTES, 1),
  dontneed: (task, page) => mm.madvise(task, at(page), PAGE_BYTES, MADV.DONTNEED),
  free: (task, page) => mm.madvise(task, at(page), PAGE_BYTES, MADV.FREE),
  pageout: (task, page) => mm.madvise(task, at(page), PAGE_BYTES, MADV.PAGEOUT),
  migration: (task, page) => mm.migratePages(task, PAGE + page, PAGE + page + 1),
  mremap: (task, page) =>
    mm.mremap(task, {
      address: at(page),
      oldLength: PAGE_BYTES,
      newLength: PAGE_BYTES,
      flags: 3,
      newAddress: (AWAY + page) * PAGE_BYTES,
    }),
  store: (task, page) => mm.store(task, PAGE + page, 9),
  *fork(task) {
    const child = yield* mm.fork(task, task.cpu);
    if (typeof child === 'number') return;
    yield* mm.load(child, PAGE);
    yield* mm.exit(child);
  },
  discardAll: (task) => mm.madvise(task, at(0), PAGES * PAGE_BYTES, MADV.DONTNEED),
};
/** Of memory that is a file. */
const FILE_CHANGES: typeof CHANGES = {
  truncate: (task, page) => mm.madvise(task, at(page), PAGE_BYTES, MADV.REMOVE),
  munmap: CHANGES.munmap!,
  mprotect: CHANGES.mprotect!,
  migration: CHANGES.migration!,
  dontneed: CHANGES.dontneed!,
};

const collapsing: Program = {
  name: 'collapse',
  run: (task) => mm.madvise(task, at(0), TABLE_PAGES * PAGE_BYTES, MADV.COLLAPSE),
};

/** Some loads and stores of the guest, whatever becomes of each. */
function guestProgram(random: Random): Program {
  const accesses = Array.from({ length: 1 + random.below(3) }, () => ({
    gfn: random.below(PAGES),
    isStore: random.below(2) === 0,
  }));
  return {
    name: 'guest',
    *run(task) {
      yield* enterGuest(task, 0);
      for (const { gfn, isStore } of accesses) {
        if (isStore) yield* guestStore(task, 0, gfn, 7);
        else yield* guestLoad(task, 0, gfn);
      }
    },
  };
}

function change(random: Random, changes: typeof CHANGES): Program {
  const names = Object.keys(changes);
  const name = names[random.below(names.length)]!;
  const page = random.below(PAGES);
  return { name: `${name} ${page}`, run: (task) => changes[name]!(task, page) };
}

/** A race of a guest, or two, with a change or two; every fiftieth is one with a collapse. */
export function randomRace(seed: number, bugs: Bugs): MachineScenario {
  const random = new Random(seed);
  const entered = [0, 1].filter(() => random.below(2) === 0);
  const pages = { pages: PAGES, touched: [PAGE, PAGE + 1], entered };
  const flush = random.below(2) === 0 ? ('interrupt' as const) : ('broadcast' as const);
  const size = { frames: 48, mms: 3, tables: 24, swapSlots: 8, flush };
  const guest = guestProgram(random);
  if (seed % 50 === 0) {
    const mapped = [[PAGE, PAGE + TABLE_PAGES]] as const;
    const large = { ...size, frames: 2048, mapped };
    return guestRace([guest, collapsing], { ...pages, ...large }, bugs);
  }
  const isFile = random.below(4) === 0;
  const changes = isFile ? FILE_CHANGES : CHANGES;
  const memory = isFile ? { mapped: [], shared: [[PAGE, PAGE + PAGES]] as const } : {};
  // A gather with room for one page frees it before the end of what is cleared.
  const gather = random.below(2) === 0 ? 1 : 8;
  const second = random.below(2) === 0 ? change(random, changes) : guestProgram(random);
  const programs = [guest, change(random, changes), second];
  return guestRace(programs, { ...pages, ...size, ...memory, gather }, bugs);
}

/** The same with memory that is an attached region of mshare. */
export function randomRegionRace(
  seed: number,
  forwards: typeof FORWARDING.forwards,
): MachineScenario {
  const random = new Random(seed);
  const setting = {
    guests: 1,
    linked: 1,
    flush: random.below(2) === 0 ? 'interrupt' : 'broadcast',
    isEntered: random.below(2) === 0,
  } as const;
  const programs = [guestStoringIn(7), random.below(4) === 0 ? detaching() : unmappingObject];
  return regionGuestRace({ ...FORWARDING, forwards }, setting, programs);
}

/** Schedules of each race. */
const SCHEDULES = 100;

/** Half of them step by step at random, half by random priorities, which let one run far. */
const strategyOf = (seed: number): StrategyOption =>
  seed % 2 === 0
    ? { name: 'random', seed, executions: SCHEDULES }
    : { name: 'pct', seed, depth: 3, executions: SCHEDULES };

/** What random schedules of races find first, and how many were run. */
export function findIn(
  schedules: number,
  raceOf: (seed: number) => MachineScenario,
): { readonly found: string | undefined; readonly schedules: number } {
  let run = 0;
  for (let seed = 1; run < schedules; seed++) {
    const strategy = strategyOf(seed);
    const { finding, executions } = explore(raceOf(seed), { strategy, shrinkMax: 0 });
    run += executions;
    if (finding !== undefined)
      return { found: `seed ${seed}: ${finding.property}`, schedules: run };
  }
  return { found: undefined, schedules: run };
}
