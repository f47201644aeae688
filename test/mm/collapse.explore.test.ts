/** Collapses against who moves, walks and faults, in every order that makes a difference. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../src/arch/index.ts';
import {
  type ExploreOptions,
  explore,
  MachineScenario,
  type Program,
} from '../../src/check/index.ts';
import { setSize } from '../../src/mm/file/truncate.ts';
import * as mm from '../../src/mm/index.ts';
import {
  type Bugs,
  gupFast,
  load,
  madvise,
  mmap,
  mremap,
  NONE,
  newProcess,
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
import { newWorld } from './small_world.ts';

/** A format whose tables have 32 entries: what is there of a huge page is soon seen. */
const FORMAT = formatById('ppc64-radix-64k')!;
const TABLE = 32;
const PAGE = 5 * TABLE;
const TARGET = 6 * TABLE;
const BYTES = 4096;
const PRIVATE = 0x32;
const SHARED = 0x11;

const collapsing = (process: number): Program => ({
  name: 'MADV_COLLAPSE',
  mm: process,
  run: (task) => madvise(task, PAGE * BYTES, TABLE * BYTES, MADV.COLLAPSE),
});
const moving: Program = {
  name: 'mremap',
  run: (task) =>
    mremap(task, {
      address: PAGE * BYTES,
      oldLength: TABLE * BYTES,
      newLength: TABLE * BYTES,
      flags: 3,
      newAddress: TARGET * BYTES,
    }),
};
const truncating: Program = {
  name: 'truncate',
  *run({ machine, cpu }) {
    yield* setSize({ machine, cpu }, machine.inodes.all()[0]!, 0);
  },
};
const collapsingAndFreeing: Program = {
  name: 'MADV_COLLAPSE, MADV_DONTNEED',
  *run(task) {
    yield* madvise(task, PAGE * BYTES, TABLE * BYTES, MADV.COLLAPSE);
    yield* madvise(task, PAGE * BYTES, TABLE * BYTES, MADV.DONTNEED);
  },
};
const pinning: Program = {
  name: 'GUP-fast',
  *run(task) {
    const frame = yield* gupFast(task, PAGE, true);
    if (frame !== NONE) yield* unpin(task, frame);
  },
};
/** What was stored before is still there, whoever makes a huge page of it. */
const loading: Program = {
  name: 'load',
  *run(task) {
    const value = yield* load(task, PAGE);
    if (value !== 5) violate(task.machine, 'P-DATA');
  },
};
const storing: Program = {
  name: 'store, load',
  *run(task) {
    yield* store(task, PAGE, 7);
    const value = yield* load(task, PAGE);
    if (value !== 7) violate(task.machine, 'P-DATA');
  },
};

interface World extends Bugs, Pick<Partial<WorldSize>, 'flush'> {
  /** Two processes share a file; otherwise one has private memory. */
  readonly isShared?: boolean;
}

function scenario(programs: readonly Program[], world: World = {}): MachineScenario {
  const { isShared = false, flush, ...bugs } = world;
  const size = { format: FORMAT, cpus: programs.length, mms: 2, frames: 160, tables: 12 };
  const machine = newWorld(mm, flush === undefined ? size : { ...size, flush }, bugs);
  const tasks = [taskOn(machine, 0, 0)];
  if (isShared) {
    run(newProcess(machine, 1));
    tasks.push(taskOn(machine, 1, 1));
    const inode = mm.newInode(machine, 0, { fileSystem: 'shmem', bytes: TABLE * BYTES });
    for (const task of tasks) mapAt(task, { inode });
  } else mapAt(tasks[0]!, undefined);
  for (const task of tasks) assert.equal(run(store(task, PAGE, 5)), 0);
  return new MachineScenario(machine, programs);
}

function mapAt(task: Task, file: { readonly inode: mm.Inode } | undefined): void {
  const isFile = file !== undefined;
  const open = { isReadable: true, isWritable: true, isExecutable: false, pagesMax: 2 ** 32 };
  const call = {
    address: PAGE * BYTES,
    length: TABLE * BYTES,
    prot: 3,
    flags: isFile ? SHARED : PRIVATE,
    file: isFile ? { mapped: file, ...open } : undefined,
    offset: 0,
  };
  assert.equal(run(mmap(task, call)), PAGE * BYTES);
}

type Case = readonly [name: string, programs: readonly Program[], world: World];

const COMPLETE: readonly Case[] = [
  ['a private collapse against GUP-fast', [collapsing(0), pinning], { flush: 'broadcast' }],
  [
    'a private collapse, undone, against GUP-fast',
    [collapsingAndFreeing, pinning],
    { flush: 'broadcast' },
  ],
  ['a private collapse against a store', [collapsing(0), storing], {}],
];

for (const [name, programs, world] of COMPLETE) {
  isClean(name, () => scenario(programs, world));
}

/** Schedules with one switch at a place that matters; there are too many to see them all. */
const sample = (executions: number): ExploreOptions => ({
  strategy: { name: 'pct', depth: 2, seed: 3, executions },
  stepsMax: 2000,
});

const SAMPLED: readonly Case[] = [
  ['mremap of a table against a collapse elsewhere', [moving, collapsing(1)], { isShared: true }],
  ['mremap of a table against truncation', [moving, truncating], { isShared: true }],
  ['a collapse of a file against a load', [loading, collapsing(1)], { isShared: true }],
  ['a collapse of a file against truncation', [truncating, collapsing(1)], { isShared: true }],
];

for (const [name, programs, world] of SAMPLED) {
  test(`${name}: nothing violated in a thousand executions`, () => {
    const result = explore(scenario(programs, world), sample(1000));
    assert.equal(result.finding, undefined);
    assert.equal(result.executions, 1000);
  });
}

const BROKEN: readonly (readonly [...Case, property: string])[] = [
  [
    'mremap that takes what it found for a table still (CVE-2024-50066)',
    [moving, collapsing(1)],
    { isShared: true, moveTableWithoutRecheck: true },
    'P-UAF-PT',
  ],
  [
    'mremap that moves a table without the locks of rmap (CVE-2022-41222)',
    [moving, truncating],
    { isShared: true, moveTableWithoutRmapLocks: true },
    'P-UAF-PAGE',
  ],
  [
    'a collapse that does not wait for lockless walkers (2ba99c5e0881)',
    [collapsingAndFreeing, pinning],
    { flush: 'broadcast', collapseWithoutSync: true },
    'P-UAF-PT',
  ],
];

for (const [name, programs, world, property] of BROKEN) {
  isFound(name, property, () => scenario(programs, world), {
    ...sample(2000),
    shrinkMax: 200,
  });
}
