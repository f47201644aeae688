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

/** The largest size that fits `[start, end)`. Small pages always do. */
export function largestSize(machine: Machine, hstate: Hstate, start: number, end: number): number {
  const sizes = granularSizes(machine, hstate);
  return sizes.find((size) => start % size === 0 && start + size <= end)!;
}
