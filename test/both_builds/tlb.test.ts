/**
 * At full speed, accesses go through TLBs of any shape: with all flushes, no program can tell; with
 * one left out, some can.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById, type Vpn } from '../../src/arch/index.ts';
import type * as canonical from '../../src/mm/index.ts';
import { MmuCount, type MmuShape, pageSizes, SKYLAKE, type TlbArray } from '../../src/mmu/index.ts';
import { Random } from '../kernel/random.ts';
import { mapPages, newWorld } from '../mm/small_world.ts';
import { newSeed } from '../seed.ts';

const mm = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

const CPUS = 2;
const PROCESSES = 3;
const PAGE_BYTES = 4096;
const FIRST = 16 * 512;
const AREA = 2 * 512;
/** Pages of each table that are used. */
const NEAR = 6;
const MADV = { DONTNEED: 4, FREE: 8, COLD: 20, PAGEOUT: 21, COLLAPSE: 25 } as const;
const RUNS = 30;
const STEPS = 4000;
const ADVICE = Object.values(MADV);
const format = formatById('x86_64-4level')!;
/** As often as they stand here. */
const KINDS = [
  ...([
    'mmap',
    'mmap',
    'mmap',
    'mmap',
    'mmap',
    'munmap',
    'mprotect',
    'mprotect',
    'mremap',
    'madvise',
  ] as const),
  ...(['fork', 'exit'] as const),
  ...Array<'load'>(90).fill('load'),
  ...Array<'store'>(60).fill('store'),
];

function randomShape(random: Random): MmuShape {
  const sizes = pageSizes(format);
  const cache = () => ({ sets: 1 + random.below(20), ways: 1 + random.below(5) });
  const array = (): TlbArray => ({
    ...cache(),
    pages: sizes.filter((_, index) => index === 0 || random.below(2) === 0),
  });
  const some = <T>(make: () => T): T[] => Array.from({ length: 1 + random.below(3) }, make);
  return {
    tlb: some(() => some(array)),
    walkCaches: [1, 2, 3].map(() => (random.below(4) === 0 ? undefined : cache())),
  };
}

function newMachine(size: Partial<canonical.WorldSize>, bugs?: canonical.Bugs): canonical.Machine {
  return newWorld(
    mm,
    {
      cpus: CPUS,
      mms: PROCESSES,
      frames: 6000,
      tables: 100,
      vmas: 512,
      anonVmas: 512,
      gather: 32,
      swapSlots: 512,
      ...size,
    },
    bugs,
  );
}

/** Takes one random step; what it returned. Arguments do not depend on what a TLB holds. */
function step(machine: canonical.Machine, random: Random): number {
  const processes = machine.mms.all();
  const task = mm.taskOn(
    machine,
    random.below(CPUS),
    processes[random.below(processes.length)]!.id,
  );
  // Most accesses meet: few pages of each table, and neighbours.
  const page = FIRST + random.below(AREA / 512) * 512 + random.below(NEAR);
  const start = random.below(3) === 0 ? page - (page % 512) : page;
  const address = start * PAGE_BYTES;
  const length = [1, 2, NEAR, 512][random.below(4)]! * PAGE_BYTES;
  const prot = random.below(4) > 0 ? 3 : 1;
  const newAddress = (FIRST + random.below(AREA / 512) * 512 + random.below(NEAR)) * PAGE_BYTES;
  const [value, cpu, advice] = [
    random.below(1000),
    random.below(CPUS),
    random.below(ADVICE.length),
  ];
  switch (KINDS[random.below(KINDS.length)]!) {
    case 'mmap':
      return mm.run(mapPages(mm, task, start, start + length / PAGE_BYTES, prot === 3));
    case 'munmap':
      return mm.run(mm.munmap(task, address, length));
    case 'mprotect':
      return mm.run(mm.mprotect(task, address, length, prot));
    case 'mremap': {
      const call = { address, oldLength: length, newLength: length, flags: 3, newAddress };
      return mm.run(mm.mremap(task, call));
    }
    case 'madvise':
      return mm.run(mm.madvise(task, address, length, ADVICE[advice]!));
    case 'fork': {
      const child = mm.run(mm.fork(task, cpu));
      return typeof child === 'number' ? child : child.mm.id;
    }
    case 'exit':
      if (processes.length > 1) mm.run(mm.exit(task));
      return 0;
    case 'load':
      return mm.run(mm.load(task, page));
    case 'store':
      return mm.run(mm.store(task, page, value));
  }
}

/** Runs the same steps with and without TLBs: the first step that returns something else. */
function firstDifference(seed: number, steps: number, bugs?: canonical.Bugs): number | undefined {
  const shapes = new Random(seed);
  const size = { thp: (['always', 'never'] as const)[shapes.below(2)]! };
  const flush = (['interrupt', 'broadcast'] as const)[shapes.below(2)]!;
  const machines = [
    newMachine({ ...size, flush, tlb: randomShape(shapes) }, bugs),
    newMachine({ ...size, flush }, bugs),
  ] as const;
  const randoms = [new Random(seed), new Random(seed)] as const;
  for (let count = 0; count < steps; count++) {
    if (step(machines[0], randoms[0]) !== step(machines[1], randoms[1])) return count;
  }
  for (const machine of machines) {
    mm.audit(machine);
    if (bugs === undefined) assert.equal(mm.violationOf(machine), undefined, `seed ${seed}`);
  }
  noteUse(machines[0]);
  return undefined;
}

