/**
 * Huge pages of which memory has failed: all of one, or small pages of it.
 *
 * @source mm/memory-failure.c folio_set_hugetlb_hwpoison(), raw_hwp_list; is_hugetlb_entry_hwpoisoned()
 *         (Linux 6.18)
 */
import type { Machine } from '../machine.ts';
import { Marker, SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { World } from '../world/world.ts';

/** Whether the entry stands for a page that is poisoned. Called with it announced. */
export function isPoisonedAt(world: World, slot: number): boolean {
  if (softKindAt(world, slot) !== SoftKind.MARKER) return false;
  return (softValueAt(world, slot) & Marker.POISONED) !== 0;
}

/** Whether one of the frames is. Called with their folio locked. */
export function arePoisoned({ hugetlb }: Machine, first: number, pages: number): boolean {
  for (const frame of hugetlb.poisoned) if (frame >= first && frame < first + pages) return true;
  return false;
}
