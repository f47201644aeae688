/** Entries written out by hand from the manuals that the formats cite. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { arm64Granule4k48Bit, arm64Granule16k48Bit, arm64Granule64k48Bit } from './arm64.ts';
import { EntryState, type PteFormat } from './format.ts';
import { ppc64Radix4k, ppc64Radix64k, radixRoot } from './ppc64_radix.ts';
import {
  ACCESSED as A,
  CONTIGUOUS,
  DIRTY as D,
  GLOBAL as G,
  R,
  USER as U,
  W,
  X,
} from './rights.ts';
import { riscv64Sv39 } from './riscv64.ts';
import { entryIndex, pfn } from './units.ts';
import { x86_64FiveLevel, x86_64FourLevel } from './x86_64.ts';

const { hole, leaf, malformed, table } = EntryState;

type Known =
  /** `made`: the makers give exactly these bits; otherwise the entry is only read. */
  | readonly [
      entry: bigint,
      level: number,
      is: typeof leaf,
      frame: number,
      flags: number,
      made: boolean,
    ]
  | readonly [entry: bigint, level: number, is: typeof table, address: number, made: boolean]
  | readonly [entry: bigint, level: number, is: typeof hole | typeof malformed];

const [MADE, READ] = [true, false];

const hex = (low: number, high: number): string =>
  `0x${((BigInt(high) << 32n) | BigInt(low)).toString(16).padStart(16, '0')}`;

function flagsOf(format: PteFormat, low: number, high: number): number {
  return (
    format.rights(low, high) |
    (format.accessed(low, high) ? A : 0) |
    (format.dirty(low, high) ? D : 0) |
    (format.global(low, high) ? G : 0) |
    (format.contiguous(low, high) ? CONTIGUOUS : 0)
  );
}

function check(format: PteFormat, known: readonly Known[]): void {
  for (const row of known) {
    const [entry, level, is] = row;
    const [low, high] = [Number(entry & 0xffffffffn), Number(entry >> 32n)];
    const name = `${format.id} level ${level} ${hex(low, high)}`;
    assert.equal(format.state(low, high, level), is, name);
    if (row[2] === leaf) {
      const [, , , frame, flags, made] = row;
      assert.equal(format.frame(low, high, level), frame, name);
      assert.equal(flagsOf(format, low, high), flags, name);
      if (!made) continue;
      const wanted = pfn(frame);
      const got = [format.leafLow(wanted, flags, level), format.leafHigh(wanted, flags, level)];
      assert.equal(hex(got[0]!, got[1]!), hex(low, high), name);
    } else if (row[2] === table) {
      const [, , , address, made] = row;
      const wanted = entryIndex(address / 8);
      assert.equal(format.table(low, high, level), wanted, name);
      if (!made) continue;
      assert.equal(
        hex(format.tableLow(wanted, level), format.tableHigh(wanted, level)),
        hex(low, high),
      );
    }
  }
}

test('x86-64 entries mean what the SDM says', () => {
  check(x86_64FourLevel, [
    [0x8000_0000_1234_5067n, 0, leaf, 0x12345, R | W | U | A | D, MADE],
    [0x0000_0000_abcd_e025n, 0, leaf, 0xabcde, R | X | U | A, MADE],
    [0x800f_ffff_ffff_f001n, 0, leaf, 0xff_ffff_ffff, R, MADE],
    [0x8000_0000_4000_00e7n, 1, leaf, 0x40000, R | W | U | A | D, MADE],
    [0x0000_0001_0000_01e3n, 2, leaf, 0x100000, R | W | X | A | D | G, MADE],
    [0x0000_0000_01ff_f007n, 3, table, 0x1fff000, MADE],
    // Accessed, and the ignored bit that Linux also sets (_KERNPG_TABLE | _PAGE_USER).
    [0x0000_0000_01ff_f067n, 1, table, 0x1fff000, READ],
    [0x000f_ffff_ffff_f007n, 2, table, 0xf_ffff_ffff_f000, MADE],
    // Bit 7 is PAT in a base page, and makes a large one at level 1: there bits 13..20 are zero.
    [0x8000_0000_1234_50e7n, 0, leaf, 0x12345, R | W | U | A | D, READ],
    [0x8000_0000_1234_50e7n, 1, malformed],
    [0x8000_0000_4000_10e7n, 1, leaf, 0x40000, R | W | U | A | D, READ],
    // Bits of the OS, and a protection key.
    [0x7e00_0000_1234_5e25n, 0, leaf, 0x12345, R | X | U | A, READ],
    [0x0000_0000_4000_0087n, 3, malformed],
    [0x8000_0000_1234_5066n, 0, hole],
  ]);
  check(x86_64FiveLevel, [
    [0x0000_0000_01ff_f007n, 4, table, 0x1fff000, MADE],
    [0x0000_0000_4000_0087n, 4, malformed],
    [0x0000_0000_4000_0087n, 3, malformed],
  ]);
});

