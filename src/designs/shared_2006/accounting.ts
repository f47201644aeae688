/**
 * What the posted patch tells of each address space, and what is so.
 *
 * The patch leaves open how pages of shared tables are counted: a fault counts them where it happens,
 * and who takes an entry away takes it from whom it has found. VmPTE is given up: always 0.
 */
import type { Machine } from '../../mm/machine.ts';
import { rssKindOf } from '../../mm/rmap/map_count.ts';
import { isMappedAt, mappedFrameAt } from '../../mm/table/mapped_entry.ts';
import { isTableAt, tableAt } from '../../mm/table/pgtable.ts';
import { Rss } from '../../mm/vma/mm.ts';
import { violate } from '../../mm/world/property.ts';
import { NONE } from '../../mm/world/world.ts';

export interface Account {
  readonly mm: number;
  /** Resident pages: as counted, and as mapped. */
  readonly countedPages: number;
  readonly mappedPages: number;
  /** Tables below the root: what VmPTE says, and what the address space walks through. */
  readonly countedTables: 0;
  readonly walkedTables: number;
}

/** One row for each address space. Called when no operation is under way. */
export function accounts(machine: Machine): Account[] {
  return machine.mms.all().map((mm) => {
    const seen = { pages: 0, tables: 0 };
    see(machine, mm.root, machine.format.levels - 1, seen);
    return {
      mm: mm.id,
      countedPages: mm.rss[Rss.FILE]! + mm.rss[Rss.ANON]! + mm.rss[Rss.SHMEM]!,
      mappedPages: seen.pages,
      countedTables: 0,
      walkedTables: seen.tables,
    };
  });
}

/** P-ACCT: the audit that the posted patch does not pass. Called when no operation is under way. */
export function auditAccounts(machine: Machine): void {
  const isTrue = accounts(machine).every(
    ({ countedPages, mappedPages, countedTables, walkedTables }) =>
      countedPages === mappedPages && countedTables === walkedTables,
  );
  if (!isTrue) violate(machine, 'P-ACCT');
}

function see(
  machine: Machine,
  table: number,
  level: number,
  seen: { pages: number; tables: number },
): void {
  for (let index = 0; index < machine.tableEntries; index++) {
    const slot = table * machine.tableEntries + index;
    if (level > 0 && isTableAt(machine, slot, level)) {
      seen.tables++;
      see(machine, tableAt(machine, slot, level), level - 1, seen);
    } else if (isMappedAt(machine, slot, level)) {
      const isCounted = rssKindOf(machine, mappedFrameAt(machine, slot, level)) !== NONE;
      if (isCounted) seen.pages += machine.format.entryPages[level]!;
    }
  }
}
