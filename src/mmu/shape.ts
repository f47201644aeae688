/** How large the caches of an MMU are. Any number of levels, arrays, sets and ways. */
import type { CacheShape } from './associative_cache.ts';

/** One array of a TLB. */
export interface TlbArray extends CacheShape {
  /**
   * Page sizes that it holds, in base pages, smallest first. A larger page is held in pieces of the
   * largest of them.
   */
  readonly pages: readonly number[];
}

export interface MmuShape {
  /** Fastest first; the arrays of one level are searched side by side. */
  readonly tlb: readonly (readonly TlbArray[])[];
  /** For entries that point to a table, level 1 first; a level without one is always walked. */
  readonly walkCaches: readonly (CacheShape | undefined)[];
}

/**
 * The data side of an Intel Skylake core. The sizes of its walk caches are not published; these are
 * of the order that was measured on its predecessors.
 *
 * @source Intel 64 and IA-32 Architectures Optimization Reference Manual, "TLB Parameters of the
 *         Skylake Microarchitecture"
 * @source walk caches: T. Barr, A. Cox, S. Rixner, "Translation Caching: Skip, Don't Walk (the Page
 *         Table)", ISCA 2010
 */
export const SKYLAKE: MmuShape = {
  tlb: [
    [
      { sets: 16, ways: 4, pages: [1] },
      { sets: 8, ways: 4, pages: [512] },
      { sets: 1, ways: 4, pages: [512 * 512] },
    ],
    [
      { sets: 128, ways: 12, pages: [1, 512] },
      { sets: 4, ways: 4, pages: [512 * 512] },
    ],
  ],
  walkCaches: [
    { sets: 8, ways: 4 },
    { sets: 1, ways: 4 },
    { sets: 1, ways: 2 },
  ],
};
