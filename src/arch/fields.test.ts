import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fields, maskOf, pack, unpack } from './fields.ts';

test('fields() refuses overlaps in either lane, and fields outside of an entry', () => {
  assert.throws(() => fields({ one: [0, 4], other: [4, 5] }), /overlap in the low lane/);
  assert.throws(() => fields({ one: [30, 33], other: [33, 40] }), /overlap in the high lane/);
  assert.throws(() => fields({ wide: [60, 64] }), /within 64 bits/);
  assert.throws(() => fields({ turned: [5, 4] }), /has a bit/);
});

test('a field across the lanes is packed and unpacked', () => {
  const table = fields({ low: [0, 3], across: [28, 35], high: [60, 63] });
  const { low, high } = pack(table, { low: 0x5, across: 0xa7, high: 0xf });
  assert.deepEqual([low >>> 0, high >>> 0], [0x7000_0005, 0xf000_000a]);
  assert.equal(unpack(table.across, low, high), 0xa7);
  assert.deepEqual(maskOf(table.across), { low: 0xf000_0000 | 0, high: 0xf });
});

test('pack() refuses a value that is wider than its field', () => {
  assert.throws(() => pack(fields({ narrow: [4, 5] }), { narrow: 4 }), /fits its field/);
});
