/**
 * EPT of Intel VT-x: second-level tables, from guest-physical to physical addresses.
 *
 *    63 62 61 60 59 58 57 56..52 51                12 11 10 9  8  7   6    5  3   2  1  0
 *   +--+-----+--+--+--+--+------+--------------------+--+--+--+--+--+----+------+--+--+--+
 *   |VE| os  |SS|os|PW|VP|  os  |       frame        |os|XU|D |A |os|IPAT| type |X |W |R |  base page
 *   +--+-----+--+--+--+--+------+-----------+--------+--+--+--+--+--+----+------+--+--+--+
 *   |VE| os  |SS|os|PW|VP|  os  |   frame   |   0    |os|XU|D |A |1 |IPAT| type |X |W |R |  2 MiB, 1 GiB
 *   +--+-----+--+--+--+--+------+-----------+--------+--+--+--+--+--+----+------+--+--+--+
 *   |               os          |       table        |os|XU|os|A |0 |     0     |X |W |R |  table
 *   +---------------------------+--------------------+--+--+--+--+--+-----------+--+--+--+
 *
 * An entry with none of R, W and X is empty. One that has some and not R is refused (an EPT
 * misconfiguration), and so is a leaf of a memory type that does not exist. There is no user mode
 * here: what an entry grants, it grants to all of the guest. XU, execution in user mode, means something
 * only if the processor is told so, and KVM does not.
 *
 * @source Intel SDM vol. 3C, "EPT Paging-Structure Entries", "EPT Misconfigurations", "Accessed and
 *         Dirty Flags for EPT"; Linux 6.18 arch/x86/include/asm/vmx.h VMX_EPT_*
 * @omits  processors that can execute what they cannot read: such entries are refused
 */
import type { EntryKind } from './entry_kind.ts';
import { type Fields, fields } from './fields.ts';
import { PteFormat } from './format.ts';
import {
  ACCESSED,
  DIRTY,
  type GrantBits,
  type Grants,
  grants,
  type LeafFlags,
  R,
  REFUSED,
  W,
  X,
} from './rights.ts';
import { secondLevelShape } from './second_level_shape.ts';

const common = {
  readable: [0, 0],
  writable: [1, 1],
  executable: [2, 2],
  accessed: [8, 8],
  userExecutable: [10, 10],
} as const satisfies Fields;

const leaf = {
  ...common,
  memoryType: [3, 5],
  ignorePat: [6, 6],
  dirty: [9, 9],
  os: [11, 11],
  osHigh: [52, 56],
  verifyPaging: [57, 57],
  pagingWrite: [58, 58],
  osUpper: [59, 59],
  shadowStack: [60, 60],
  osTop: [61, 62],
  suppressVe: [63, 63],
} as const satisfies Fields;

const base = fields({ ...leaf, osLarge: [7, 7], frame: [12, 51] });
const large = [
  fields({ ...leaf, large: [7, 7], frame: [21, 51] }),
  fields({ ...leaf, large: [7, 7], frame: [30, 51] }),
] as const;
const table = fields({
  ...common,
  osDirty: [9, 9],
  os: [11, 11],
  table: [12, 51],
  osHigh: [52, 63],
});

/** Write-back, as memory of a guest is mapped. */
const WRITE_BACK = 6;
const MEMORY_TYPES = new Set([0, 1, 4, 5, WRITE_BACK]);
const LEAF_PRESET = { memoryType: WRITE_BACK };

function leafKind(level: number): EntryKind | undefined {
  if (level === 0)
    return { fields: base, target: base.frame, type: { readable: 1 }, preset: LEAF_PRESET };
  const layout = large[level - 1];
  if (layout === undefined) return undefined;
  return {
    fields: layout,
    target: layout.frame,
    type: { readable: 1, large: 1 },
    preset: LEAF_PRESET,
  };
}

const tableKind: EntryKind = {
  fields: table,
  target: table.table,
  type: { readable: 1 },
  preset: { writable: 1, executable: 1 },
};

/** The bits R, W and X of an entry are those of `Rights`, in the same order. */
const granted = (low: number): Grants => grants(low & (R | W | X), low & (R | W | X));

const leafGrants: GrantBits = {
  low: [0, 5],
  grants: (low) => (MEMORY_TYPES.has(low >>> 3) ? granted(low) : REFUSED),
};
const tableGrants: GrantBits = { low: [0, 2], grants: granted };

const leafValues = (flags: LeafFlags) => ({
  readable: (flags & R) !== 0 ? 1 : 0,
  writable: (flags & W) !== 0 ? 1 : 0,
  executable: (flags & X) !== 0 ? 1 : 0,
  accessed: (flags & ACCESSED) !== 0 ? 1 : 0,
  dirty: (flags & DIRTY) !== 0 ? 1 : 0,
});

function ept(levels: 4 | 5): PteFormat {
  return new PteFormat({
    id: `ept-${levels}level`,
    ...secondLevelShape(levels),
    present: { set: [base.readable, base.writable, base.executable] },
    leaf: leafKind,
    table: () => tableKind,
    leafGrants,
    tableGrants,
    accessed: { set: [base.accessed] },
    dirty: { set: [base.dirty] },
    leafValues,
  });
}

export const eptFourLevel = ept(4);
export const eptFiveLevel = ept(5);
