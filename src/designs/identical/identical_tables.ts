/**
 * "Every identical table once": what no design that shares tables can go below.
 *
 * Two tables are the same if hardware would translate the same way through both: the same pages with
 * the same rights at the same places, below tables that are the same. Accessed and dirty bits, which
 * hardware sets, do not count. Nothing is shared by this: it only counts.
 */
import { ACCESSED, DIRTY } from '../../arch/index.ts';
import type { Machine } from '../../mm/machine.ts';
import { mappedFlagsAt } from '../../mm/table/mapped_entry.ts';
import {
  frameAt,
  isLeafAt,
  isNoneAt,
  isPresentAt,
  isTableAt,
  tableAt,
} from '../../mm/table/pgtable.ts';

export interface TableCounts {
  /** Tables of all address spaces, roots not: each as often as it exists, and each kind once. */
  readonly tables: number;
  readonly distinct: number;
}

/** Counts the tables of `machine`. Called when no operation is under way. */
export function identicalTables(machine: Machine): TableCounts {
  const kinds = new Map<string, number>();
  const known = new Map<number, number>();
  const kindOf = (table: number, level: number): number => {
    const seen = known.get(table);
    if (seen !== undefined) return seen;
    const key = `${level}:${keyOf(machine, table, level, kindOf)}`;
    const kind = kinds.get(key) ?? kinds.size;
    kinds.set(key, kind);
    known.set(table, kind);
    return kind;
  };
  const top = machine.format.levels - 1;
  for (const { root } of machine.mms.all()) {
    for (const slot of usedIn(machine, root, top)) {
      if (isTableAt(machine, slot, top)) kindOf(tableAt(machine, slot, top), top - 1);
    }
  }
  return { tables: known.size, distinct: kinds.size };
}

/** What is in a table, as text. */
function keyOf(
  machine: Machine,
  table: number,
  level: number,
  kindOf: (table: number, level: number) => number,
): string {
  const parts: string[] = [];
  for (const slot of usedIn(machine, table, level)) {
    const index = slot - table * machine.tableEntries;
    if (isTableAt(machine, slot, level)) {
      parts.push(`${index}t${kindOf(tableAt(machine, slot, level), level - 1)}`);
    } else if (isPresentAt(machine, slot) && isLeafAt(machine, slot, level)) {
      const rights = mappedFlagsAt(machine, slot) & ~(ACCESSED | DIRTY);
      parts.push(`${index}p${frameAt(machine, slot, level)}r${rights}`);
    } else parts.push(`${index}s${machine.lanes[slot * 2]!},${machine.lanes[slot * 2 + 1]!}`);
  }
  return parts.join(' ');
}

/** The places in a table that are not empty. */
function usedIn(machine: Machine, table: number, level: number): number[] {
  const first = table * machine.tableEntries;
  const count = 2 ** machine.format.indexBits[level]!;
  const slots = Array.from({ length: count }, (_, index) => first + index);
  return slots.filter((slot) => !isNoneAt(machine, slot));
}
