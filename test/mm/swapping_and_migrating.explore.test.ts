/** Swapping and migration against others, in every order that makes a difference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore, MachineScenario, type Program } from '../../src/check/index.ts';
import * as mm from '../../src/mm/index.ts';
import {
  type Bugs,
  fork,
  gupFast,
  load,
  madvise,
  migratePages,
  mmap,
  NONE,
  run,
  store,
  type Task,
  taskOn,
  unpin,
  violate,
  type WorldSize,
} from '../../src/mm/index.ts';
import { MADV } from '../../src/uapi/mman.ts';
import { isClean, isFound } from './races.ts';
import { newWorld, unmapPages } from './small_world.ts';

const PAGE = 5 * 512;
const BYTES = 4096;
const PRIVATE = 0x32;
const SHARED = 0x31;

const pageout = (task: Task) => madvise(task, PAGE * BYTES, BYTES, MADV.PAGEOUT);

/** What a program writes, it reads, whoever moves the page meanwhile. */
const storing: Program = {
  name: 'store, load',
  *run(task) {
    yield* store(task, PAGE, 7);
    const value = yield* load(task, PAGE);
    if (value !== 7) violate(task.machine, 'P-DATA');
  },
};
const storeOnly: Program = { name: 'store', run: (task) => store(task, PAGE, 7) };
const loading: Program = {
  name: 'load',
  *run(task) {
    const value = yield* load(task, PAGE);
    // It is unmapped, or it is what it was.
    if (value >= 0 && value !== 5) violate(task.machine, 'P-DATA');
  },
};
const unmapping: Program = { name: 'munmap', run: (task) => unmapPages(mm, task, PAGE, PAGE + 1) };
const discarding: Program = {
  name: 'MADV_DONTNEED',
  run: (task) => madvise(task, PAGE * BYTES, BYTES, MADV.DONTNEED),
};
const swappingOut: Program = { name: 'MADV_PAGEOUT', run: pageout };
const migrating: Program = {
  name: 'migrate',
  run: (task) => migratePages(task, PAGE, PAGE + 1),
};
const pinning: Program = {
  name: 'GUP-fast',
  *run(task) {
    const frame = yield* gupFast(task, PAGE, true);
    if (frame !== NONE) yield* unpin(task, frame);
  },
};
/** Brings the page in, writes to it, has it swapped out, and reads it. */
const swappingAgain: Program = {
  name: 'store, MADV_PAGEOUT, load',
  *run(task) {
    yield* store(task, PAGE, 9);
    yield* pageout(task);
    const value = yield* load(task, PAGE);
    if (value !== 9) violate(task.machine, 'P-DATA');
  },
};
const forking: Program = { name: 'fork', run: (task) => fork(task, task.cpu) };
const touching: Program = { name: 'load', run: (task) => load(task, PAGE) };

interface World extends Bugs, Partial<Pick<WorldSize, 'swapIsSynchronous'>> {
  readonly isSwapped?: boolean;
  readonly isShared?: boolean;
  /** The second program runs in a process of its own. */
  readonly isForked?: boolean;
}

function scenario(programs: readonly Program[], world: World = {}): MachineScenario {
  const {
    isSwapped = false,
    isShared = false,
    isForked = false,
    swapIsSynchronous = false,
    ...bugs
  } = world;
  const device = { swapSlots: 1, swapIsSynchronous };
  const machine = newWorld(mm, { cpus: 2, mms: 2, frames: 8, tables: 12, ...device }, bugs);
  const task = taskOn(machine, 0, 0);
  const flags = isShared ? SHARED : PRIVATE;
  const call = { address: PAGE * BYTES, length: BYTES, prot: 3, flags, file: undefined, offset: 0 };
  assert.equal(run(mmap(task, call)), PAGE * BYTES);
  assert.equal(run(store(task, PAGE, 5)), 0);
  if (isSwapped) {
    assert.equal(run(pageout(task)), 0);
    assert.equal(task.mm.rss[mm.Rss.SWAP], 1);
  }
  if (!isForked) return new MachineScenario(machine, programs);
  const child = run(mm.fork(task, 1));
  assert.ok(typeof child === 'object');
  // Both are to have an entry for it.
  if (!isSwapped) assert.equal(run(load(child, PAGE)), 5);
  const [own, others] = programs;
  return new MachineScenario(machine, [own!, { ...others!, mm: child.mm.id }]);
}

const OUT = { isSwapped: true };
const OUT_QUICK = { isSwapped: true, swapIsSynchronous: true };
const COMMON = { isShared: true, isForked: true };

type Race = readonly [string, readonly Program[], World];

const CLEAN: readonly Race[] = [
  ['swap-in against munmap', [loading, unmapping], OUT],
  ['swap-in for a write against munmap', [storeOnly, unmapping], OUT],
  ['swap-in past the cache against munmap', [storeOnly, unmapping], OUT_QUICK],
  ['swap-in against MADV_DONTNEED', [storeOnly, discarding], OUT],
  ['two swap-ins past the cache', [touching, storing], OUT_QUICK],
  ['two swap-ins', [touching, storeOnly], OUT],
  ['swap-out against a store', [swappingOut, storing], {}],
  ['swap-out against GUP-fast', [swappingOut, pinning], {}],
  ['migration against a load', [migrating, loading], {}],
  ['migration against a store', [migrating, storing], {}],
  ['migration against GUP-fast', [migrating, pinning], {}],
];

for (const [name, programs, world] of CLEAN) {
  isClean(name, () => scenario(programs, world));
}

/** Every schedule that takes the CPU away from who could go on twice at most. */
const BOUNDED = { strategy: { name: 'preemptions', max: 2, reduction: 'none' } } as const;

const LARGE: readonly Race[] = [
  ['fork against swap-out', [forking, swappingOut], {}],
  ['fork against swap-in for a write', [forking, storing], OUT],
  ['fork against migration', [forking, migrating], {}],
  ['swap-in by parent and child', [loading, storing], { ...OUT, isForked: true }],
  ['migration against a store by another process', [migrating, storing], COMMON],
  ['migration against munmap', [migrating, unmapping], {}],
  ['migration against swap-out', [migrating, swappingOut], {}],
  ['migration against another', [migrating, migrating], {}],
  ['migration against a store that swaps in', [migrating, storing], OUT],
  ['swap-in past the cache against swapping in and out', [touching, swappingAgain], OUT_QUICK],
  ['swap-in against swapping in and out', [touching, swappingAgain], OUT],
];

for (const [name, programs, world] of LARGE) {
  test(`${name}: nothing violated with two preemptions`, () => {
    const result = explore(scenario(programs, world), BOUNDED);
    assert.equal(result.finding, undefined);
    assert.deepEqual(result.bounds, ['switches']);
    assert.ok(result.executions > 1, 'there was a race');
  });
}

const BROKEN: readonly (readonly [string, string, readonly Program[], World])[] = [
  [
    'a page written out before the flush',
    'P-DATA',
    [swappingOut, storing],
    { swapOutBeforeFlush: true },
  ],
  [
    'a slot used anew while it is read past the swap cache (CVE-2024-26759)',
    'P-DATA',
    [touching, swappingAgain],
    { ...OUT_QUICK, swapInWithoutPin: true },
  ],
  [
    'migration that flushes one of the processes (017b1660df89)',
    'P-UAF-PAGE',
    [migrating, storing],
    { ...COMMON, migrateFlushesOneMm: true },
  ],
];

for (const [name, property, programs, world] of BROKEN) {
  isFound(name, property, () => scenario(programs, world), BOUNDED);
}
