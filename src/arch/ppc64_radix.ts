/**
 * Power ISA radix trees, process-scoped: base pages of 4 KiB (13/9/9/9) and 64 KiB (13/9/9/5).
 *
 *    63 62 61 60  57 56             g   11   9  8  7  6  5  4   3    2  1  0
 *   +--+--+--+------+-----------------+-------+--+--+--+-----+-----+--+--+--+
 *   |V |1 |os|  0   |      frame      |  os   |R |C |0 | att |priv |rd|rw|x |  leaf
 *   +--+--+--+------+-----------------+-------+--+--+--+-----+-----+--+--+--+
 *    63 62 61 60 59                                8  7      5  4          0
 *   +--+--+-----+-----------------------------------+---------+-------------+
 *   |V |0 |  0  |    next table, in units of 256    |    0    | index bits  |  table
 *   +--+--+-----+-----------------------------------+---------+-------------+
 *
 * Bits are counted from the lowest here, as on the other architectures; the Power ISA counts from
 * the highest, so its bit `n` is bit `63 - n` of the drawing. Leaves exist at levels 0, 1 (2 MiB)
 * and 2 (1 GiB). `frame` starts at bit `g`, the page shift. Write (`rw`) includes read. R and C
 * are reference and change. There is no global bit: quadrant 3, the kernel's, is translated through
 * the tree of process 0.
 *
 * An entry is big-endian in memory. The lanes hold its value: low is the value modulo 2^32, and so
 * comes second in memory. `imageOf()` converts.
 *
 * A tree covers 52 bits of address: `radixRoot()` is the doubleword of the process table that
 * points to it. With 64 KiB pages a table of level 0 has 32 entries, 256 bytes, so that tables are
 * not pages; this is why an `EntryIndex` and not a frame names a table.
 *
 * @source Power ISA 3.0B, Book III, 5.7.10 "Radix Tree Translation" and 5.7.12 "Virtual Storage
 *         Access Authority" (encoded access authority)
 */

import type { EntryKind } from './entry_kind.ts';
import { type Field, fields, type Lanes, pack } from './fields.ts';
import { PteFormat } from './format.ts';
import {
  ACCESSED,
  ALL_GRANTS,
  DIRTY,
  type GrantBits,
  grants,
  type LeafFlags,
  R,
  USER,
  W,
  X,
} from './rights.ts';
import type { EntryIndex } from './units.ts';

const FRAME_HIGH = 56;
const ADDRESS_BITS = 52;
const ROOT_BITS = 13;
const UPPER_BITS = 9;
/** Levels 0, 1 and 2. */
const LEAF_LEVELS = 3;

const leafFields = (frame: Field) =>
  fields({
    executable: [0, 0],
    writable: [1, 1],
    readable: [2, 2],
    privileged: [3, 3],
    attributes: [4, 5],
    changed: [7, 7],
    referenced: [8, 8],
    os: [9, 11],
    frame,
    osHigh: [61, 61],
    leaf: [62, 62],
    valid: [63, 63],
  });

const table = fields({
  indexBits: [0, 4],
  table: [8, 59],
  leaf: [62, 62],
  valid: [63, 63],
});

const leafGrants: GrantBits = {
  low: [0, 3],
  grants(low) {
    const execute = (low & 1) !== 0 ? X : 0;
    const rights = execute | ((low & 2) !== 0 ? R | W : 0) | ((low & 4) !== 0 ? R : 0);
    return grants((low & 8) === 0 ? rights : 0, rights);
  },
};

const leafValues = (flags: LeafFlags) => ({
  executable: (flags & X) !== 0 ? 1 : 0,
  writable: (flags & W) !== 0 ? 1 : 0,
  readable: (flags & R) !== 0 ? 1 : 0,
  privileged: (flags & USER) === 0 ? 1 : 0,
  referenced: (flags & ACCESSED) !== 0 ? 1 : 0,
  changed: (flags & DIRTY) !== 0 ? 1 : 0,
});

function ppc64Radix(name: string, pageShift: number): PteFormat {
  const lowestBits = ADDRESS_BITS - ROOT_BITS - 2 * UPPER_BITS - pageShift;
  const indexBits = [lowestBits, UPPER_BITS, UPPER_BITS, ROOT_BITS];
  const leaf = (level: number): EntryKind | undefined => {
    if (level >= LEAF_LEVELS) return undefined;
    const below = indexBits.slice(0, level).reduce((sum, bits) => sum + bits, 0);
    const layout = leafFields([pageShift + below, FRAME_HIGH]);
    return { fields: layout, target: layout.frame, type: { valid: 1, leaf: 1 } };
  };
  const base = leafFields([pageShift, FRAME_HIGH]);
  const pages = 2 ** (ADDRESS_BITS - pageShift);
  const upperStart = 3 * 2 ** (62 - pageShift);
  return new PteFormat({
    id: `ppc64-radix-${name}`,
    pageShift,
    indexBits,
    targetOffset: 0,
    byteOrder: 'big',
    lowerEnd: pages,
    upperStart,
    upperEnd: upperStart + pages,
    upperHasOwnRoot: true,
    present: { set: [base.valid] },
    leaf,
    table: (level) => ({
      fields: table,
      target: table.table,
      type: { valid: 1, leaf: 0, indexBits: indexBits[level - 1]! },
    }),
    leafGrants,
    tableGrants: { grants: () => ALL_GRANTS },
    accessed: { set: [base.referenced] },
    dirty: { set: [base.changed] },
    global: {},
    contiguous: {},
    uffdWp: {},
    contiguousEntries: () => 1,
    leafValues,
  });
}

export const ppc64Radix4k = ppc64Radix('4k', 12);
export const ppc64Radix64k = ppc64Radix('64k', 16);

/** First doubleword of a process table entry; its second one is zero. */
const processTableEntry = fields({
  rootBits: [0, 4],
  treeSizeLow: [5, 7],
  root: [8, 59],
  treeSizeHigh: [61, 62],
});

/** The tree size field holds the address bits over 31, its two high bits apart from the others. */
const TREE_SIZE = ADDRESS_BITS - 31;

/** What a process table entry holds for the tree with this root. */
export function radixRoot(root: EntryIndex): Lanes {
  const { low, high } = pack(processTableEntry, {
    rootBits: ROOT_BITS,
    treeSizeLow: TREE_SIZE % 8,
    treeSizeHigh: Math.floor(TREE_SIZE / 8),
    // Of 32 entries, 256 bytes.
    root: root / 32,
  });
  return { low: low >>> 0, high: high >>> 0 };
}
