/** Entries of second-level tables, bit by bit as the manuals of Intel and AMD have them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EntryState, type PteFormat } from './format.ts';
import { ACCESSED, DIRTY, type LeafFlags, R, USER, W, X } from './rights.ts';
import { secondLevelFormat } from './second_level.ts';
import { type EntryIndex, pfn } from './units.ts';

const ept = secondLevelFormat('ept-4level')!;
const npt = secondLevelFormat('npt-4level')!;
const RWX = R | W | X | USER;

const leafOf = (format: PteFormat, frame: number, flags: LeafFlags, level = 0): bigint =>
  (BigInt(format.leafHigh(pfn(frame), flags, level)) << 32n) |
  BigInt(format.leafLow(pfn(frame), flags, level));

const stateOf = (format: PteFormat, low: number, level = 0): EntryState =>
  format.state(low, 0, level);

test('EPT: a page has R, W, X, its memory type, A and D', () => {
  assert.equal(leafOf(ept, 0x12345, RWX), 0x1234_5037n);
  assert.equal(leafOf(ept, 0x12345, RWX | ACCESSED | DIRTY), 0x1234_5337n);
  assert.equal(leafOf(ept, 0x12345, R | USER), 0x1234_5031n);
  assert.equal(leafOf(ept, 2 ** 38, R | X | USER | ACCESSED), (2n ** 50n) | 0x135n);
});

test('EPT: a page of 2 MiB or 1 GiB has bit 7', () => {
  assert.equal(leafOf(ept, 0x200, RWX | ACCESSED, 1), 0x20_01b7n);
  assert.equal(leafOf(ept, 0x40000, RWX, 2), 0x4000_00b7n);
  assert.equal(ept.mayHoldLeaf(3), false);
});

test('EPT: a table allows everything', () => {
  assert.equal(ept.tableLow((0x1234 * 512) as EntryIndex, 1), 0x123_4007);
  assert.equal(stateOf(ept, 0x123_4107, 1), EntryState.table);
});

test('EPT: what the processor calls a misconfiguration is malformed', () => {
  const wrong: readonly (readonly [name: string, low: number, level: number])[] = [
    ['write without read', 0x32, 0],
    ['write and execute without read', 0x36, 0],
    ['memory type 2', 0x17, 0],
    ['memory type 3', 0x1f, 0],
    ['memory type 7', 0x3f, 0],
    ['a memory type in an entry that refers to a table', 0x37, 1],
    ['bit 7 where no page can be', 0x87, 3],
    ['a page of 2 MiB that is not aligned', 0x10_00b7, 1],
  ];
  for (const [name, low, level] of wrong) {
    assert.equal(stateOf(ept, low, level), EntryState.malformed, name);
  }
  assert.equal(stateOf(ept, 0x330), EntryState.hole, 'none of R, W and X');
});

test('NPT: a page is one of user mode, and NX is bit 63', () => {
  assert.equal(leafOf(npt, 0x12345, RWX | ACCESSED | DIRTY), 0x1234_5067n);
  assert.equal(leafOf(npt, 0x12345, R | USER), (1n << 63n) | 0x1234_5005n);
  assert.equal(leafOf(npt, 0x200, RWX, 1), 0x20_0087n);
  assert.equal(npt.tableLow((0x1234 * 512) as EntryIndex, 1), 0x123_4007);
});

test('NPT: an entry without U grants nothing', () => {
  assert.equal(npt.rights(0x1234_5063, 0), 0);
  assert.equal(npt.rights(0x1234_5067, 0), RWX);
});
