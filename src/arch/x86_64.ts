/**
 * x86-64 paging with 4 and 5 levels.
 *
 *    63 62  59 58  52 51                12 11  9  8  7   6  5  4   3   2  1  0
 *   +--+------+------+--------------------+-----+--+---+--+--+---+---+--+--+--+
 *   |NX| pkey |  os  |       frame        | os  |G |PAT|D |A |PCD|PWT|U |W |P |  base page
 *   +--+------+------+-----------+-----+--+-----+--+---+--+--+---+---+--+--+--+
 *   |NX| pkey |  os  |   frame   |  0  |PAT| os |G |PS |D |A |PCD|PWT|U |W |P |  2 MiB, 1 GiB
 *   +--+------+------+-----------+-----+--+-----+--+---+--+--+---+---+--+--+--+
 *   |NX|      os     |       table        |   os   | 0 |os|A |PCD|PWT|U |W |P |  table
 *   +--+-------------+--------------------+--------+---+--+--+---+---+--+--+--+
 *
 * PS means "maps a large page" at levels 1 and 2; at level 0 the same bit selects the memory type
 * (PAT), which then moves to bit 12 in large pages. Readable is implied, and privileged mode has
 * every right of user mode (SMEP and SMAP aside). The fields `os` are ignored by the processor:
 * Linux keeps soft-dirty, uffd-wp, special and devmap marks there.
 *
 * Processors have up to 52 physical address bits; with fewer, the rest of `frame` is reserved too.
 *
 * @source Intel SDM vol. 3A, "4-Level Paging and 5-Level Paging", formats of paging-structure
 *         entries and "Determination of Access Rights"
 */

import type { EntryKind } from './entry_kind.ts';
import { type Fields, fields } from './fields.ts';
import { PteFormat } from './format.ts';
import {
  ACCESSED,
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

const common = {
  present: [0, 0],
  writable: [1, 1],
  user: [2, 2],
  writeThrough: [3, 3],
  cacheDisable: [4, 4],
  accessed: [5, 5],
  noExecute: [63, 63],
} as const satisfies Fields;

const leaf = {
  ...common,
  dirty: [6, 6],
  global: [8, 8],
  os: [9, 9],
  uffdWp: [10, 10],
  softDirty: [11, 11],
  osHigh: [52, 58],
  protectionKey: [59, 62],
} as const satisfies Fields;

const base = fields({ ...leaf, pat: [7, 7], frame: [12, 51] });
/** Levels above 0 that may hold leaves. */
const LARGE_LEVELS = 2;

/** At levels 1 and 2, bit 7 tells a table from a page; above, it is reserved. */
const midTable = fields({
  ...common,
  osDirty: [6, 6],
  large: [7, 7],
  os: [8, 11],
  table: [12, 51],
  osHigh: [52, 62],
});
const { large: _, ...withoutLarge } = midTable;
const topTable = fields(withoutLarge);

/** The frame of a large page starts at bit 21 or 30, in tables of 512 entries. */
function leafKind(level: number, indexBits: readonly number[]): EntryKind | undefined {
  if (level === 0) return { fields: base, target: base.frame, type: { present: 1 } };
  if (level > LARGE_LEVELS) return undefined;
  const below = indexBits.slice(0, level).reduce((sum, bits) => sum + bits, 0);
  const layout = fields({ ...leaf, large: [7, 7], pat: [12, 12], frame: [12 + below, 51] });
  return { fields: layout, target: layout.frame, type: { present: 1, large: 1 } };
}

/** Tables allow everything: the leaf decides, as in Linux. */
const TABLE_PRESET = { writable: 1, user: 1, noExecute: 0 };

function tableKind(level: number): EntryKind {
  const target = midTable.table;
  return level <= LARGE_LEVELS
    ? { fields: midTable, target, type: { present: 1, large: 0 }, preset: TABLE_PRESET }
    : { fields: topTable, target, type: { present: 1 }, preset: TABLE_PRESET };
}

/** Tables and leaves have the same bits, which is why ANDing over levels works. */
const grantBits: GrantBits = {
  low: [1, 2],
  high: [63, 63],
  grants(low, noExecute) {
    const rights = R | ((low & 1) !== 0 ? W : 0) | (noExecute === 0 ? X : 0);
    return grants((low & 2) !== 0 ? rights : 0, rights);
  },
};

const leafValues = (flags: LeafFlags) => ({
  writable: (flags & W) !== 0 ? 1 : 0,
  user: (flags & USER) !== 0 ? 1 : 0,
  noExecute: (flags & X) === 0 ? 1 : 0,
  accessed: (flags & ACCESSED) !== 0 ? 1 : 0,
  dirty: (flags & DIRTY) !== 0 ? 1 : 0,
  global: (flags & GLOBAL) !== 0 ? 1 : 0,
  uffdWp: (flags & UFFD_WP) !== 0 ? 1 : 0,
});

/**
 * The entries of x86-64 in tables of another geometry, which no CPU has: small ones, to be searched,
 * or those of an architecture whose entries do not matter.
 *
 * @param indexBits of each level, level 0 first; a table takes a page, however few entries it has
 */
export function x86_64Like(id: string, indexBits: readonly number[]): PteFormat {
  const halfPages = 2 ** (indexBits.reduce((sum, bits) => sum + bits, 0) - 1);
  return new PteFormat({
    id,
    pageShift: 12,
    indexBits,
    targetOffset: 0,
    byteOrder: 'little',
    lowerEnd: halfPages,
    upperStart: 2 ** 52 - halfPages,
    upperEnd: 2 ** 52,
    upperHasOwnRoot: false,
    present: { set: [base.present] },
    leaf: (level) => leafKind(level, indexBits),
    table: tableKind,
    leafGrants: grantBits,
    tableGrants: grantBits,
    accessed: { set: [base.accessed] },
    dirty: { set: [base.dirty] },
    global: { set: [base.global] },
    uffdWp: { set: [base.uffdWp] },
    contiguous: {},
    contiguousEntries: () => 1,
    leafValues,
  });
}

export const x86_64FourLevel = x86_64Like('x86_64-4level', [9, 9, 9, 9]);
export const x86_64FiveLevel = x86_64Like('x86_64-5level', [9, 9, 9, 9, 9]);
