/**
 * What a mount of hugetlbfs may use at most, and has for sure.
 *
 * @source mm/hugetlb.c hugepage_subpool_get_pages(), hugepage_subpool_put_pages() (Linux 6.18)
 */
import { ENOMEM } from '../../uapi/errno.ts';

/** Guarded by the lock of resv maps. */
export interface Subpool {
  /** Most pages in use and reserved (`size=`), or -1. */
  readonly pagesMax: number;
  /** Pages that are reserved for the mount (`min_size=`), or -1. */
  readonly pagesMin: number;
  used: number;
  /** Pages of the minimum that nobody uses or has reserved. */
  reserved: number;
}

/**
 * Takes `delta` pages.
 *
 * @returns how many have to be reserved in the pool, or ENOMEM
 */
export function subpoolGet(subpool: Subpool | undefined, delta: number): number {
  if (subpool === undefined) return delta;
  if (subpool.pagesMax >= 0) {
    if (subpool.used + delta > subpool.pagesMax) return ENOMEM;
    subpool.used += delta;
  }
  if (subpool.pagesMin < 0) return delta;
  const own = Math.min(delta, subpool.reserved);
  subpool.reserved -= own;
  return delta - own;
}

/** Gives `delta` pages back. @returns how many reservations of the pool go back, too */
export function subpoolPut(subpool: Subpool | undefined, delta: number): number {
  if (subpool === undefined) return delta;
  if (subpool.pagesMax >= 0) subpool.used -= delta;
  // The minimum is filled up first.
  if (subpool.pagesMin < 0 || subpool.used >= subpool.pagesMin) return delta;
  const filled = subpool.reserved + delta;
  subpool.reserved = Math.min(filled, subpool.pagesMin);
  return filled <= subpool.pagesMin ? 0 : filled - subpool.pagesMin;
}
