/** What mremap(2) does to page tables. Facts: kernel 6.18, measured. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { MADV } from '../../uapi/mman.ts';
import { ENOMEM, Fault, madvise, mprotect, mremap } from '../index.ts';

/** A multiple of 1 GiB, where nothing is. */
const GIB = TABLE * TABLE;
const START = GIB;
const MREMAP = { MAYMOVE: 1, FIXED: 2, DONTUNMAP: 4 } as const;
const MOVE = MREMAP.MAYMOVE | MREMAP.FIXED;

function move(
  process: OneProcess,
  start: number,
  target: number,
  pages: number,
  flags: number = MOVE,
): number {
  return process.call(
    mremap(process.task, {
      address: start * PAGE_BYTES,
      oldLength: pages * PAGE_BYTES,
      newLength: pages * PAGE_BYTES,
      flags,
      newAddress: target * PAGE_BYTES,
    }),
  );
}

test('pages keep what is in them, and their old place is empty', () => {
  const process = new OneProcess();
  process.map(START, 8);
  process.fill(START, 8);
  const target = START + 3 * TABLE + 5;
  assert.equal(move(process, START, target, 8), target * PAGE_BYTES);
  for (let page = 0; page < 8; page++) assert.equal(process.load(target + page), START + page);
  assert.equal(process.load(START), -1 - Fault.MAPERR);
  assert.equal(process.tables, 3, 'the table of the old place is freed');
});

test('a table that spans what is moved is moved itself', () => {
  const process = new OneProcess({ tables: 4 });
  process.map(START, TABLE);
  process.fill(START, TABLE);
  assert.equal(process.tables, 3, 'the root is not counted: no table is left to allocate');
  assert.equal(move(process, START, START + TABLE, TABLE), (START + TABLE) * PAGE_BYTES);
  assert.equal(process.load(START + TABLE + 511), START + 511);
  assert.equal(process.tables, 3);
});

test('1 GiB is moved by one entry: no table of the lower levels is allocated', () => {
  const process = new OneProcess({ tables: 8 });
  process.map(START, GIB);
  for (let table = 0; table < 3; table++) process.fill(START + table * TABLE, 1);
  assert.equal(process.tables, 5);
  assert.equal(move(process, START, 5 * GIB, GIB), 5 * GIB * PAGE_BYTES);
  assert.equal(process.load(5 * GIB + 2 * TABLE), START + 2 * TABLE);
  assert.equal(process.tables, 5);
});

test('a move that starts within a table starts earlier if nothing is before it', () => {
  const process = new OneProcess({ tables: 5 });
  const [start, target] = [START + 100, START + 8 * TABLE + 100];
  process.map(start, TABLE);
  process.fill(start, TABLE);
  assert.equal(process.tables, 4, 'the root is not counted: no table is left to allocate');
  assert.equal(move(process, start, target, TABLE - 100), target * PAGE_BYTES);
  assert.equal(process.load(target), start);
  assert.equal(process.load(START + TABLE), START + TABLE);
});

test('a table that is empty gets one at the new place', () => {
  const process = new OneProcess();
  process.map(START, TABLE);
  process.fill(START, 1);
  const half = TABLE / 2;
  const whole = half * PAGE_BYTES;
  process.call(madvise(process.task, START * PAGE_BYTES, whole, MADV.DONTNEED));
  assert.equal(process.tables, 3);
  move(process, START, START + 4 * TABLE, half);
  assert.equal(process.tables, 4);
});

test('guards and pages of PROT_NONE move, too', () => {
  const process = new OneProcess();
  process.map(START, 4);
  process.fill(START, 4);
  process.call(madvise(process.task, START * PAGE_BYTES, PAGE_BYTES, MADV.GUARD_INSTALL));
  const target = START + 2 * TABLE;
  process.call(mprotect(process.task, (START + 2) * PAGE_BYTES, 2 * PAGE_BYTES, PROT.NONE));
  move(process, START, target, 4);
  assert.equal(process.load(target), -1 - Fault.MAPERR);
  assert.equal(process.load(target + 1), START + 1);
  assert.equal(process.anonymousPages, 3);
  process.call(mprotect(process.task, (target + 2) * PAGE_BYTES, 2 * PAGE_BYTES, PROT.READ));
  assert.equal(process.load(target + 3), START + 3);
});

test('MREMAP_DONTUNMAP leaves the mapping, empty', () => {
  const process = new OneProcess();
  process.map(START, 2);
  process.fill(START, 2);
  const target = START + 2 * TABLE;
  move(process, START, target, 2, MOVE | MREMAP.DONTUNMAP);
  assert.equal(process.load(target + 1), START + 1);
  assert.equal(process.load(START + 1), 0);
});

test('without memory for tables everything is where it was', () => {
  const process = new OneProcess({ tables: 5 });
  process.map(START, 2 * TABLE);
  process.fill(START, 1);
  process.fill(START + TABLE, 1);
  assert.equal(process.tables, 4, 'the root is not counted: no table is left to allocate');
  assert.equal(move(process, START, 3 * GIB + 7, 2 * TABLE), ENOMEM);
  assert.equal(process.load(START), START);
  assert.equal(process.load(START + TABLE), START + TABLE);
  assert.equal(process.load(3 * GIB + 7), -1 - Fault.MAPERR);
});
