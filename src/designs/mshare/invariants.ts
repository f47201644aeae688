/**
 * What must be true of regions when no operation is under way, besides what `audit()` recounts.
 *
 * LINK: an entry of a guest refers to the table of its host or to none, and the share count of that
 * table is the number of such entries. Uses of freed pages and tables, counts and lock orders are found
 * where they happen.
 */
import type { Machine } from '../../mm/machine.ts';
import { isNoneAt, isPresentAt, isTableAt, slotIn, tableAt } from '../../mm/table/pgtable.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { violate } from '../../mm/world/property.ts';
import { NONE } from '../../mm/world/world.ts';
import { linkedTable } from './link.ts';
import { alignment, dataOf, hostOf, hostPage, LINK_LEVEL, type Region } from './region.ts';

/** Walks all regions and their guests. */
export function auditMshare(machine: Machine): void {
  for (const region of dataOf(machine).regions.values()) auditLinks(machine, region);
}

function auditLinks(machine: Machine, region: Region): void {
  const host = hostOf(machine, region);
  const links = new Map<number, number>();
  for (const [vma, mm] of machine.inodes.get(region.inode).mappings) {
    for (const slot of linksOf(machine, mm, vma)) {
      const from = slotAt(machine, host, hostPage(machine, vma, slot.page));
      const isRight =
        from !== NONE && linkedTable(machine, from) === linkedTable(machine, slot.slot);
      if (!isRight) violate(machine, 'P-UAF-PT');
      const table = tableAt(machine, slot.slot, LINK_LEVEL);
      links.set(table, (links.get(table) ?? 0) + 1);
    }
  }
  for (const [table, count] of links) {
    if (machine.tableShares[table] !== count) violate(machine, 'P-COUNT');
  }
}

interface Link {
  readonly page: number;
  readonly slot: number;
}

/** The entries of a guest that are not empty. */
export function linksOf(machine: Machine, mm: Mm, vma: Vma): Link[] {
  const links: Link[] = [];
  const span = alignment(machine.format);
  for (let page = vma.start; page < vma.end; page += span) {
    const slot = slotAt(machine, mm, page);
    if (slot !== NONE && !isNoneAt(machine, slot)) links.push({ page, slot });
  }
  return links;
}

/** The entry that links, or `NONE` if its table is missing. */
function slotAt(machine: Machine, mm: Mm, page: number): number {
  let table = mm.root;
  for (let level = machine.format.levels - 1; level > LINK_LEVEL; level--) {
    const slot = slotIn(machine, table, page, level);
    if (!isPresentAt(machine, slot) || !isTableAt(machine, slot, level)) return NONE;
    table = tableAt(machine, slot, level);
  }
  return slotIn(machine, table, page, LINK_LEVEL);
}
