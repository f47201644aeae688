/**
 * RISC-V Sv39, Sv48 and Sv57.
 *
 *    63  62  61 60      54 53                  10 9   8  7  6  5  4  3  2  1  0
 *   +--+-------+----------+----------------------+-----+--+--+--+--+--+--+--+--+
 *   |N | PBMT  |    0     |    frame or table    | RSW |D |A |G |U |X |W |R |V |
 *   +--+-------+----------+----------------------+-----+--+--+--+--+--+--+--+--+
 *
 * An entry with any of R, W and X is a leaf, at any level; one with none points to a table. Writable
 * without readable is reserved. In an entry that points to a table, D, A and U are reserved. A leaf
 * above level 0 has zeros in the low bits of its frame: a misaligned superpage is refused. A page
 * with U belongs to user mode; privileged mode reaches it only by SUM, which is not modelled.
 *
 * N (Svnapot) and PBMT (Svpbmt) are reserved here, as on a hart without these extensions.
 *
 * @source RISC-V privileged specification, chapter "Supervisor-Level ISA", sections Sv32 "Virtual
 *         Address Translation Process" and Sv39, Sv48, Sv57
 */

import type { EntryKind } from './entry_kind.ts';
import { type Field, fields } from './fields.ts';
import { PteFormat } from './format.ts';
import {
  ACCESSED,
  ALL_GRANTS,
  DIRTY,
  GLOBAL,
  grants,
  type LeafFlags,
  R,
  REFUSED,
  USER,
  W,
  X,
} from './rights.ts';

const flagFields = {
  valid: [0, 0],
  readable: [1, 1],
  writable: [2, 2],
  executable: [3, 3],
  global: [5, 5],
  os: [8, 9],
} as const;

const FRAME_LOW = 10;
const FRAME_HIGH = 53;
const INDEX_BITS = 9;

const leafFields = (frame: Field) =>
  fields({ ...flagFields, user: [4, 4], accessed: [6, 6], dirty: [7, 7], frame });
const base = leafFields([FRAME_LOW, FRAME_HIGH]);
const table = fields({ ...flagFields, table: [FRAME_LOW, FRAME_HIGH] });

function leafKind(level: number): EntryKind {
  const layout = leafFields([FRAME_LOW + INDEX_BITS * level, FRAME_HIGH]);
  return { fields: layout, target: layout.frame, type: { valid: 1 } };
}

const tableKind: EntryKind = {
  fields: table,
  target: table.table,
  type: { valid: 1, readable: 0, writable: 0, executable: 0 },
};

/** The bits R, W, X and U of an entry are those of `Rights`, in the same order. */
function leafGrants(rights: number): number {
  if ((rights & (R | W | X)) === 0) return REFUSED;
  if ((rights & (R | W)) === W) return REFUSED;
  const access = rights & (R | W | X);
  return (rights & USER) !== 0 ? grants(access, 0) : grants(0, access);
}

const leafValues = (flags: LeafFlags) => ({
  readable: (flags & R) !== 0 ? 1 : 0,
  writable: (flags & W) !== 0 ? 1 : 0,
  executable: (flags & X) !== 0 ? 1 : 0,
  user: (flags & USER) !== 0 ? 1 : 0,
  accessed: (flags & ACCESSED) !== 0 ? 1 : 0,
  dirty: (flags & DIRTY) !== 0 ? 1 : 0,
  global: (flags & GLOBAL) !== 0 ? 1 : 0,
});

function riscv64(addressBits: 39 | 48 | 57): PteFormat {
  const levels = (addressBits - 12) / INDEX_BITS;
  const halfPages = 2 ** (INDEX_BITS * levels - 1);
  return new PteFormat({
    id: `riscv64-sv${addressBits}`,
    pageShift: 12,
    indexBits: Array<number>(levels).fill(INDEX_BITS),
    targetOffset: 12 - FRAME_LOW,
    byteOrder: 'little',
    lowerEnd: halfPages,
    upperStart: 2 ** 52 - halfPages,
    upperEnd: 2 ** 52,
    upperHasOwnRoot: false,
    present: { set: [base.valid] },
    leaf: leafKind,
    table: () => tableKind,
    leafGrants: { low: [1, 4], grants: leafGrants },
    tableGrants: { grants: () => ALL_GRANTS },
    accessed: { set: [base.accessed] },
    dirty: { set: [base.dirty] },
    global: { set: [base.global] },
    contiguous: {},
    uffdWp: {},
    contiguousEntries: () => 1,
    leafValues,
  });
}

export const riscv64Sv39 = riscv64(39);
export const riscv64Sv48 = riscv64(48);
export const riscv64Sv57 = riscv64(57);
