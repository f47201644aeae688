/** Known mistakes that can be switched on, each in one line of the operation it is about. */
export interface Bugs {
  /** Secondary MMUs are not told when a range begins or ends to change. */
  readonly noRangeStart?: boolean;
  /** Secondary MMUs are not told when a huge page of a file is to be mapped as one (CVE-2022-48991). */
  readonly collapseMappedUntold?: boolean;
  readonly pagesFreedBeforeFlush?: boolean;
  readonly unlockedBeforeFlush?: boolean;
  readonly tablesFreedAtOnce?: boolean;
  readonly noRecheckUnderPageTableLock?: boolean;
  readonly collapseWithoutSync?: boolean;
  /** A table of a file goes, though its VMA has got private pages meanwhile (CVE-2023-52935). */
  readonly retractWithoutRecheck?: boolean;
  /** Who finds entries cleared does not wait for the flush of who cleared them. */
  readonly noNestedFlush?: boolean;
  /** mremap() moves whole tables, and walks of rmap miss their pages (CVE-2022-41222). */
  readonly moveTableWithoutRmapLocks?: boolean;
  /** mremap() takes what it has found for a table, though a collapse came first (CVE-2024-50066). */
  readonly moveTableWithoutRecheck?: boolean;
  /** mremap() flushes when the pages can be unmapped at their new place (CVE-2018-18281). */
  readonly moveUnlockedBeforeFlush?: boolean;
  /** A fault looks for an anon_vma among neighbours with the VMA lock only (CVE-2024-1312). */
  readonly anonVmaUnderVmaLock?: boolean;
  /** fork() takes an anon_vma over that is another VMA's (CVE-2022-42703). */
  readonly anonVmaReusedTwice?: boolean;
  /** fork() leaves translations that can be written through to TLBs. */
  readonly forkWithoutFlush?: boolean;
  /** fork() copies while faults under VMA locks go on (fb49c455323f). */
  readonly forkWithoutVmaLocks?: boolean;
  /** Who flushes passes over a CPU that is just switching to the address space (CVE-2025-37964). */
  readonly flushSkipsSwitching?: boolean;
  /** A collapse flushes as if it had unlinked no table (CVE-2025-22045). */
  readonly collapseFlushesLeavesOnly?: boolean;
  /** Who gives up a shared table flushes as if it had unlinked none (c2ff4764e03e). */
  readonly unshareFlushesLeavesOnly?: boolean;
  /** Stacks grow under the mmap lock for reading, beside a munmap() that has downgraded its own. */
  readonly stackGrowsBesideMunmap?: boolean;
  /** Unified walks of hugetlb do without the lock of the VMA: `vma_pgtable_walk_begin()` is empty. */
  readonly walkUnifiedWithoutLock?: boolean;
  /** A walk goes on where no VMA is, whose tables munmap() may be freeing (8782fb61cc84). */
  readonly walkWithoutVma?: boolean;
  /** A walk takes what it has split for a table, whatever it is by now (3b89863c3fa4). */
  readonly walkWithoutSnapshot?: boolean;
  /** GUP-fast pins a page that a fork is just making common (57efa1fe5957). */
  readonly pinWithoutWriteProtectSeq?: boolean;
  /** GUP-fast leaves interrupts on, so nobody who frees tables waits for it. */
  readonly gupFastWithInterruptsOn?: boolean;
  /** A private page that one process maps is taken to be its own (CVE-2020-29374). */
  readonly reuseByMapcount?: boolean;
  /** Mappings of a huge page are added up while its entries are being split (CVE-2020-29368). */
  readonly hugeReuseByMapcount?: boolean;
  /** A forced write forgets that it is one once the page was copied (CVE-2016-5195). */
  readonly forcedWriteForgotten?: boolean;
  /** A forced write takes what its entry calls dirty for the process's own (CVE-2022-2590). */
  readonly forcedWriteByDirty?: boolean;
  /** A look at a huge page marks its entry dirty, whatever it is for (CVE-2017-1000405). */
  readonly readDirtiesHugePage?: boolean;
  /** A page that is copied on write is replaced without a flush between. */
  readonly cowWithoutFlush?: boolean;
  /** A fault does not look at the size of the file again under the folio lock. */
  readonly faultWithoutSizeRecheck?: boolean;
  /** GUP-fast does not look again whether the table is still linked (70cbc3cc78a9). */
  readonly gupFastWithoutPmdRecheck?: boolean;
  /** A page is written out while TLBs may still let its process write to it (d950c9477d51). */
  readonly swapOutBeforeFlush?: boolean;
  /** Reclaim reads an entry and clears it: not in one step, as ptep_get_and_clear() does. */
  readonly readThenCleared?: boolean;
  /** fork() leaves the note of write protection on what is swapped out (CVE-2023-4732). */
  readonly forkKeepsSoftUffdWp?: boolean;
  /** The same of huge pages of hugetlb that are being moved, as in Linux 6.18. */
  readonly hugetlbForkKeepsSoftUffdWp?: boolean;
  /** fork() does not count what is being moved as the child's, as in Linux 6.18. */
  readonly movedHugePageUncounted?: boolean;
  /** mprotect() does not wait for what reclaim has yet to flush (3ea277194daa). */
  readonly protectWithoutBatchFlush?: boolean;
  /** MADV_FREE does not, either. */
  readonly freeWithoutBatchFlush?: boolean;
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
  /** Moving a huge page leaves shared tables as they are (017b1660df89). */
  readonly migrateWithoutUnshare?: boolean;
  /** A hole punch looks whether a page is mapped before it has locked it (CVE-2025-40006). */
  readonly punchBeforeFolioLock?: boolean;
  /** A shared table is linked under a lock of its own, as in Linux 6.1. */
  readonly shareUnderTableLock?: boolean;
  /** A table is shared whose VMA has other rights by now than its entries, as in Linux 6.18. */
  readonly shareWhileRightsChange?: boolean;
  /** A fault on hugetlb does not look at the size of the file again, as in Linux 6.18. */
  readonly hugetlbWithoutSizeRecheck?: boolean;
  /** Who has to wait for a private VMA of hugetlb takes what is no lock for one, as in Linux 6.18. */
  readonly privateLockMistaken?: boolean;
  /** Shared tables stay when a VMA is divided (b30c14cd6102 mended it). */
  readonly splitWithoutUnshare?: boolean;
  /** Who has given up a shared table goes on behind the next one, too (backports to 5.10). */
  readonly unshareSkipsBlock?: boolean;
  /** mremap() of huge pages goes past nothing by rounding both addresses (CVE-2026-98373). */
  readonly hugetlbMoveRoundsBoth?: boolean;
  /** mremap() of huge pages looks for a table to share, under the lock that this takes (6.1 to 6.19). */
  readonly hugetlbMoveShares?: boolean;
  /** A fault on locked memory takes a marker of write protection for a page (since 58f327f2ce80). */
  readonly lockedFaultSeesMarker?: boolean;
  /** mremap() of huge pages flushes when they can be unmapped at their new place (13e4ad2ce8df). */
  readonly hugetlbMoveUnlockedBeforeFlush?: boolean;
  /** MADV_DONTNEED of a part of a huge page takes all of it. */
  readonly dontneedRoundsUp?: boolean;
  /** MADV_DONTNEED ends the lock of its VMA, as munmap() does (04ada095dcfc). */
  readonly dontneedEndsVmaLock?: boolean;
  /** hugetlb locks runs of entries by a lock that walks of their table do not take (5f75cfbd6bb0). */
  readonly runsUnderMmLock?: boolean;
  /** Who tells of huge pages looks at their entries without the page-table lock (CVE-2025-39754). */
  readonly hugetlbSeenUnlocked?: boolean;
  /** A reservation comes back while a child still has the page (CVE-2026-89593). */
  readonly reserveRestoredWhileMapped?: boolean;
  /** KVM does not ask whether an invalidation has ended since it looked the page up. */
  readonly kvmIgnoresSequence?: boolean;
  /** KVM does not ask whether an invalidation is under way. */
  readonly kvmIgnoresInProgress?: boolean;
  /** KVM asks for both before it takes mmu_lock only. */
  readonly kvmRetryUnlocked?: boolean;
  /** KVM reads the sequence when it has looked the page up. */
  readonly kvmSequenceReadLate?: boolean;
  /** KVM raises the sequence when an invalidation begins, in place of when it ends. */
  readonly kvmSequenceAtStart?: boolean;
  /** KVM counts an invalidation as ended before it raises the sequence; both under mmu_lock. */
  readonly kvmEndBeforeSequence?: boolean;
  /** KVM leaves its entries when a range begins to be invalidated. */
  readonly kvmWithoutZap?: boolean;
  /** KVM flushes the TLBs of a guest when the invalidation ends. */
  readonly kvmFlushAtEnd?: boolean;
  /** KVM flushes the TLBs of a guest when it has dropped mmu_lock. */
  readonly kvmFlushUnlocked?: boolean;
  /** KVM drops the reference of its lookup before it makes an entry of the page. */
  readonly kvmPutBeforeMap?: boolean;
  /** KVM gets a reference to what is mapped, though it may be free by then (CVE-2021-22543). */
  readonly kvmGetsFreePage?: boolean;
  /** KVM shadows each table with the rights that the last one of a walk inherits (CVE-2021-38198). */
  readonly kvmInheritsLastRights?: boolean;
  /** An IOMMU is told when a range begins to be invalidated, and not when the CPUs are flushed. */
  readonly iommuFlushedAtStart?: boolean;
  /** An IOMMU is told when the invalidation of a range has ended (1af5a8109904). */
  readonly iommuFlushedAtEnd?: boolean;
  /** A copy on write does not flush what write protection for userfaultfd is about to (6ce64428d62). */
  readonly cowIgnoresPendingFlush?: boolean;
  /** Closing a userfaultfd leaves its write protection behind (CVE-2024-36881). */
  readonly closeKeepsWpMarkers?: boolean;
  /** A fault on hugetlb is told though its entry was only being changed (2ea7ff1e39cb, CVE-2022-3522). */
  readonly toldWithoutRecheck?: boolean;
  /** A fault on hugetlb that has waited for userfaultfd takes the lock of its VMA again (958f32ce832b). */
  readonly userfaultLocksVmaAgain?: boolean;
  /** UFFDIO_COPY does not look at the size of the file again (CVE-2017-15128). */
  readonly fillWithoutSizeCheck?: boolean;
  /** PAGEMAP_SCAN protects holes of hugetlb with the lock that its walk holds already (6.7 to 6.18). */
  readonly scanTakesVmaLockAgain?: boolean;
  /** UFFDIO_COPY takes the fault mutex of another page: it counts in small ones (0217c7fb4de4). */
  readonly fillMutexBySmallPage?: boolean;
  /** mremap() takes write protection for userfaultfd along, to where nobody is told (CVE-2025-21696). */
  readonly moveKeepsUffdWp?: boolean;
  /** UFFDIO_MOVE does not look whether the swap cache has the page (CVE-2025-38242). */
  readonly moveIgnoresSwapCache?: boolean;
  /** A fault asks an entry that is not present whether it can be written to (CVE-2026-64514). */
  readonly mustWaitAsksAbsentEntry?: boolean;
  /** A fault looks at an entry that others may have cleared for a moment, as in Linux 6.18. */
  readonly mustWaitWithoutLock?: boolean;
  /** Fork of huge pages fails where it has got its reference (high-granularity mapping v2, as posted). */
  readonly tryGetInverted?: boolean;
  /** A collapse that has failed goes on behind its range, and forgets why (the same). */
  readonly collapseErrorForgotten?: boolean;
  /** Whoever finds too many references to a huge page keeps it locked (the same). */
  readonly guardKeepsFolio?: boolean;
  /** munmap() flushes what a driver maps when it has left the file of the driver (CVE-2022-39188). */
  readonly pfnsFlushedLater?: boolean;
  /** GUP takes an entry that has become a table for the page that it was to map (what v2 looks for). */
  readonly followTakesTable?: boolean;
  /** A walk that makes tables takes what is neither empty nor a page for one (`pmd_alloc()` would). */
  readonly walkTakesEntryForTable?: boolean;
}
