/**
 * AArch64 stage 1 at EL1&0, VMSAv8-64: granules of 4, 16 and 64 KiB, 48-bit output addresses.
 *
 *    63 62  59 58 56 55 54  53  52   51 50 49 48 47        g  11 10 9  8  7  6  5 4  2  1   0
 *   +--+------+-----+--+---+---+----+---+--+-----+----------+--+--+----+----+--+----+----+---+
 *   |ig|  hw  | os  |SD|UXN|PXN|cont|DBM|GP|  0  |  frame   |nG|AF| SH | AP |NS|attr|type| V |
 *   +--+------+-----+--+---+---+----+---+--+-----+----------+--+--+----+----+--+----+----+---+
 *
 *    63  62   61  60   59   58     51 50 48 47        g          11                2  1   0
 *   +---+-------+----+-----+---------+-----+----------+-------------------------+----+---+
 *   |NST|APTable|UXNT|PXNT |   ig    |  0  |  table   |           ig            | 1  | V |
 *   +---+-------+----+-----+---------+-----+----------+-------------------------+----+---+
 *
 * The frame starts at bit `g` = 12, 14 or 16, in blocks higher; bits between 12 and it are zero.
 * `type` is 1 for a table and for a page at level 0, and 0 for a block. Blocks exist at levels 1
 * and 2 with 4 KiB, at level 1 alone with larger granules. (The manual numbers levels from the
 * root: its level 3 is level 0 here.)
 *
 * AP[1] lets user mode in, AP[2] makes read-only. A page with DBM is writable whatever AP[2]: set,
 * it means "not written yet", and the hardware (FEAT_HAFDBS) or a fault clears it. Bit 55, SD, is
 * where Linux remembers that a page now read-only was written. Entries that point to a table can
 * take rights away (APTable, UXNTable, PXNTable); those made here do not, as in Linux.
 *
 * Memory is made Normal (attribute 0) and inner shareable, as Linux maps RAM. TTBR0 translates the
 * lower half of the addresses, TTBR1 the upper. LPA, LPA2 and top-byte-ignore are left out.
 *
 * @source Arm ARM DDI 0487, D8.3 "Translation table descriptor formats", D8.4 "Memory access
 *         control", D8.7.1 "The Contiguous bit"
 */

import type { EntryKind } from './entry_kind.ts';
import { fields } from './fields.ts';
import { PteFormat } from './format.ts';
import {
  ACCESSED,
  CONTIGUOUS,
  DIRTY,
  GLOBAL,
  type GrantBits,
  grants,
  type LeafFlags,
  R,
  UFFD_WP,
  USER,
  W,
  X,
} from './rights.ts';

const ADDRESS_HIGH = 47;

const leafFields = (frameLow: number) =>
  fields({
    valid: [0, 0],
    type: [1, 1],
    attributes: [2, 4],
    nonSecure: [5, 5],
    user: [6, 6],
    readOnly: [7, 7],
    shareability: [8, 9],
    accessed: [10, 10],
    notGlobal: [11, 11],
    frame: [frameLow, ADDRESS_HIGH],
    guarded: [50, 50],
    dirtyBitModifier: [51, 51],
    contiguous: [52, 52],
    privilegedNoExecute: [53, 53],
    userNoExecute: [54, 54],
    softwareDirty: [55, 55],
    os: [56, 57],
    uffdWp: [58, 58],
    hardwareUse: [59, 62],
    ignored: [63, 63],
  });

const tableFields = (tableLow: number) =>
  fields({
    valid: [0, 0],
    type: [1, 1],
    ignored: [2, 11],
    table: [tableLow, ADDRESS_HIGH],
    ignoredHigh: [51, 58],
    privilegedNoExecute: [59, 59],
    userNoExecute: [60, 60],
    noUser: [61, 61],
    readOnly: [62, 62],
    nonSecure: [63, 63],
  });

const INNER_SHAREABLE = 3;

/** AP[1] and AP[2]; DBM, contiguous, PXN and UXN. */
const leafGrants: GrantBits = {
  low: [6, 7],
  high: [51, 54],
  grants(low, high) {
    const user = (low & 1) !== 0;
    const writable = (low & 2) === 0 || (high & 1) !== 0 ? W : 0;
    const privilegedExecute = (high & 4) === 0 ? X : 0;
    const userExecute = (high & 8) === 0 ? X : 0;
    return grants((user ? R | writable : 0) | userExecute, R | writable | privilegedExecute);
  },
};

