/**
 * NPT of AMD-V: second-level tables, from guest-physical to physical addresses.
 *
 * Entries are those of x86-64 (`x86_64.ts`), with two differences. Every access of a guest counts as one
 * of user mode here, whatever mode the guest is in: an entry without U grants nothing. And G means
 * nothing: translations of a guest go by its ASID.
 *
 * @source AMD64 APM vol. 2, "Nested Paging", "Nested versus Guest Page Faults, Fault Ordering";
 *         Linux 6.18 arch/x86/kvm/mmu/spte.c kvm_mmu_reset_all_pte_masks() (shadow_user_mask)
 */
import type { EntryKind } from './entry_kind.ts';
import { type Fields, fields } from './fields.ts';
import { PteFormat } from './format.ts';
import { ACCESSED, DIRTY, type GrantBits, grants, type LeafFlags, R, W, X } from './rights.ts';
import { secondLevelShape } from './second_level_shape.ts';

const common = {
  present: [0, 0],
  writable: [1, 1],
  user: [2, 2],
  writeThrough: [3, 3],
  cacheDisable: [4, 4],
  accessed: [5, 5],
  noExecute: [63, 63],
} as const satisfies Fields;

const leaf = { ...common, dirty: [6, 6], os: [8, 11], osHigh: [52, 62] } as const satisfies Fields;

const base = fields({ ...leaf, pat: [7, 7], frame: [12, 51] });
const large = [
  fields({ ...leaf, large: [7, 7], pat: [12, 12], frame: [21, 51] }),
  fields({ ...leaf, large: [7, 7], pat: [12, 12], frame: [30, 51] }),
] as const;

/** Bit 7 tells a table from a page at levels 1 and 2; above, it is reserved. */
const table = fields({
  ...common,
  osDirty: [6, 6],
  os: [8, 11],
  table: [12, 51],
  osHigh: [52, 62],
});

const LEAF_PRESET = { user: 1 };

function leafKind(level: number): EntryKind | undefined {
  if (level === 0) {
    return { fields: base, target: base.frame, type: { present: 1 }, preset: LEAF_PRESET };
  }
  const layout = large[level - 1];
  if (layout === undefined) return undefined;
  const type = { present: 1, large: 1 };
  return { fields: layout, target: layout.frame, type, preset: LEAF_PRESET };
}

const tableKind: EntryKind = {
  fields: table,
  target: table.table,
  type: { present: 1 },
  preset: { writable: 1, user: 1, noExecute: 0 },
};

const grantBits: GrantBits = {
  low: [1, 2],
  high: [63, 63],
  grants(low, noExecute) {
    const rights = R | ((low & 1) !== 0 ? W : 0) | (noExecute === 0 ? X : 0);
    return (low & 2) !== 0 ? grants(rights, rights) : grants(0, 0);
  },
};

const leafValues = (flags: LeafFlags) => ({
  writable: (flags & W) !== 0 ? 1 : 0,
  user: 1,
  noExecute: (flags & X) === 0 ? 1 : 0,
  accessed: (flags & ACCESSED) !== 0 ? 1 : 0,
  dirty: (flags & DIRTY) !== 0 ? 1 : 0,
});

function npt(levels: 4 | 5): PteFormat {
  return new PteFormat({
    id: `npt-${levels}level`,
    ...secondLevelShape(levels),
    present: { set: [base.present] },
    leaf: leafKind,
    table: () => tableKind,
    leafGrants: grantBits,
    tableGrants: grantBits,
    accessed: { set: [base.accessed] },
    dirty: { set: [base.dirty] },
    leafValues,
  });
}

export const nptFourLevel = npt(4);
export const nptFiveLevel = npt(5);
