/** How a collapse ends, and what khugepaged lets it cost. */

/** Why there is no huge page, or that there is one. @source include/trace/events/huge_memory.h */
export const Scan = {
  SUCCEED: 0,
  PMD_MAPPED: 1,
  /** There is no table for the entry; the entry is empty. */
  PMD_NULL: 2,
  PMD_NONE: 18,
  PAGE_ANON: 3,
  PAGE_COUNT: 4,
  FAIL: 5,
  ALLOC_HUGE_PAGE_FAIL: 6,
  VMA_CHECK: 7,
  EXCEED_NONE_PTE: 8,
  EXCEED_SWAP_PTE: 9,
  EXCEED_SHARED_PTE: 10,
  LACK_REFERENCED_PAGE: 11,
  /** The page cache has a huge page, which is not mapped as one yet. */
  PTE_MAPPED_HUGEPAGE: 12,
  /** Nothing is left of the file there. */
  TRUNCATED: 13,
  PAGE_LOCK: 14,
  /** A page came to be where none was. */
  PAGE_FILLED: 15,
  PAGE_NULL: 16,
  PTE_NON_PRESENT: 17,
  /** Write-protected for userfaultfd. */
  PTE_UFFD_WP: 19,
} as const;
export type Scan = (typeof Scan)[keyof typeof Scan];

/** How many of the small pages may be missing, swapped out, or mapped by others as well. */
export interface CollapseLimits {
  readonly maxNone: number;
  readonly maxSwap: number;
  readonly maxShared: number;
}

/** MADV_COLLAPSE takes what it gets. */
export const NO_LIMITS: CollapseLimits = {
  maxNone: Number.POSITIVE_INFINITY,
  maxSwap: Number.POSITIVE_INFINITY,
  maxShared: Number.POSITIVE_INFINITY,
};

/** khugepaged/max_ptes_none, max_ptes_swap and max_ptes_shared, as a kernel starts. */
export const KHUGEPAGED_LIMITS: CollapseLimits = { maxNone: 511, maxSwap: 64, maxShared: 256 };
