/** What a walk calls, and what it takes and asks for. Facts: include/linux/pagewalk.h, mm/pagewalk.c. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, TABLE } from '../../../test/mm/one_process.ts';
import {
  EINVAL,
  LEVEL_UNKNOWN,
  type MmWalkOps,
  madvise,
  memfdCreate,
  mmap,
  mmapReadLock,
  mmapReadUnlock,
  type Op,
  type OpenFile,
  reading,
  run,
  store,
  type Task,
  WalkAction,
  type WalkEntry,
  WalkForm,
  WalkLock,
  walkPageRange,
  walkPageRangeVma,
} from '../index.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';

const FIRST = 16 * TABLE;
const GIB = TABLE * TABLE;
const MADV_HUGEPAGE = 14;
const MFD_HUGETLB = 4;

/** A walk notes what it is called for: the name, and pages from `FIRST` on. */
type Notes = string[];

function noting(name: string, result = 0, action?: WalkAction): WalkEntry<Notes> {
  return function* note(walk, slot, page, end) {
    yield reading(walk.task.machine.objects.entry(slot));
    walk.state.push(`${name} ${page - FIRST}-${end - FIRST}`);
    if (action !== undefined) walk.action = action;
    return result;
  };
}

const HOLES: Pick<MmWalkOps<Notes>, 'pteHole'> = {
  *pteHole({ task, state }, page, end, level) {
    yield reading(task.machine.objects.tree(task.mm.id));
    const where = level === LEVEL_UNKNOWN ? 'hole' : `hole of level ${level}`;
    state.push(`${where} ${page - FIRST}-${end - FIRST}`);
    return 0;
  },
};

function walkWith(
  task: Task,
  ops: Partial<MmWalkOps<Notes>>,
  start: number,
  end: number,
  form: WalkForm = WalkForm.UNIFIED,
): [number, Notes] {
  const { machine, cpu, mm } = task;
  const notes: Notes = [];
  run(mmapReadLock(machine, cpu, mm.id));
  const whole = { walkLock: WalkLock.RDLOCK, ...ops };
  const result = run(walkPageRange(task, start, end, whole, notes, form));
  run(mmapReadUnlock(machine, cpu, mm.id));
  return [result, notes];
}

test('entries and holes come in the order of addresses, upper ones first', () => {
  const process = new OneProcess();
  process.map(FIRST, 3);
  process.fill(FIRST + 1, 1);
  const ops = {
    pgdEntry: noting('pgd'),
    p4dEntry: noting('p4d'),
    pudEntry: noting('pud'),
    pmdEntry: noting('pmd'),
    pteEntry: noting('pte'),
    ...HOLES,
  };
  assert.deepEqual(walkWith(process.task, ops, FIRST - 1, FIRST + 5), [
    0,
    [
      'hole -1-0',
      // Of four levels, pgd and p4d are one entry.
      ...['pgd 0-3', 'p4d 0-3', 'pud 0-3', 'pmd 0-3', 'pte 0-1', 'pte 1-2', 'pte 2-3'],
      'hole 3-5',
    ],
  ]);
  process.map(FIRST + 8 * TABLE, TABLE);
  const low = { ...HOLES, pteEntry: noting('pte') };
  const within = (calls: typeof HOLES): Notes =>
    walkWith(process.task, calls, FIRST + 8 * TABLE, FIRST + 9 * TABLE)[1];
  assert.deepEqual(within(low), [`hole of level 1 ${8 * TABLE}-${9 * TABLE}`]);
  // Who has no calls for lower entries does not hear of their holes.
  assert.deepEqual(within(HOLES), []);
  assert.equal(walkWith(process.task, ops, FIRST, FIRST)[0], EINVAL);
  process.check();
});

test('an entry keeps the walk from what is below, has it come again, or ends it', () => {
  const process = new OneProcess();
  process.map(FIRST, 2);
  process.fill(FIRST, 1);
  const end = FIRST + 2;
  const pteEntry = noting('pte');
  const skipping = { pmdEntry: noting('pmd', 0, WalkAction.CONTINUE), pteEntry };
  assert.deepEqual(walkWith(process.task, skipping, FIRST, end), [0, ['pmd 0-2']]);
  const ending = { pteEntry: noting('pte', 7) };
  assert.deepEqual(walkWith(process.task, ending, FIRST, end), [7, ['pte 0-1']]);
  let calls = 0;
  const again: Partial<MmWalkOps<Notes>> = {
    *pmdEntry(walk, slot, page, last) {
      yield* noting('pmd')(walk, slot, page, last);
      if (calls++ === 0) walk.action = WalkAction.AGAIN;
      return 0;
    },
    pteEntry,
  };
  assert.deepEqual(walkWith(process.task, again, FIRST, end)[1], [
    ...['pmd 0-2', 'pmd 0-2', 'pte 0-1', 'pte 1-2'],
  ]);
});

