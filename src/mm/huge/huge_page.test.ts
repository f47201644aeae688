/** Whole huge pages of private memory. Facts: kernel 6.18, measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { MADV } from '../../uapi/mman.ts';
import {
  Fault,
  FOLL,
  fork,
  getUserPage,
  load,
  madvise,
  mprotect,
  mremap,
  munmap,
  run,
  store,
  unpin,
} from '../index.ts';
import { isMappedAt } from '../table/mapped_entry.ts';
import { isPresentAt, walk } from '../table/pgtable.ts';

const START = 16 * TABLE;
const TARGET = 32 * TABLE;
const RW = PROT.READ | PROT.WRITE;

/** Two huge pages, the first of them written to. */
function withHugePages(): OneProcess {
  const process = new OneProcess();
  process.map(START, 2 * TABLE);
  advise(process, START, 2 * TABLE, MADV.HUGEPAGE);
  assert.equal(run(store(process.task, START, 7)), 0);
  assert.equal(process.anonymousPages, TABLE);
  return process;
}

function advise(process: OneProcess, start: number, pages: number, advice: number): void {
  const { task } = process;
  assert.equal(process.call(madvise(task, start * PAGE_BYTES, pages * PAGE_BYTES, advice)), 0);
}

function protect(process: OneProcess, start: number, pages: number, prot: number): void {
  const { task } = process;
  assert.equal(process.call(mprotect(task, start * PAGE_BYTES, pages * PAGE_BYTES, prot)), 0);
}

function move(process: OneProcess, from: number, to: number): void {
  const call = {
    address: from * PAGE_BYTES,
    oldLength: TABLE * PAGE_BYTES,
    newLength: TABLE * PAGE_BYTES,
    flags: 3,
    newAddress: to * PAGE_BYTES,
  };
  assert.equal(process.call(mremap(process.task, call)), to * PAGE_BYTES);
}

function isHuge({ task }: OneProcess, page: number): boolean {
  const slot = run(walk(task.machine, task.mm, page, 1));
  return isMappedAt(task.machine, slot, 1);
}

test('mprotect of a whole huge page leaves it one, and takes the right to write', () => {
  const process = withHugePages();
  const { tables } = process;
  protect(process, START, TABLE, PROT.READ);
  assert.ok(isHuge(process, START));
  assert.equal(run(store(process.task, START, 8)), -1 - Fault.ACCERR);
  protect(process, START, TABLE, RW);
  assert.equal(run(store(process.task, START + 1, 8)), 0);
  assert.ok(isHuge(process, START), 'it was written to in place');
  assert.equal(process.tables, tables);
});

test('a huge page of PROT_NONE is resident and out of reach, and comes back as it was', () => {
  const process = withHugePages();
  protect(process, START, TABLE, PROT.NONE);
  assert.ok(isHuge(process, START));
  assert.equal(
    isPresentAt(process.task.machine, run(walk(process.task.machine, process.task.mm, START, 1))),
    false,
  );
  assert.equal(process.anonymousPages, TABLE);
  assert.equal(process.load(START), -1 - Fault.ACCERR);
  protect(process, START, TABLE, RW);
  assert.ok(isHuge(process, START));
  assert.equal(process.load(START), 7);
});

test('a huge page that is written to by force stays whole, and the program gets no right to write', () => {
  const page = START + 3;
  for (const prot of [PROT.NONE, PROT.READ]) {
    const process = withHugePages();
    const { task } = process;
    protect(process, START, TABLE, prot);
    const frame = run(getUserPage(task, page, FOLL.GET | FOLL.WRITE | FOLL.FORCE));
    task.machine.frameData[frame] = 9;
    assert.ok(isHuge(process, START));
    assert.equal(run(store(task, page, 1)), -1 - Fault.ACCERR);
    run(unpin(task, frame));
    protect(process, START, TABLE, PROT.READ);
    assert.equal(process.load(page), 9);
    process.check();
  }
});

test('a part of a huge page of PROT_NONE splits it; all of it is unmapped, moved and forked whole', () => {
  const process = withHugePages();
  protect(process, START, TABLE, PROT.NONE);
  move(process, START, TARGET);
  assert.ok(isHuge(process, TARGET));
  const child = run(fork(process.task, 0));
  assert.equal(child, -12, 'there is place for one process');
  protect(process, TARGET, 1, RW);
  assert.equal(isHuge(process, TARGET), false);
  assert.equal(process.load(TARGET), 7);
  assert.equal(process.load(TARGET + 1), -1 - Fault.ACCERR);
  assert.equal(process.anonymousPages, TABLE);
  process.call(munmap(process.task, TARGET * PAGE_BYTES, TABLE * PAGE_BYTES));
  assert.equal(process.anonymousPages, 0);
});

test('mremap moves a huge page with its table, if it is aligned at both ends', () => {
  const process = withHugePages();
  const { tables } = process;
  move(process, START, TARGET);
  assert.ok(isHuge(process, TARGET));
  assert.equal(process.load(TARGET), 7);
  assert.equal(process.tables, tables);
  move(process, TARGET, TARGET + 4 * TABLE + 1);
  assert.equal(process.load(TARGET + 4 * TABLE + 1), 7);
  assert.equal(process.tables, tables + 1, 'in small pages it lies in two tables');
  assert.equal(process.anonymousPages, TABLE);
});

test('the huge page of zeroes is moved and protected, too', () => {
  const process = withHugePages();
  assert.equal(process.load(START + TABLE), 0);
  protect(process, START + TABLE, TABLE, PROT.NONE);
  protect(process, START + TABLE, TABLE, RW);
  move(process, START + TABLE, TARGET);
  assert.ok(isHuge(process, TARGET));
  assert.equal(run(load(process.task, TARGET)), 0);
  assert.equal(run(store(process.task, TARGET, 3)), 0);
  assert.equal(process.anonymousPages, 2 * TABLE);
  process.check();
});