/** PXNTable, UXNTable, APTable[0] (no user mode), APTable[1] (read-only). */
const tableGrants: GrantBits = {
  high: [59, 62],
  grants(_low, high) {
    const writable = (high & 8) === 0 ? W : 0;
    const user = (high & 4) === 0 ? R | writable : 0;
    return grants(user | ((high & 2) === 0 ? X : 0), R | writable | ((high & 1) === 0 ? X : 0));
  },
};

/** A user page without R is execute-only: out of reach for data, yet not UXN. */
function leafValues(flags: LeafFlags) {
  const isUser = (flags & USER) !== 0;
  const isWritable = (flags & W) !== 0;
  const isDirty = (flags & DIRTY) !== 0;
  const isExecutable = (flags & X) !== 0;
  return {
    user: isUser && (flags & R) !== 0 ? 1 : 0,
    readOnly: isWritable && isDirty ? 0 : 1,
    dirtyBitModifier: isWritable ? 1 : 0,
    softwareDirty: isDirty && !isWritable ? 1 : 0,
    userNoExecute: isUser && isExecutable ? 0 : 1,
    privilegedNoExecute: isUser || !isExecutable ? 1 : 0,
    accessed: (flags & ACCESSED) !== 0 ? 1 : 0,
    notGlobal: (flags & GLOBAL) === 0 ? 1 : 0,
    contiguous: (flags & CONTIGUOUS) !== 0 ? 1 : 0,
    uffdWp: (flags & UFFD_WP) !== 0 ? 1 : 0,
  };
}

interface Granule {
  readonly name: string;
  readonly pageShift: number;
  readonly indexBits: number;
  /** Entries of a contiguous run, level 0 first; a level without a number holds no leaves. */
  readonly contiguousEntries: readonly number[];
}

const GRANULE_4K: Granule = {
  name: '4k',
  pageShift: 12,
  indexBits: 9,
  contiguousEntries: [16, 16, 16],
};
const GRANULE_16K: Granule = {
  name: '16k',
  pageShift: 14,
  indexBits: 11,
  contiguousEntries: [128, 32],
};
const GRANULE_64K: Granule = {
  name: '64k',
  pageShift: 16,
  indexBits: 13,
  contiguousEntries: [32, 32],
};

function kinds({ pageShift, indexBits, contiguousEntries }: Granule) {
  const layout = tableFields(pageShift);
  const table: EntryKind = {
    fields: layout,
    target: layout.table,
    type: { valid: 1, type: 1 },
    preset: { privilegedNoExecute: 0, userNoExecute: 0, noUser: 0, readOnly: 0 },
  };
  const leaf = (level: number): EntryKind | undefined => {
    if (level >= contiguousEntries.length) return undefined;
    const own = leafFields(pageShift + indexBits * level);
    return {
      fields: own,
      target: own.frame,
      type: { valid: 1, type: level === 0 ? 1 : 0 },
      preset: { shareability: INNER_SHAREABLE },
    };
  };
  return { leaf, table: () => table };
}

function arm64(granule: Granule, addressBits: number): PteFormat {
  const { pageShift, indexBits, contiguousEntries } = granule;
  const pageBits = addressBits - pageShift;
  const levels = Math.ceil(pageBits / indexBits);
  const layout = leafFields(pageShift);
  return new PteFormat({
    id: `arm64-${granule.name}-${addressBits}bit`,
    pageShift,
    indexBits: Array.from({ length: levels }, (_, level) =>
      Math.min(indexBits, pageBits - indexBits * level),
    ),
    targetOffset: 0,
    byteOrder: 'little',
    lowerEnd: 2 ** pageBits,
    upperStart: 2 ** (64 - pageShift) - 2 ** pageBits,
    upperEnd: 2 ** (64 - pageShift),
    upperHasOwnRoot: true,
    present: { set: [layout.valid] },
    ...kinds(granule),
    leafGrants,
    tableGrants,
    userWriteDeniesPrivilegedExecute: true,
    accessed: { set: [layout.accessed] },
    dirty: { set: [layout.softwareDirty], clear: [layout.readOnly] },
    global: { clear: [layout.notGlobal] },
    contiguous: { set: [layout.contiguous] },
    uffdWp: { set: [layout.uffdWp] },
    contiguousEntries: (level) => contiguousEntries[level] ?? 1,
    leafValues,
  });
}

export const arm64Granule4k39Bit = arm64(GRANULE_4K, 39);
export const arm64Granule4k48Bit = arm64(GRANULE_4K, 48);
export const arm64Granule16k47Bit = arm64(GRANULE_16K, 47);
export const arm64Granule16k48Bit = arm64(GRANULE_16K, 48);
export const arm64Granule64k42Bit = arm64(GRANULE_64K, 42);
export const arm64Granule64k48Bit = arm64(GRANULE_64K, 48);