test('a VMA is passed over if test_walk says so; otherwise it comes between pre_vma and post_vma', () => {
  const process = new OneProcess();
  process.map(FIRST, 1);
  process.map(FIRST + 1, 1, 1);
  process.fill(FIRST, 1);
  function* telling(name: string, notes: Notes, result: number): Op<number> {
    yield reading(process.task.machine.objects.tree(process.task.mm.id));
    notes.push(name);
    return result;
  }
  const ops: Partial<MmWalkOps<Notes>> = {
    testWalk: ({ state }, page) => telling(`test ${page - FIRST}`, state, page === FIRST ? 0 : 1),
    preVma: ({ state }) => telling('pre', state, 0),
    pteEntry: noting('pte'),
    *postVma({ state }) {
      yield* telling('post', state, 0);
    },
  };
  assert.deepEqual(walkWith(process.task, ops, FIRST, FIRST + 2), [
    0,
    ['test 0', 'pre', 'pte 0-1', 'post', 'test 1'],
  ]);
});

test('a transparent huge page is split for small entries, one of hugetlb never', () => {
  const process = new OneProcess({ hugePages: 1 });
  const { task } = process;
  process.map(FIRST, TABLE);
  process.call(madvise(task, FIRST * PAGE_BYTES, TABLE * PAGE_BYTES, MADV_HUGEPAGE));
  process.fill(FIRST, 1);
  const ops = { pteEntry: noting('pte') };
  assert.equal(walkWith(task, ops, FIRST, FIRST + TABLE)[1].length, TABLE);
  const file = memfdCreate(task, 1, MFD_HUGETLB) as OpenFile;
  const call = { address: GIB * PAGE_BYTES, length: TABLE * PAGE_BYTES, prot: 3, offset: 0 };
  process.call(mmap(task, { ...call, flags: 0x11, file }));
  process.call(store(task, GIB, 1));
  const all = { ...ops, pmdEntry: noting('pmd'), hugetlbEntry: noting('huge') };
  const pages = `${GIB - FIRST}-${GIB - FIRST + TABLE}`;
  const walked = (form: WalkForm): Notes => walkWith(task, all, GIB, GIB + TABLE, form)[1];
  assert.deepEqual(walked(WalkForm.UNIFIED), [`pmd ${pages}`]);
  assert.deepEqual(walked(WalkForm.LEGACY), [`huge ${pages}`]);
  // Nor in a VMA that does not say what its pages are.
  const vma = task.mm.vmas.at(GIB)!;
  const { flags } = vma;
  vma.flags = 0;
  assert.deepEqual(walked(WalkForm.LEGACY), [`pmd ${pages}`]);
  vma.flags = flags;
  process.check();
});

test('a walk asks for the locks that it is told of, and takes those of VMAs', () => {
  const process = new OneProcess();
  process.map(FIRST, 1);
  const { task } = process;
  const { machine, cpu, mm } = task;
  const vma = mm.vmas.at(FIRST)!;
  const walk = (walkLock: WalkLock): number =>
    run(walkPageRangeVma(task, vma, vma.start, vma.end, { walkLock }, undefined));
  const isWriteLocked = (): boolean => machine.vmaSequence[vma.id] === machine.mmSequence[mm.id];
  for (const walkLock of Object.values(WalkLock)) assert.throws(() => walk(walkLock));
  run(mmapReadLock(machine, cpu, mm.id));
  assert.equal(walk(WalkLock.RDLOCK), 0);
  assert.throws(() => walk(WalkLock.WRLOCK));
  run(mmapReadUnlock(machine, cpu, mm.id));
  run(mmapWriteLock(machine, cpu, mm.id));
  assert.throws(() => walk(WalkLock.WRLOCK_VERIFY));
  assert.deepEqual([isWriteLocked(), walk(WalkLock.WRLOCK), isWriteLocked()], [false, 0, true]);
  assert.equal(walk(WalkLock.WRLOCK_VERIFY), 0);
  assert.equal(walk(WalkLock.VMA_RDLOCK_VERIFY), 0);
  run(mmapWriteUnlock(machine, cpu, mm.id));
});
