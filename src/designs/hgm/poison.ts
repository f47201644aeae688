/**
 * Huge pages of which memory has failed: all of one, or small pages of it.
 *
 * @source mm/memory-failure.c folio_set_hugetlb_hwpoison(), raw_hwp_list (Linux 6.18); Jiaqi Yan, "[RFC PATCH v1
 *         0/7] PAGE_SIZE Unmapping in Memory Failure Recovery for HugeTLB Pages", April 2023
 */
import type { Machine } from '../../mm/machine.ts';
import { Marker, SoftKind, softKindAt, softValueAt } from '../../mm/table/soft_entry.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { firstOf, type HugetlbPte } from './hugetlb_pte.ts';
import { subpageAt } from './piece.ts';

/** Whether the entry stands for a page that is poisoned. Called with it announced. */
export function isPoisonedAt(machine: Machine, { slot }: HugetlbPte): boolean {
  if (softKindAt(machine, slot) !== SoftKind.MARKER) return false;
  return (softValueAt(machine, slot) & Marker.POISONED) !== 0;
}

/** Whether a frame of what would be mapped at `at` is. Called with the folio locked. */
export function isPoisonedFor(
  machine: Machine,
  vma: Vma,
  head: number,
  page: number,
  at: HugetlbPte,
): boolean {
  const { poisoned } = machine.hugetlb;
  if (poisoned.size === 0) return false;
  const first = subpageAt(vma, head, firstOf(at, page));
  for (const frame of poisoned) if (frame >= first && frame < first + at.pages) return true;
  return false;
}

/** Whether a frame of the folio is. */
export function isPoisonedFolio({ hugetlb }: Machine, head: number, pages: number): boolean {
  for (const frame of hugetlb.poisoned) if (frame >= head && frame < head + pages) return true;
  return false;
}