const used = { hits: 0, misses: 0 };

function noteUse({ mmus }: canonical.Machine): void {
  for (const { counters } of mmus) {
    used.hits += counters[MmuCount.accesses]! - counters[MmuCount.misses]!;
    used.misses += counters[MmuCount.misses]!;
  }
}

test('no program can tell which TLBs a machine has', () => {
  const first = newSeed();
  for (let run = 0; run < RUNS; run++) {
    const seed = first + run;
    assert.equal(firstDifference(seed, STEPS), undefined, `seed ${seed}`);
  }
  // It says something only if TLBs were hit, and missed.
  const least = (RUNS * STEPS) / 10;
  assert.ok(used.hits > least && used.misses > least, `${used.hits} hits, ${used.misses} misses`);
});

for (const bug of ['forkWithoutFlush', 'cowWithoutFlush'] as const) {
  test(`a flush that is left out shows: ${bug}`, () => {
    const seeds = Array.from({ length: 40 }, (_, seed) => seed);
    assert.ok(seeds.some((seed) => firstDifference(seed, 2000, { [bug]: true }) !== undefined));
  });
}

/** The lanes of the entry that maps a page. */
function leafOf(machine: canonical.Machine, page: number): [low: number, high: number] {
  let table = machine.mms.get(0).root;
  for (let level = format.levels - 1; ; level--) {
    const slot = table * machine.tableEntries + format.index(page as Vpn, level);
    if (level === 0) return [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
    table = mm.tableAt(machine, slot, level);
  }
}

// madvise(2): MADV_FREE takes dirty bits away, MADV_COLD accessed bits; nothing faults afterwards.
test('an access marks the entry accessed and dirty where no fault does', () => {
  const machine = newMachine({ tlb: SKYLAKE, thp: 'never' });
  const task = mm.taskOn(machine, 0, 0);
  const isDirty = () => format.dirty(...leafOf(machine, FIRST));
  const isAccessed = () => format.accessed(...leafOf(machine, FIRST));
  mm.run(mapPages(mm, task, FIRST, FIRST + 1));
  assert.equal(mm.run(mm.store(task, FIRST, 7)), 0);
  const faults = machine.mmus[0]!.counters[MmuCount.faults];
  assert.equal(mm.run(mm.madvise(task, FIRST * PAGE_BYTES, PAGE_BYTES, MADV.FREE)), 0);
  assert.deepEqual([isAccessed(), isDirty()], [false, false]);
  assert.equal(mm.run(mm.load(task, FIRST)), 7);
  assert.deepEqual([isAccessed(), isDirty()], [true, false]);
  assert.equal(mm.run(mm.store(task, FIRST, 8)), 0);
  assert.equal(isDirty(), true);
  assert.equal(mm.run(mm.madvise(task, FIRST * PAGE_BYTES, PAGE_BYTES, MADV.COLD)), 0);
  assert.equal(isAccessed(), false);
  assert.equal(mm.run(mm.load(task, FIRST)), 8);
  assert.deepEqual([isAccessed(), isDirty()], [true, true]);
  assert.equal(machine.mmus[0]!.counters[MmuCount.faults], faults);
});

test('a CPU keeps translations of an address space while it runs another', () => {
  const machine = newMachine({ tlb: SKYLAKE, thp: 'never' });
  const parent = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, parent, FIRST, FIRST + 1));
  mm.run(mm.store(parent, FIRST, 1));
  const child = mm.run(mm.fork(parent, 0));
  assert.ok(typeof child !== 'number');
  mm.run(mm.store(child, FIRST, 2));
  assert.equal(mm.run(mm.load(parent, FIRST)), 1);
  const misses = machine.mmus[0]!.counters[MmuCount.misses];
  for (let turn = 0; turn < 10; turn++) {
    assert.equal(mm.run(mm.load(child, FIRST)), 2);
    assert.equal(mm.run(mm.load(parent, FIRST)), 1);
  }
  assert.equal(machine.mmus[0]!.counters[MmuCount.misses], misses);
});

test('a restored machine has the TLBs that it was saved with', () => {
  const machine = newMachine({ tlb: SKYLAKE });
  const before = new Random(1);
  for (let count = 0; count < 2000; count++) step(machine, before);
  const saved = machine.save();
  const counters = () => machine.mmus.map((mmu) => [...mmu.counters, ...mmu.walker.counters]);
  const goOn = () => {
    const random = new Random(2);
    const results = Array.from({ length: 2000 }, () => step(machine, random));
    return { results, counters: counters() };
  };
  const once = goOn();
  machine.restore(saved);
  assert.notDeepEqual(counters(), once.counters);
  assert.deepEqual(goOn(), once);
});
