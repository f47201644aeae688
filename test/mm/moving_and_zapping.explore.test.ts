/** mremap(2), mprotect(2) and madvise(2) against others, in every order that makes a difference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Vpn, vpn } from '../../src/arch/index.ts';
import { explore, MachineScenario, type Program } from '../../src/check/index.ts';
import { setSize } from '../../src/mm/file/truncate.ts';
import * as mm from '../../src/mm/index.ts';
import {
  type Bugs,
  gupFast,
  load,
  madvise,
  mmap,
  mprotect,
  mremap,
  NONE,
  run,
  store,
  taskOn,
  unpin,
  violate,
} from '../../src/mm/index.ts';
import { MADV } from '../../src/uapi/mman.ts';
import { isClean, isFound } from './races.ts';
import { newWorld } from './small_world.ts';

const TABLE = 512;
const PAGE = vpn(5 * TABLE);
const TARGET = vpn(6 * TABLE + 1);
const BYTES = 4096;
const PRIVATE = 0x32;
const SHARED = 0x31;

const moving: Program = {
  name: 'mremap',
  run: (task) =>
    mremap(task, {
      address: PAGE * BYTES,
      oldLength: BYTES,
      newLength: BYTES,
      flags: 3,
      newAddress: TARGET * BYTES,
    }),
};
const advising = (pages: number, advice: number): Program => ({
  name: `madvise ${advice}`,
  run: (task) => madvise(task, PAGE * BYTES, pages * BYTES, advice),
});
const storing = (page: Vpn): Program => ({ name: 'store', run: (task) => store(task, page, 7) });
const loading = (page: Vpn): Program => ({ name: 'load', run: (task) => load(task, page) });
const pinning: Program = {
  name: 'GUP-fast',
  *run(task) {
    const frame = yield* gupFast(task, PAGE, true);
    if (frame !== NONE) yield* unpin(task, frame);
  },
};
const truncating: Program = {
  name: 'truncate',
  *run({ machine, cpu }) {
    yield* setSize({ machine, cpu }, machine.inodes.all()[0]!, 0);
  },
};
/** What was given away reads as zeroes from then on. */
const discarding: Program = {
  name: 'MADV_DONTNEED, load',
  *run(task) {
    yield* madvise(task, PAGE * BYTES, BYTES, MADV.DONTNEED);
    const value = yield* load(task, PAGE);
    if (value !== 0) violate(task.machine, 'P-DATA');
  },
};
/** What is read-only does not change. */
const protecting: Program = {
  name: 'mprotect, load twice',
  *run(task) {
    yield* mprotect(task, PAGE * BYTES, BYTES, 1);
    const before = yield* load(task, PAGE);
    const after = yield* load(task, PAGE);
    if (before !== after) violate(task.machine, 'P-PERM');
  },
};

interface World extends Bugs {
  readonly pages?: number;
  readonly isShared?: boolean;
}

function scenario(programs: readonly Program[], world: World = {}): MachineScenario {
  const { pages = 1, isShared = false, ...bugs } = world;
  const machine = newWorld(mm, { cpus: programs.length }, bugs);
  const task = taskOn(machine, 0, 0);
  const call = {
    address: PAGE * BYTES,
    length: pages * BYTES,
    prot: 3,
    flags: isShared ? SHARED : PRIVATE,
    file: undefined,
    offset: 0,
  };
  assert.equal(run(mmap(task, call)), PAGE * BYTES);
  assert.equal(run(store(task, PAGE, 5)), 0);
  return new MachineScenario(machine, programs);
}

const CLEAN: readonly (readonly [string, readonly Program[], World])[] = [
  ['mremap against a store at the old place', [moving, storing(PAGE)], {}],
  ['mremap against a load at the new place', [moving, loading(TARGET)], {}],
  ['MADV_DONTNEED against another, and a load', [discarding, advising(1, MADV.DONTNEED)], {}],
  [
    'a table freed by MADV_DONTNEED against GUP-fast',
    [advising(TABLE, MADV.DONTNEED), pinning],
    { pages: TABLE },
  ],
  [
    'a table freed by MADV_DONTNEED against a fault',
    [advising(TABLE, MADV.DONTNEED), storing(vpn(PAGE + 1))],
    { pages: TABLE },
  ],
  ['mprotect against a store', [protecting, storing(PAGE)], {}],
];

for (const [name, programs, world] of CLEAN) {
  isClean(name, () => scenario(programs, world));
}

const BROKEN: readonly (readonly [string, string, readonly Program[], World])[] = [
  [
    'mremap that flushes after its locks (CVE-2018-18281)',
    'P-UAF-PAGE',
    [moving, truncating],
    { isShared: true, moveUnlockedBeforeFlush: true },
  ],
  [
    'MADV_DONTNEED that does not wait for the flush of another',
    'P-DATA',
    [discarding, advising(1, MADV.DONTNEED)],
    { noNestedFlush: true },
  ],
];

for (const [name, property, programs, world] of BROKEN) {
  isFound(name, property, () => scenario(programs, world));
}

const BOUNDED: readonly (readonly [string, readonly Program[], World])[] = [
  ['mremap against truncation', [moving, truncating], { isShared: true }],
  // The two can undo each other's work for ever.
  ['guards against a store', [advising(1, MADV.GUARD_INSTALL), storing(PAGE)], {}],
];

for (const [name, programs, world] of BOUNDED) {
  test(`${name}: nothing violated in the first thousands of executions`, () => {
    const bounds = { stepsMax: 250, executionsMax: 4000 };
    const result = explore(scenario(programs, world), bounds);
    assert.equal(result.finding, undefined);
    assert.ok(result.executions > 1, 'there was a race');
  });
}
