/** Entries of an address space in the order of addresses; what is not there is passed over. */
import { isNoneAt, isTableAt, type Machine, type Mm, tableAt } from '../mm/index.ts';

/** An entry that is not empty: where it lies, of which level it is, and its first page. */
export type Visit = (slot: number, level: number, page: number) => void;

/**
 * All entries for pages of `[start, end)` that refer to no table: of level 0, or huge ones. Those at
 * the edges may span more.
 */
export function visitEntries(
  machine: Machine,
  mm: Mm,
  start: number,
  end: number,
  visit: Visit,
): void {
  visitTable(machine, mm.root, machine.format.levels - 1, 0, start, end, visit);
}

function visitTable(
  machine: Machine,
  table: number,
  level: number,
  base: number,
  start: number,
  end: number,
  visit: Visit,
): void {
  const { format, tableEntries } = machine;
  const span = format.entryPages[level]!;
  const entries = 2 ** format.indexBits[level]!;
  const first = Math.max(0, Math.floor((start - base) / span));
  const last = Math.min(entries, Math.ceil((end - base) / span));
  for (let index = first; index < last; index++) {
    const slot = table * tableEntries + index;
    if (isNoneAt(machine, slot)) continue;
    const page = base + index * span;
    if (level > 0 && isTableAt(machine, slot, level)) {
      visitTable(machine, tableAt(machine, slot, level), level - 1, page, start, end, visit);
    } else visit(slot, level, page);
  }
}
