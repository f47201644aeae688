/** What mprotect(2) does to pages that are mapped. Facts: kernel 6.18, measured, and mprotect(2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { DIRTY, formatById, W } from '../../arch/index.ts';
import { Fault, mprotect, run, store } from '../index.ts';
import { mappedFlagsAt } from './mapped_entry.ts';
import { isPresentAt, walk } from './pgtable.ts';

const START = 16 * TABLE;
const RW = PROT.READ | PROT.WRITE;

function protect(process: OneProcess, start: number, pages: number, prot: number): number {
  return process.call(mprotect(process.task, start * PAGE_BYTES, pages * PAGE_BYTES, prot));
}

function slotOf({ task }: OneProcess, page: number): number {
  return run(walk(task.machine, task.mm, page));
}

test('a page of PROT_NONE is not there for its process, and comes back as it was without a fault', () => {
  const process = new OneProcess();
  const { machine } = process.task;
  process.map(START, 4);
  process.fill(START, 2);
  assert.equal(protect(process, START, 4, PROT.NONE), 0);
  assert.equal(process.anonymousPages, 2, 'it is still resident');
  assert.equal(process.load(START), -1 - Fault.ACCERR);
  assert.equal(isPresentAt(machine, slotOf(process, START)), false);
  assert.equal(protect(process, START, 4, RW), 0);
  const slot = slotOf(process, START);
  assert.equal(isPresentAt(machine, slot), true);
  assert.equal(mappedFlagsAt(machine, slot) & (W | DIRTY), W | DIRTY);
  assert.equal(process.load(START), START);
});

test('what becomes read-only is not written to, what becomes writable is at once', () => {
  const process = new OneProcess();
  process.map(START, 2);
  process.fill(START, 2);
  assert.equal(protect(process, START, 1, PROT.READ), 0);
  assert.equal(run(store(process.task, START, 7)), -1 - Fault.ACCERR);
  assert.equal(run(store(process.task, START + 1, 7)), 0);
  assert.equal(protect(process, START, 1, RW), 0);
  assert.equal(mappedFlagsAt(process.task.machine, slotOf(process, START)) & W, W);
});

test('the zero page stays write-protected: it is copied by the fault', () => {
  const process = new OneProcess();
  process.map(START, 1, PROT.READ);
  assert.equal(process.load(START), 0);
  assert.equal(protect(process, START, 1, RW), 0);
  assert.equal(mappedFlagsAt(process.task.machine, slotOf(process, START)) & W, 0);
  assert.equal(run(store(process.task, START, 7)), 0);
  assert.equal(process.anonymousPages, 1);
});

test('no table comes to be, and no flush stays open', () => {
  const process = new OneProcess();
  process.map(START, 8 * TABLE);
  process.fill(START + 3 * TABLE, 1);
  const { tables } = process;
  assert.equal(protect(process, START, 8 * TABLE, PROT.READ), 0);
  assert.equal(process.tables, tables);
  assert.equal(process.task.machine.ledger.size, 0);
});

test('rights change in tables of two levels, and back', () => {
  const process = new OneProcess({ format: formatById('arm64-64k-42bit')!, frames: 9000 });
  const start = 16 * 8192;
  process.map(start, 2);
  process.fill(start, 2);
  assert.equal(protect(process, start, 2, PROT.NONE), 0);
  assert.equal(isPresentAt(process.task.machine, slotOf(process, start)), false);
  assert.equal(process.load(start), -1 - Fault.ACCERR);
  assert.equal(protect(process, start, 2, RW), 0);
  assert.equal(process.load(start), start);
});