test('arm64 entries with 4 KiB pages mean what the Arm ARM says', () => {
  check(arm64Granule4k48Bit, [
    [0x0068_0000_8123_4f43n, 0, leaf, 0x81234, R | W | U | A | D, MADE],
    // With the mark that Linux sets besides.
    [0x00e8_0000_8123_4f43n, 0, leaf, 0x81234, R | W | U | A | D, READ],
    // Writable by DBM, not written yet: AP[2] is set.
    [0x0068_0000_8123_4fc3n, 0, leaf, 0x81234, R | W | U | A, MADE],
    [0x0020_0000_8123_4fc3n, 0, leaf, 0x81234, R | X | U | A, MADE],
    [0x0020_0000_8123_4f83n, 0, leaf, 0x81234, X | U | A, MADE],
    [0x00e0_0000_8123_4fc3n, 0, leaf, 0x81234, R | U | A | D, MADE],
    [0x0068_0000_8123_4703n, 0, leaf, 0x81234, R | W | A | D | G, MADE],
    [0x0040_0000_8123_4783n, 0, leaf, 0x81234, R | X | A | G, MADE],
    [0x0060_ffff_ffff_ff83n, 0, leaf, 0xf_ffff_ffff, R | A, MADE],
    [0x0068_0000_8120_0f41n, 1, leaf, 0x81200, R | W | U | A | D, MADE],
    [0x0068_0000_8000_0701n, 2, leaf, 0x80000, R | W | A | D | G, MADE],
    [0x0078_0000_8123_0f43n, 0, leaf, 0x81230, R | W | U | A | D | CONTIGUOUS, MADE],
    // Written without DBM, as an OS without FEAT_HAFDBS would: writable and so perhaps dirty.
    [0x0060_0000_8123_4f43n, 0, leaf, 0x81234, R | W | U | A | D, READ],
    // User mode can write it, so privileged mode does not execute it: the rights are user mode's.
    [0x0000_0000_8123_4743n, 0, leaf, 0x81234, R | W | X | U | A | D | G, READ],
    [0x0000_0000_4234_5003n, 1, table, 0x42345000, MADE],
    [0x7800_0000_4234_5003n, 3, table, 0x42345000, READ],
    [0x0068_0000_8123_4f41n, 0, malformed],
    [0x0068_0000_0000_0f41n, 3, malformed],
    [0x0068_0000_8123_4f42n, 0, hole],
  ]);
});

test('arm64 entries with larger pages have their frame higher, and fewer sizes of blocks', () => {
  check(arm64Granule16k48Bit, [
    [0x0060_0000_8123_4fc3n, 0, leaf, 0x2048d, R | U | A, MADE],
    [0x0060_0000_8200_0fc1n, 1, leaf, 0x20800, R | U | A, MADE],
    [0x0060_0000_8123_5fc3n, 0, malformed],
    [0x0060_0000_8000_0fc1n, 2, malformed],
    [0x0000_0000_4234_4003n, 3, table, 0x42344000, MADE],
  ]);
  check(arm64Granule64k48Bit, [
    [0x0060_0000_8123_0fc3n, 0, leaf, 0x8123, R | U | A, MADE],
    [0x0060_0000_a000_0fc1n, 1, leaf, 0xa000, R | U | A, MADE],
    [0x0060_0000_8123_4fc3n, 0, malformed],
    [0x0060_0000_0000_0fc1n, 2, malformed],
    [0x0000_0000_4234_0003n, 2, table, 0x42340000, MADE],
  ]);
});

