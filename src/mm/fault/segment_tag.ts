/**
 * Segments of ppc64: the number that a TLB knows a part of an address space by.
 *
 * A segment is what one table of level 1 spans, 256 MiB with 4 KiB pages. Its number, the virtual
 * segment id, is that of the table: processes that have the table in common have the number in
 * common, and use each other's translations, which lie at the same addresses in all of them.
 *
 * @source Power ISA 2.07B, Book III-S, 5.7.7 "Virtual Address Generation"; Dave McCracken, LKML,
 *         24 January 2006: "TLB entries are keyed by segment id, not process"
 * @omits  the segment lookaside buffer, the hashed page table
 */
import { isTableAt, slotIn, tableAt } from '../table/pgtable.ts';
import type { Mm } from '../vma/mm.ts';
import type { World } from '../world/world.ts';

/** The number of the segment of `page`; where there is no table yet, that of `mm`. */
export function segmentOf(world: World, mm: Mm, page: number): number {
  let table = mm.root;
  for (let level = world.format.levels - 1; level > 1; level--) {
    const slot = slotIn(world, table, page, level);
    if (!isTableAt(world, slot, level)) return mm.id;
    table = tableAt(world, slot, level);
  }
  return world.size.mms + table;
}
