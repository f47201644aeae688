/** Rows of many hosts that are about the same thing, added up. */
import { type GroupRow, OTHER, type Sample } from './sample.ts';

/** Entries of a list in a report: fleets have tens of thousands of programs and files. */
export const ENTRIES_MAX = 1000;

export interface RowTotal {
  name: string;
  kind: string;
  hosts: number;
  processes: number;
  tableBytes: number;
  duplicateBytes: number;
}

/**
 * Adds up rows of one name and kind over all hosts. What is beyond `ENTRIES_MAX` becomes one entry,
 * so that the sum stays what it is.
 *
 * @returns most tables first
 */
export function rowTotals(
  samples: readonly Sample[],
  rowsOf: (sample: Sample) => readonly (GroupRow & { readonly kind?: string })[],
): RowTotal[] {
  const totals = new Map<string, RowTotal>();
  for (const sample of samples) {
    for (const row of rowsOf(sample)) {
      const { name, kind = '' } = row;
      const key = `${kind}\0${name}`;
      const total = totals.get(key) ?? newTotal(name, kind);
      totals.set(key, total);
      total.hosts++;
      add(total, row);
    }
  }
  const sorted = [...totals.values()].sort((a, b) => b.tableBytes - a.tableBytes);
  if (sorted.length <= ENTRIES_MAX) return sorted;
  const other = newTotal(OTHER, OTHER);
  for (const total of sorted.slice(ENTRIES_MAX)) {
    other.hosts = Math.max(other.hosts, total.hosts);
    add(other, total);
  }
  return [...sorted.slice(0, ENTRIES_MAX), other];
}

function newTotal(name: string, kind: string): RowTotal {
  return { name, kind, hosts: 0, processes: 0, tableBytes: 0, duplicateBytes: 0 };
}

function add(total: RowTotal, { processes, tableBytes, duplicateBytes }: GroupRow): void {
  total.processes += processes;
  total.tableBytes += tableBytes;
  total.duplicateBytes += duplicateBytes;
}