test('riscv64 entries mean what the privileged specification says', () => {
  check(riscv64Sv39, [
    [0x2008_00d7n, 0, leaf, 0x80200, R | W | U | A | D, MADE],
    [0x2008_005bn, 0, leaf, 0x80200, R | X | U | A, MADE],
    [0x2008_0059n, 0, leaf, 0x80200, X | U | A, MADE],
    [0x2008_00efn, 0, leaf, 0x80200, R | W | X | A | D | G, MADE],
    [0x003f_ffff_ffff_fc03n, 0, leaf, 0xfff_ffff_ffff, R, MADE],
    [0x2008_00d7n, 1, leaf, 0x80200, R | W | U | A | D, MADE],
    [0x2000_00cfn, 2, leaf, 0x80000, R | W | X | A | D, MADE],
    [0x2008_03dbn, 0, leaf, 0x80200, R | X | U | A | D, READ],
    [0x2008_0401n, 2, table, 0x80201000, MADE],
    [0x2008_0401n, 0, malformed],
    // A misaligned superpage, writable but not readable, N, and a table with A.
    [0x2008_04d7n, 1, malformed],
    [0x2008_0005n, 0, malformed],
    [0x8000_0000_2008_00d7n, 0, malformed],
    [0x2008_0441n, 1, malformed],
    [0x2008_00d6n, 0, hole],
  ]);
});

test('ppc64 radix entries mean what the Power ISA says', () => {
  check(ppc64Radix4k, [
    [0xc000_0000_1234_5186n, 0, leaf, 0x12345, R | W | U | A | D, MADE],
    [0xc000_0000_1234_5105n, 0, leaf, 0x12345, R | X | U | A, MADE],
    [0xc000_0000_0000_018en, 0, leaf, 0, R | W | A | D, MADE],
    [0xc1ff_ffff_ffff_f00cn, 0, leaf, 0x1fff_ffff_ffff, R, MADE],
    [0xc000_0000_4000_018fn, 1, leaf, 0x40000, R | W | X | A | D, MADE],
    [0xc000_0000_4000_018fn, 2, leaf, 0x40000, R | W | X | A | D, MADE],
    // Write includes read; bits of the OS.
    [0xe000_0000_1234_5f82n, 0, leaf, 0x12345, R | W | U | A | D, READ],
    [0x8000_0000_01ff_f009n, 1, table, 0x1fff000, MADE],
    [0x8000_0000_01ff_f009n, 3, table, 0x1fff000, MADE],
    [0x8000_0000_01ff_f005n, 1, malformed],
    [0x8000_0000_01ff_f009n, 0, malformed],
    [0xc000_0000_4000_018fn, 3, malformed],
    [0x4000_0000_1234_5186n, 0, hole],
  ]);
  check(ppc64Radix64k, [
    [0xc000_0000_1234_0186n, 0, leaf, 0x1234, R | W | U | A | D, MADE],
    [0xc000_0000_4000_018fn, 1, leaf, 0x4000, R | W | X | A | D, MADE],
    [0xc000_0000_1234_5186n, 0, malformed],
    // A table of 32 entries, 256 bytes.
    [0x8000_0000_01ff_f105n, 1, table, 0x1fff100, MADE],
    [0x8000_0000_01ff_f009n, 2, table, 0x1fff000, MADE],
  ]);
});

test('a ppc64 process table entry says 52 bits and a root of 13', () => {
  const { low, high } = radixRoot(entryIndex(0x8000000 / 8));
  assert.equal(hex(low, high), '0x40000000080000ad');
});
