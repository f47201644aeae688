/** The page tables of an address space, as a tree. */
import type * as engine from '../../mm/index.ts';
import type { Engine } from '../machine.ts';

/** What an entry is; of pages, what kind of page. */
export const EntryKind = {
  EMPTY: 0,
  TABLE: 1,
  ANON: 2,
  FILE: 3,
  SHMEM: 4,
  /** A page of zeroes that all processes read. */
  ZERO: 5,
  SWAPPED: 6,
  /** A guard region, or another marker. */
  MARKER: 7,
  /** Being moved. */
  MIGRATION: 8,
} as const;
export type EntryKind = (typeof EntryKind)[keyof typeof EntryKind];

/** Added to the kind of a page that is mapped more than once. */
export const SHARED = 16;
export const KIND_MASK = 15;

export interface TableView {
  readonly number: number;
  /** 0 maps base pages. */
  readonly level: number;
  /** The first page that it spans. */
  readonly start: number;
  /** Base pages that one entry spans. */
  readonly span: number;
  /** `EntryKind` of each entry, with `SHARED` or not. */
  readonly entries: Uint8Array;
  readonly children: readonly TableView[];
  /** Numbers of the tables kept for the split of huge pages. */
  readonly deposits: readonly number[];
  /** Processes that use it; more than those of one address space if it is shared. */
  readonly pids: readonly number[];
}

/** What all address spaces have together: how often frames are mapped, and who uses each table. */
export class Uses {
  readonly maps: Int32Array;
  readonly pidsOfTable = new Map<number, number[]>();

  constructor(frames: number) {
    this.maps = new Int32Array(frames);
  }

  addTable(table: number, pids: readonly number[]): void {
    const known = this.pidsOfTable.get(table);
    if (known === undefined) this.pidsOfTable.set(table, [...pids]);
    else known.push(...pids.filter((pid) => !known.includes(pid)));
  }
}

export interface Reader {
  readonly mm: Engine;
  readonly machine: engine.Machine;
  readonly uses: Uses;
}

/** Counts what one address space uses. */
export function countUses(reader: Reader, space: engine.Mm, pids: readonly number[]): void {
  const { mm, machine, uses } = reader;
  const visit = (table: number, level: number): void => {
    uses.addTable(table, pids);
    const slots = slotsOf(machine, table, level);
    for (let slot = slots.first; slot < slots.end; slot++) {
      if (level > 0 && mm.isTableAt(machine, slot, level)) {
        visit(mm.tableAt(machine, slot, level), level - 1);
        continue;
      }
      const frame = frameOf(reader, slot, level);
      if (frame === undefined) continue;
      const pages = machine.format.entryPages[level]!;
      for (let index = 0; index < pages; index++) uses.maps[frame + index]!++;
    }
  };
  visit(space.root, machine.format.levels - 1);
}

/** @param uses complete: of all address spaces */
export function readTables(reader: Reader, space: engine.Mm): TableView {
  const { mm, machine, uses } = reader;
  const { levels, entryPages } = machine.format;
  const read = (table: number, level: number, start: number): TableView => {
    const slots = slotsOf(machine, table, level);
    const entries = new Uint8Array(slots.end - slots.first);
    const children: TableView[] = [];
    const span = entryPages[level]!;
    for (let index = 0; index < entries.length; index++) {
      const slot = slots.first + index;
      entries[index] = kindAt(reader, slot, level);
      if (entries[index] !== EntryKind.TABLE) continue;
      children.push(read(mm.tableAt(machine, slot, level), level - 1, start + index * span));
    }
    const pids = uses.pidsOfTable.get(table)!;
    return {
      number: table,
      level,
      start,
      span,
      entries,
      children,
      deposits: depositsOf(reader, table),
      pids,
    };
  };
  return read(space.root, levels - 1, 0);
}

function slotsOf(
  { format, tableEntries }: engine.Machine,
  table: number,
  level: number,
): { readonly first: number; readonly end: number } {
  const first = table * tableEntries;
  return { first, end: first + 2 ** format.indexBits[level]! };
}

function kindAt(reader: Reader, slot: number, level: number): number {
  const { mm, machine, uses } = reader;
  if (mm.isNoneAt(machine, slot)) return EntryKind.EMPTY;
  if (level > 0 && mm.isTableAt(machine, slot, level)) return EntryKind.TABLE;
  const frame = frameOf(reader, slot, level);
  if (frame === undefined) return softKind(reader, slot);
  const { RESERVED } = mm.FrameFlag;
  if ((machine.frameFlags[mm.headOf(machine, frame)]! & RESERVED) !== 0) return EntryKind.ZERO;
  return pageKind(reader, frame) | (uses.maps[frame]! > 1 ? SHARED : 0);
}

/** The frame that an entry maps, be it without any right (PROT_NONE). */
function frameOf({ mm, machine }: Reader, slot: number, level: number): number | undefined {
  if (mm.isPresentAt(machine, slot)) return mm.frameAt(machine, slot, level);
  const isKept = mm.softKindAt(machine, slot) === mm.SoftKind.PROT_NONE;
  return isKept ? mm.softValueAt(machine, slot) : undefined;
}

function pageKind({ mm, machine }: Reader, frame: number): EntryKind {
  switch (mm.rssKindOf(machine, frame)) {
    case mm.Rss.FILE:
      return EntryKind.FILE;
    case mm.Rss.SHMEM:
      return EntryKind.SHMEM;
    default:
      return EntryKind.ANON;
  }
}

function softKind({ mm, machine }: Reader, slot: number): EntryKind {
  switch (mm.softKindAt(machine, slot)) {
    case mm.SoftKind.SWAP:
      return EntryKind.SWAPPED;
    case mm.SoftKind.MIGRATION:
      return EntryKind.MIGRATION;
    default:
      return EntryKind.MARKER;
  }
}

function depositsOf({ mm, machine }: Reader, table: number): number[] {
  const found: number[] = [];
  let kept = machine.tableDeposit[table]!;
  for (; kept !== mm.NONE; kept = machine.tableNext[kept]!) found.push(kept);
  return found;
}
