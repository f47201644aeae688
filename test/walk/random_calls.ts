/** Calls that walk tables and change something, or hold it: the same ones again for each form. */
import assert from 'node:assert/strict';
import * as mm from '../../src/mm/index.ts';
import type { Random } from '../kernel/random.ts';
import { leavesOf } from './leaves.ts';
import type { RandomSpace } from './random_space.ts';

const PAGE = 4096;
const HUGE = 512;
const { GET, PIN, WRITE, FORCE, NOFAULT } = mm.FOLL;
const { WP_MATCHING } = mm.PmScan;
const ALL_CATEGORIES = 0x1ff;

export const KINDS = ['mprotect', 'scan', 'protecting scan', 'GUP'] as const;
export type Kind = (typeof KINDS)[number];

/** A range of an address space, in pages. */
interface Place {
  readonly space: mm.Mm;
  readonly start: number;
  readonly pages: number;
}

/** All of a VMA, or a part; of hugetlb, mostly whole pages; where userfaultfd protects, if it can. */
function draw({ spaces }: RandomSpace, random: Random, kind: Kind): Place {
  const isTracked = ({ flags }: mm.Vma): boolean => (flags & mm.VM.UFFD_WP) !== 0;
  const tracking = spaces.filter(({ vmas }) => vmas.all().some(isTracked));
  const isProtecting = kind === 'protecting scan' && tracking.length > 0;
  const space = random.pick(isProtecting ? tracking : spaces);
  const all = space.vmas.all();
  const vmas = isProtecting ? all.filter(isTracked) : all;
  if (vmas.length === 0) return { space, start: 1, pages: 1 };
  const { start, end, hugetlb } = random.pick(vmas);
  const step = hugetlb === undefined || random.chance(5) ? 1 : HUGE;
  const first = random.below(Math.min(4 * HUGE, end - start) / step);
  const from = random.chance(40) ? start : start + first * step;
  const most = Math.ceil((end - from) / step);
  const pages = step * (random.chance(40) ? most : random.between(1, Math.min(most, 700)));
  return { space, start: from, pages };
}

/** Performs a call. @returns what it says, to be compared */
export function perform(
  world: RandomSpace,
  random: Random,
  kind: Kind,
  form: mm.WalkForm | undefined,
): string {
  const { machine } = world;
  const { space, start, pages } = draw(world, random, kind);
  const task = mm.taskOn(machine, 0, space.id);
  if (kind === 'GUP') {
    const page = start + random.below(pages);
    const flags = random.pick([GET, PIN]) + random.pick([0, 0, WRITE, FORCE, NOFAULT]);
    return String(getPage(world, task, page, flags, form));
  }
  if (kind === 'mprotect') {
    const prot = random.pick([0, 1, 1, 3, 3, 5]);
    return String(world.run(mm.mprotect(task, start * PAGE, pages * PAGE, prot, form)));
  }
  const arg = scanOf(random, start, pages, kind === 'scan' ? 0 : WP_MATCHING);
  return JSON.stringify(world.run(mm.pagemapScan(task, arg, form)));
}

function scanOf(random: Random, start: number, pages: number, flags: number): mm.PmScanArg {
  const { WRITTEN, PRESENT, HUGE: IS_HUGE, FILE } = mm.PageIs;
  return {
    ...{ flags, start: start * PAGE, end: (start + pages) * PAGE },
    vecLength: random.pick([2000, 2000, 600, 3, 0]),
    maxPages: random.pick([0, 0, 0, 5, 700]),
    categoryInverted: random.pick([0, 0, 0, PRESENT, IS_HUGE]),
    categoryMask: random.pick([0, 0, WRITTEN, PRESENT, FILE]),
    categoryAnyofMask: random.pick([0, 0, PRESENT | IS_HUGE]),
    returnMask: random.pick([ALL_CATEGORIES, ALL_CATEGORIES, WRITTEN]),
  };
}

/** Gets a page, and lets it go. What is got is what the entry says, read without a walk. */
function getPage(
  world: RandomSpace,
  task: mm.Task,
  page: number,
  flags: number,
  form: mm.WalkForm | undefined,
): number {
  const { machine } = world;
  const frame = world.run(mm.getUserPageSlow(task, page, flags, form));
  if (frame < 0) return frame;
  assert.equal(frame, frameByTables(machine, task.mm, page), 'the frame is that of the tables');
  world.run(mm.unpin(task, frame, (flags & PIN) !== 0));
  return frame;
}

function frameByTables(machine: mm.Machine, space: mm.Mm, page: number): number {
  const { format } = machine;
  const found = leavesOf(machine, space).find(({ start, level }) => {
    return start <= page && page < start + format.entryPages[level]!;
  })!;
  return mm.mappedFrameAt(machine, found.slot, found.level) + page - found.start;
}

/** Entries by what they say, wherever their tables are. */
export function textOf({ machine }: RandomSpace, space: mm.Mm): string {
  return leavesOf(machine, space)
    .map(({ slot, level, start }) => {
      const [low, high] = machine.lanes.subarray(slot * 2, slot * 2 + 2);
      return `${start} ${level}: ${low!.toString(16)} ${high!.toString(16)}`;
    })
    .join('\n');
}
