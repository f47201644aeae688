/** High-granularity mapping as each posting had it. */
import type { HugetlbCounting } from '../../mm/hugetlb/granular.ts';

export interface HgmOptions {
  readonly name: string;
  /** How a folio counts who maps it. */
  readonly counting: HugetlbCounting;
  /** What is held for writing while a collapse frees tables. */
  readonly collapseLock: 'i_mmap' | 'vma' | 'vma and i_mmap' | 'mmap' | 'all';
  /** Whether a collapse keeps out who makes, or removes, the page of the file meanwhile. */
  readonly collapseHoldsMutex: boolean;
  /** What is held for reading while tables below a huge page are walked, besides the lock of its VMA. */
  readonly walkLock: 'i_mmap' | 'none';
  /** Whether a program asks for it by MADV_SPLIT; else by a feature of userfaultfd. */
  readonly hasAdvice: boolean;
  /** Whether that feature is refused unless exact addresses are asked for, too. */
  readonly needsExactAddress: boolean;
  /** Whether a marker of userfaultfd-wp is carried into the table that takes its place. */
  readonly splitsMarkers: boolean;
  /** What MADV_COLLAPSE says of a page that is poisoned, after having gone past it. */
  readonly poisonIsError: boolean;
  /** Whether pages of which the vmemmap is freed can be mapped so (HVO). */
  readonly allowsHvo: boolean;
}

/** @source James Houghton, "[RFC PATCH 00/26] hugetlb: Introduce HugeTLB high-granularity mapping", June 2022 */
export const HGM_RFC_V1: HgmOptions = {
  name: 'RFC v1',
  counting: 'top',
  collapseLock: 'i_mmap',
  collapseHoldsMutex: false,
  walkLock: 'i_mmap',
  hasAdvice: false,
  needsExactAddress: false,
  splitsMarkers: false,
  poisonIsError: false,
  allowsHvo: true,
};

/** @source "[RFC PATCH v2 00/47] hugetlb: introduce HugeTLB high-granularity mapping", October 2022 */
export const HGM_RFC_V2: HgmOptions = {
  ...HGM_RFC_V1,
  name: 'RFC v2',
  counting: 'entries',
  collapseLock: 'vma',
  walkLock: 'none',
  needsExactAddress: true,
};

/** @source "[PATCH 00/46] hugetlb: introduce HugeTLB high-granularity mapping", January 2023 */
export const HGM_V1: HgmOptions = {
  ...HGM_RFC_V2,
  name: 'v1',
  collapseLock: 'vma and i_mmap',
  hasAdvice: true,
  needsExactAddress: false,
  poisonIsError: true,
};

/** @source "[PATCH v2 00/46] hugetlb: introduce HugeTLB high-granularity mapping", February 2023 */
export const HGM_V2: HgmOptions = {
  ...HGM_V1,
  name: 'v2',
  counting: 'subpages',
  collapseLock: 'mmap',
  splitsMarkers: true,
  poisonIsError: false,
  allowsHvo: false,
};

/** v2 with locks that a search finds to be enough: those of v1, too, and the fault mutex of the page. */
export const HGM_MENDED: HgmOptions = {
  ...HGM_V2,
  name: 'mended',
  collapseLock: 'all',
  collapseHoldsMutex: true,
};

/** In the order in which they were posted. */
export const HGM_VERSIONS: readonly HgmOptions[] = [HGM_RFC_V1, HGM_RFC_V2, HGM_V1, HGM_V2];
