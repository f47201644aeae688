/** What the tables above a leaf do to it, with entries written out by hand. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arm64Granule4k39Bit } from './arm64.ts';
import { EntryState, type PteFormat } from './format.ts';
import { imageOf } from './image.ts';
import { ppc64Radix64k } from './ppc64_radix.ts';
import { R, USER, W, X } from './rights.ts';
import { riscv64Sv39 } from './riscv64.ts';
import { entryIndex, vpn } from './units.ts';
import { WalkCursor, walk } from './walk.ts';
import { x86_64FourLevel } from './x86_64.ts';

/** Memory with these entries at these byte addresses. */
function memoryOf(entries: Readonly<Record<number, bigint>>): Uint32Array {
  const memory = new Uint32Array(0x5000 / 4);
  for (const [address, entry] of Object.entries(entries)) {
    memory[Number(address) / 4] = Number(entry & 0xffffffffn);
    memory[Number(address) / 4 + 1] = Number(entry >> 32n);
  }
  return memory;
}

const ROOT = entryIndex(0x1000 / 8);

function walkOf(format: PteFormat, page: number, entries: Readonly<Record<number, bigint>>) {
  const at = new WalkCursor();
  const end = walk(format, memoryOf(entries), ROOT, vpn(page), at);
  return { end, ...at };
}

/** Page 0 has all rights at all levels; its tables are at 0x1000, 0x2000, 0x3000 and 0x4000. */
const x86 = (upper: bigint, middle: bigint) => ({
  4096: 0x2007n | upper,
  8192: 0x3007n | middle,
  12288: 0x4007n,
  16384: 0x12345007n,
});
const READ_ONLY = ~2n;
const KERNEL = ~4n;

test('on x86-64 every level must allow writing and user mode, and none may forbid execution', () => {
  const rights = (entries: Readonly<Record<number, bigint>>) =>
    walkOf(x86_64FourLevel, 0, entries).rights;
  assert.equal(rights(x86(0n, 0n)), R | W | X | USER);
  assert.equal(rights(x86(1n << 63n, 0n)), R | W | USER);
  assert.equal(rights(x86(0n, 1n << 63n)), R | W | USER);
  assert.equal(rights({ ...x86(0n, 0n), 4096: 0x2007n & READ_ONLY }), R | X | USER);
  assert.equal(rights({ ...x86(0n, 0n), 12288: 0x4007n & KERNEL }), R | W | X);
});

test('on arm64 a table takes away user mode, writing and execution, each by a bit', () => {
  // Writable and written, executable in user mode: AP[1], DBM and PXN.
  const page = 0x0028_0000_8123_4f43n;
  const rights = (tableBits: bigint, leaf = page) =>
    walkOf(arm64Granule4k39Bit, 0, {
      4096: 0x2003n | (tableBits << 59n),
      8192: 0x3003n,
      12288: leaf,
    }).rights;
  assert.equal(rights(0b0000n), R | W | X | USER);
  assert.equal(rights(0b0010n), R | W | USER, 'UXNTable');
  assert.equal(rights(0b1000n), R | X | USER, 'APTable[1]');
  assert.equal(rights(0b0110n), R | W, 'UXNTable and APTable[0] leave it to privileged mode');
  const kernelText = 0x0040_0000_8123_4783n;
  assert.equal(rights(0b0000n, kernelText), R | X);
  assert.equal(rights(0b0001n, kernelText), R, 'PXNTable');
});

test('on riscv64 the leaf decides alone', () => {
  const { end, rights, level } = walkOf(riscv64Sv39, 0, {
    4096: (0x2000n >> 2n) | 1n,
    8192: 0x200800dfn,
  });
  assert.deepEqual([end, rights, level], [EntryState.leaf, R | W | X | USER, 1]);
});

test('a walk tells the last entry it read', () => {
  // Index 1 at level 3, 2 at level 2, 3 at level 1, and a hole.
  const page = 2 ** 27 + 2 * 2 ** 18 + 3 * 512 + 7;
  const entries = { 4104: 0x2007n, 8208: 0x3007n, 12312: 0x4006n };
  const { end, entry, level, low } = walkOf(x86_64FourLevel, page, entries);
  assert.equal(end, EntryState.hole);
  assert.deepEqual([entry * 8, level, low], [0x3018, 1, 0x4006]);
});

test('a table outside of memory, and a large page at the root, are malformed', () => {
  const outside = walkOf(x86_64FourLevel, 0, { 4096: 0xf_ffff_f000_0007n });
  assert.deepEqual([outside.end, outside.level], [EntryState.malformed, 2]);
  const huge = walkOf(x86_64FourLevel, 0, { 4096: 0x87n });
  assert.deepEqual([huge.end, huge.level, huge.rights], [EntryState.malformed, 3, 0]);
});

test('a page that is not canonical cannot be walked to', () => {
  assert.throws(() => walkOf(x86_64FourLevel, 2 ** 35, {}), /canonical/);
});

test('ppc64 finds tables that are smaller than pages', () => {
  // Level 0 has 5 bits, so that page 33 is slot 1 of the second table.
  const { end, entry } = walkOf(ppc64Radix64k, 33, {
    4096: 0x8000_0000_0000_2009n,
    8192: 0x8000_0000_0000_3009n,
    12296: 0x8000_0000_0000_4105n,
    16648: 0xc000_0000_0012_0186n,
  });
  assert.deepEqual([end, entry * 8], [EntryState.leaf, 0x4108]);
});

test('an image has the bytes in the order of its machine', () => {
  const memory = Uint32Array.of(0x55667788, 0x11223344);
  assert.equal(Buffer.from(imageOf(x86_64FourLevel, memory)).toString('hex'), '8877665544332211');
  assert.equal(Buffer.from(imageOf(ppc64Radix64k, memory)).toString('hex'), '1122334455667788');
});
