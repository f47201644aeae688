/** Known mistakes that can be switched on, each in one line of the operation it is about. */
export interface Bugs {
  readonly pagesFreedBeforeFlush?: boolean;
  readonly unlockedBeforeFlush?: boolean;
  readonly tablesFreedAtOnce?: boolean;
  readonly noRecheckUnderPageTableLock?: boolean;
  readonly collapseWithoutSync?: boolean;
  /** Who finds entries cleared does not wait for the flush of who cleared them. */
  readonly noNestedFlush?: boolean;
  /** mremap() moves whole tables, and walks of rmap miss their pages (CVE-2022-41222). */
  readonly moveTableWithoutRmapLocks?: boolean;
  /** mremap() takes what it has found for a table, though a collapse came first (CVE-2024-50066). */
  readonly moveTableWithoutRecheck?: boolean;
  /** mremap() flushes when the pages can be unmapped at their new place (CVE-2018-18281). */
  readonly moveUnlockedBeforeFlush?: boolean;
  /** fork() leaves translations that can be written through to TLBs. */
  readonly forkWithoutFlush?: boolean;
  /** fork() copies while faults under VMA locks go on (fb49c455323f). */
  readonly forkWithoutVmaLocks?: boolean;
  /** GUP-fast pins a page that a fork is just making common (57efa1fe5957). */
  readonly pinWithoutWriteProtectSeq?: boolean;
  /** GUP-fast leaves interrupts on, so nobody who frees tables waits for it. */
  readonly gupFastWithInterruptsOn?: boolean;
  /** A private page that one process maps is taken to be its own (CVE-2020-29374). */
  readonly reuseByMapcount?: boolean;
  /** A forced write forgets that it is one once the page was copied (CVE-2016-5195). */
  readonly forcedWriteForgotten?: boolean;
  /** A page that is copied on write is replaced without a flush between. */
  readonly cowWithoutFlush?: boolean;
  /** A fault does not look at the size of the file again under the folio lock. */
  readonly faultWithoutSizeRecheck?: boolean;
  /** GUP-fast does not look again whether the table is still linked (70cbc3cc78a9). */
  readonly gupFastWithoutPmdRecheck?: boolean;
  /** A page is written out while TLBs may still let its process write to it (d950c9477d51). */
  readonly swapOutBeforeFlush?: boolean;
  /** Who reads a slot past the swap cache does not keep it from being used anew (CVE-2024-26759). */
  readonly swapInWithoutPin?: boolean;
  /** Migration flushes one of the processes that map a page, as if it were alone (017b1660df89). */
  readonly migrateFlushesOneMm?: boolean;
  /** folio_referenced() counts an entry once for each VMA that it is found by. */
  readonly referencedCountsByVma?: boolean;
  /** Who gives up a shared table does not wait for lockless walkers (CVE-2025-38085). */
  readonly unshareWithoutSync?: boolean;
  /** Shared tables are given up before a VMA is divided, without its locks (CVE-2025-38084). */
  readonly unshareBeforeSplit?: boolean;
  /** References of a table's page say whether it is shared (CVE-2024-57883). */
  readonly sharesCountedByReferences?: boolean;
  /** Unmapping a shared table flushes when i_mmap_rwsem is dropped (CVE-2021-4002). */
  readonly unshareFlushedLater?: boolean;
  /** Who asks whether a table is shared looks at the wrong count (CVE-2026-23100). */
  readonly sharedTestedByReferences?: boolean;
  /** A fault on hugetlb does not keep its table from being given up (c0d0381ade79). */
  readonly faultWithoutVmaLock?: boolean;
  /** MADV_DONTNEED lets faults go on before its pages are free (2820b0f09be9). */
  readonly zapUnlockedBeforeFree?: boolean;
  /** The last two that share a table do not wait for lockless walkers (8ce720d5bd91). */
  readonly unshareSyncOffByOne?: boolean;
  /** A reservation comes back while a child still has the page (CVE-2026-89593). */
  readonly reserveRestoredWhileMapped?: boolean;
  /** Closing a userfaultfd leaves its write protection behind (CVE-2024-36881). */
  readonly closeKeepsWpMarkers?: boolean;
  /** UFFDIO_COPY does not look at the size of the file again (CVE-2017-15128). */
  readonly fillWithoutSizeCheck?: boolean;
  /** UFFDIO_COPY takes the fault mutex of another page: it counts in small ones. */
  readonly fillMutexBySmallPage?: boolean;
  /** mremap() takes write protection for userfaultfd along, to where nobody is told (CVE-2025-21696). */
  readonly moveKeepsUffdWp?: boolean;
  /** UFFDIO_MOVE does not look whether the swap cache has the page (CVE-2025-38242). */
  readonly moveIgnoresSwapCache?: boolean;
}
