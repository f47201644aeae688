/** What mincore(2) tells. Facts: kernel 6.18, measured, and mincore(2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { MADV } from '../../uapi/mman.ts';
import { EINVAL, ENOMEM, madvise, mincore, mprotect, run } from '../index.ts';

const START = 16 * TABLE;

function residentPages(process: OneProcess, start: number, pages: number): string {
  const resident = new Uint8Array(pages);
  const call = mincore(process.task, start * PAGE_BYTES, pages * PAGE_BYTES, resident);
  assert.equal(process.call(call), 0);
  return resident.join('');
}

test('pages that are mapped are resident, whatever may be done to them', () => {
  const process = new OneProcess();
  process.map(START, 6);
  process.fill(START, 2);
  assert.equal(process.load(START + 2), 0);
  process.call(madvise(process.task, (START + 3) * PAGE_BYTES, PAGE_BYTES, MADV.GUARD_INSTALL));
  assert.equal(residentPages(process, START, 6), '111000');
  process.call(mprotect(process.task, START * PAGE_BYTES, 6 * PAGE_BYTES, PROT.NONE));
  assert.equal(residentPages(process, START, 6), '111000');
});

test('pages before a hole are told of', () => {
  const process = new OneProcess();
  process.map(START + TABLE - 1, 2);
  process.fill(START + TABLE - 1, 2);
  const resident = new Uint8Array(3);
  const address = (START + TABLE - 1) * PAGE_BYTES;
  assert.equal(run(mincore(process.task, address, 3 * PAGE_BYTES, resident)), ENOMEM);
  assert.deepEqual([...resident], [1, 1, 0]);
});

test('nothing is asked of a place within a page, or behind the address space', () => {
  const { task } = new OneProcess();
  const none = new Uint8Array(1);
  assert.equal(run(mincore(task, 1, 0, none)), EINVAL);
  assert.equal(run(mincore(task, 0, -1, none)), ENOMEM);
  assert.equal(run(mincore(task, 0x7ffffffff000, 0, none)), 0);
  assert.equal(run(mincore(task, 0x7ffffffff000, 1, none)), ENOMEM);
});
