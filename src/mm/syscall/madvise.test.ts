/** What madvise(2) does to pages and tables. Facts: kernel 6.18, measured, and madvise(2). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { MADV, MAP } from '../../uapi/mman.ts';
import {
  EFAULT,
  EINVAL,
  ENOMEM,
  Fault,
  madvise,
  mlock,
  mmap,
  mprotect,
  mremap,
  run,
} from '../index.ts';

const START = 16 * TABLE;

function advise(process: OneProcess, start: number, pages: number, advice: number): number {
  return process.call(madvise(process.task, start * PAGE_BYTES, pages * PAGE_BYTES, advice));
}

function filled(pages: number, prot?: number): OneProcess {
  const process = new OneProcess();
  process.map(START, pages, prot);
  process.fill(START, pages);
  return process;
}

test('MADV_DONTNEED frees the pages, and the table if all of its 2 MiB are meant', () => {
  const process = filled(TABLE);
  assert.equal(advise(process, START, TABLE / 2, MADV.DONTNEED), 0);
  assert.equal(process.anonymousPages, TABLE / 2);
  assert.equal(process.tables, 3);
  assert.equal(advise(process, START, TABLE, MADV.DONTNEED), 0);
  assert.equal(process.tables, 2);
  assert.equal(process.load(START), 0);
});

test('MADV_DONTNEED in two halves leaves an empty table', () => {
  const process = filled(TABLE);
  advise(process, START, TABLE / 2, MADV.DONTNEED);
  advise(process, START + TABLE / 2, TABLE / 2, MADV.DONTNEED);
  assert.equal(process.anonymousPages, 0);
  assert.equal(process.tables, 3);
});

test('a table with a gather too small for it is emptied in steps, and freed all the same', () => {
  const process = new OneProcess({ gather: 8 });
  process.map(START, TABLE);
  process.fill(START, TABLE);
  advise(process, START, TABLE, MADV.DONTNEED);
  assert.equal(process.anonymousPages, 0);
  assert.equal(process.tables, 2);
});

test('guards survive MADV_DONTNEED, and keep the table', () => {
  const process = filled(TABLE);
  advise(process, START + 1, 1, MADV.GUARD_INSTALL);
  advise(process, START, TABLE, MADV.DONTNEED);
  assert.equal(process.tables, 3);
  assert.equal(process.load(START + 1), -1 - Fault.MAPERR);
  assert.equal(advise(process, START, TABLE, MADV.GUARD_REMOVE), 0);
  assert.equal(process.load(START + 1), 0);
});

test('guards take the place of pages, and need all tables', () => {
  const process = new OneProcess();
  process.map(START, 3 * TABLE);
  process.fill(START + TABLE, 2);
  assert.equal(advise(process, START, 3 * TABLE, MADV.GUARD_INSTALL), 0);
  assert.equal(process.anonymousPages, 0);
  assert.equal(process.tables, 5);
  assert.equal(process.load(START + TABLE), -1 - Fault.MAPERR);
});

test('what is locked is not given away, unless that is said', () => {
  const process = filled(4);
  process.call(mlock(process.task, START * PAGE_BYTES, 4 * PAGE_BYTES));
  for (const advice of [MADV.DONTNEED, MADV.FREE, MADV.COLD, MADV.PAGEOUT, MADV.GUARD_INSTALL]) {
    assert.equal(advise(process, START, 4, advice), EINVAL);
  }
  assert.equal(advise(process, START, 4, MADV.GUARD_REMOVE), 0);
  assert.equal(advise(process, START, 4, MADV.DONTNEED_LOCKED), 0);
  assert.equal(process.anonymousPages, 0);
});

test('pages of MADV_FREE stay until memory is looked for, and then if they were written to', () => {
  const process = filled(4);
  assert.equal(advise(process, START, 3, MADV.FREE), 0);
  assert.equal(process.anonymousPages, 4);
  assert.equal(process.load(START), START);
  process.fill(START + 1, 1);
  assert.equal(advise(process, START, 4, MADV.PAGEOUT), 0);
  assert.equal(process.anonymousPages, 2);
  assert.equal(process.load(START), 0);
  assert.equal(process.load(START + 1), START + 1);
  assert.equal(process.load(START + 3), START + 3, 'there is no swap device');
});

test('a hole is reported after the rest is done', () => {
  const process = filled(2);
  process.map(START + 3, 1);
  process.fill(START + 3, 1);
  assert.equal(advise(process, START, 4, MADV.DONTNEED), ENOMEM);
  assert.equal(process.anonymousPages, 0);
});

test('populating says why it cannot', () => {
  const process = new OneProcess();
  process.map(START, 4);
  assert.equal(advise(process, START, 2, MADV.POPULATE_WRITE), 0);
  assert.equal(process.anonymousPages, 2);
  assert.equal(advise(process, START, 4, MADV.POPULATE_READ), 0);
  assert.equal(process.anonymousPages, 2, 'the zero page is nobody’s');
  advise(process, START + 3, 1, MADV.GUARD_INSTALL);
  assert.equal(advise(process, START, 4, MADV.POPULATE_READ), EFAULT);
  assert.equal(advise(process, START + 4, 1, MADV.POPULATE_READ), ENOMEM);
  for (const prot of [PROT.NONE, PROT.WRITE, PROT.EXEC]) {
    process.call(mprotect(process.task, START * PAGE_BYTES, PAGE_BYTES, prot));
    assert.equal(advise(process, START, 1, MADV.POPULATE_READ), EINVAL);
  }
  assert.equal(advise(process, START, 1, MADV.POPULATE_WRITE), EINVAL);
});

test('unknown advice is refused for no bytes too, and so are places within a page', () => {
  const process = new OneProcess();
  for (const advice of [5, 26, 42, 100, 101, 104]) {
    assert.equal(advise(process, START, 0, advice), EINVAL);
  }
  assert.equal(run(madvise(process.task, 1, 0, MADV.DONTNEED)), EINVAL);
  assert.equal(run(madvise(process.task, 0, -1, MADV.DONTNEED)), EINVAL);
  assert.equal(advise(process, START, 0, MADV.DONTNEED), 0);
});

test('guards do not keep VMAs apart, but what was guarded once has an identity of its own', () => {
  const process = new OneProcess();
  const { task } = process;
  process.map(START, 4);
  advise(process, START, 1, MADV.GUARD_INSTALL);
  process.map(START + 4, 4);
  assert.equal(task.mm.vmas.size, 1);
  const target = START + 4 * TABLE;
  const call = {
    address: START * PAGE_BYTES,
    oldLength: 8 * PAGE_BYTES,
    newLength: 8 * PAGE_BYTES,
    flags: 3,
    newAddress: target * PAGE_BYTES,
  };
  process.call(mremap(task, call));
  process.map(target + 8, 4);
  assert.equal(task.mm.vmas.size, 2);
});

test('an advice is an int: what is above 32 bits does not count', () => {
  const process = filled(4);
  assert.equal(advise(process, START, 4, 2 ** 32 + MADV.DONTNEED), 0);
  assert.equal(process.anonymousPages, 0);
  assert.equal(advise(process, START, 4, 2 ** 31 + MADV.DONTNEED), EINVAL);
});

// Kernel 6.18, measured: MAP_DROPPABLE without a swap device.
test('MADV_PAGEOUT drops what is droppable, written to as it is, and nothing else', () => {
  const process = new OneProcess();
  const [droppable, own] = [START, START + TABLE];
  for (const [page, type] of [
    [droppable, MAP.DROPPABLE],
    [own, MAP.PRIVATE],
  ] as const) {
    const call = { address: page * PAGE_BYTES, length: 4 * PAGE_BYTES, prot: 3, offset: 0 };
    const flags = type | MAP.ANONYMOUS | MAP.FIXED;
    assert.equal(
      process.call(mmap(process.task, { ...call, flags, file: undefined })),
      page * PAGE_BYTES,
    );
    process.fill(page, 4);
    assert.equal(advise(process, page, 4, MADV.PAGEOUT), 0);
  }
  assert.equal(process.anonymousPages, 4);
  assert.equal(process.load(droppable), 0);
  assert.notEqual(process.load(own), 0);
  assert.equal(advise(process, droppable, 4, MADV.KEEPONFORK), EINVAL);
  assert.equal(advise(process, droppable, 4, MADV.DODUMP), EINVAL);
  assert.equal(process.call(mlock(process.task, droppable * PAGE_BYTES, PAGE_BYTES)), 0);
  assert.equal(process.task.mm.lockedPages, 0);
});
