/** Entries of an address space, found by reading all of its tables: what walks are judged by. */
import { isNoneAt, isTableAt, type Machine, type Mm, tableAt } from '../../src/mm/index.ts';

export interface Leaf {
  readonly slot: number;
  readonly level: number;
  /** Its first page. */
  readonly start: number;
}

/** All entries that are not empty, and refer to no table, in the order of addresses. */
export function leavesOf(machine: Machine, { root }: Mm): Leaf[] {
  const { format, tableEntries } = machine;
  const found: Leaf[] = [];
  const read = (table: number, level: number, first: number): void => {
    for (let index = 0; index < 2 ** format.indexBits[level]!; index++) {
      const slot = table * tableEntries + index;
      const start = first + index * format.entryPages[level]!;
      if (isNoneAt(machine, slot)) continue;
      if (level > 0 && isTableAt(machine, slot, level))
        read(tableAt(machine, slot, level), level - 1, start);
      else found.push({ slot, level, start });
    }
  };
  read(root, format.levels - 1, 0);
  return found;
}
