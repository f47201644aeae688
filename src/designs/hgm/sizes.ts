/**
 * The sizes in which a huge page can be mapped: its own, those of smaller pages that hugetlb knows on
 * this machine, and small pages. So 2 MiB of a page of 1 GiB are one piece only where there is a pool
 * for pages of 2 MiB.
 *
 * @source HGM v2, mm/hugetlb.c for_each_hgm_shift(), hugetlb_init_hstates() which sorts them
 */
import { type Hstate, hugetlbSizes } from '../../mm/hugetlb/hstate.ts';
import type { Machine } from '../../mm/machine.ts';

/** In small pages, the largest first. */
export function granularSizes(machine: Machine, { pages }: Hstate): number[] {
  const smaller = hugetlbSizes(machine).filter((size) => size <= pages);
  return [...smaller.sort((one, other) => other - one), 1];
}

export function isGranularSize(machine: Machine, { pages }: Hstate, size: number): boolean {
  return size === 1 || (size <= pages && hugetlbSizes(machine).includes(size));
}

/** The largest size that fits `[start, end)`. Small pages always do. */
export function largestSize(
  machine: Machine,
  { pages }: Hstate,
  start: number,
  end: number,
): number {
  let largest = 1;
  for (const { pages: size } of machine.hugetlb.hstates) {
    if (size > largest && size <= pages && start % size === 0 && start + size <= end) {
      largest = size;
    }
  }
  return largest;
}
