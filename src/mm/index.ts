/** The engine: operations of a memory-management subsystem, to run or to explore. */
export * from '../uapi/errno.ts';
export * from '../uapi/files.ts';
export * from '../uapi/mman.ts';
export * from '../uapi/pagemap.ts';
export * from '../uapi/sched.ts';
export * from '../uapi/shm.ts';
export * from '../uapi/userfaultfd.ts';
export { audit, checksum } from './audit.ts';
export { load, loadNofault, store, storeNofault } from './fault/access.ts';
export { handleMmFault, handleUserFault } from './fault/fault.ts';
export { populate } from './fault/populate.ts';
export { Access, Fault } from './fault/result.ts';
export { fallocateFile } from './file/fallocate.ts';
export { type FileSystem, type Inode, newInode } from './file/inode.ts';
export type { OpenFile } from './file/open_file.ts';
export { readFolio } from './file/readahead.ts';
export { closeInode, getInode } from './file/shmem.ts';
export { writeFile } from './file/write.ts';
export { writeBack } from './file/writeback.ts';
export { getUserPage, getUserPageSlow } from './gup/gup.ts';
export { gupFast, unpin } from './gup/gup_fast.ts';
export { peek, poke } from './gup/remote.ts';
export { FOLL } from './gup/rules.ts';
export { khugepagedScan } from './huge/khugepaged.ts';
export { type CollapseLimits, KHUGEPAGED_LIMITS, Scan } from './huge/scan.ts';
export { newHugetlbInode, setHugetlbSize } from './hugetlb/file.ts';
export { isHugetlbFolio } from './hugetlb/folio.ts';
export { hstateBySizeLog, hstateOf, isHugetlb } from './hugetlb/hstate.ts';
export { migrateHugetlbPage } from './hugetlb/migrate.ts';
export { setMaxHugePages } from './hugetlb/pool.ts';
export { hugetlbMapcount } from './hugetlb/rmap.ts';
export {
  getTableByFrame,
  isPmdShared,
  putTableByFrame,
  tableOfBlock,
} from './hugetlb/share.ts';
export { type HugetlbShares, hugetlbShares } from './hugetlb/smaps.ts';
export { vmaLockRead, vmaUnlockRead } from './hugetlb/vma_lock.ts';
export { Machine, type Saved } from './machine.ts';
export { MADV_SPLIT } from './madvise/advice.ts';
export { shrinkFolios } from './madvise/reclaim.ts';
export { migrateFolio } from './migrate/migrate.ts';
export { migratePages } from './migrate/migrate_pages.ts';
export {
  invalidateRangeEnd,
  invalidateRangeStart,
  invalidateRangeStartNonblock,
  notifierRegister,
} from './notifier/notifier.ts';
export {
  type InvalidatedRange,
  type NotifierOps,
  Notify,
  type Subscription,
} from './notifier/subscription.ts';
export { ORDER_MAX } from './page/buddy.ts';
export { lockFolio, unlockFolio } from './page/folio_lock.ts';
export { getFrame, headOf, orderOf, putFrame, ZERO_FRAME } from './page/frame.ts';
export { type PmScanResult, pagemapScan } from './pagemap/pagemap_scan.ts';
export type { PageRegion, PmScanArg } from './pagemap/scan_state.ts';
export {
  execve,
  type Image,
  mapImage,
  mapVdso,
  type Program,
  type Segment,
} from './process/exec.ts';
export { mmapBase } from './process/exec_layout.ts';
export { exit } from './process/exit.ts';
export { cloneVm, fork } from './process/fork.ts';
export { newProcess } from './process/process.ts';
export { entireMapcount } from './rmap/large_mapcount.ts';
export { isAnonymousFrame, rssKindOf } from './rmap/map_count.ts';
export { folioReferenced } from './rmap/referenced.ts';
export { brk } from './syscall/brk.ts';
export { fallocate, ftruncate, memfdCreate } from './syscall/file_calls.ts';
export { madvise } from './syscall/madvise.ts';
export { mincore } from './syscall/mincore.ts';
export { mlock, mlock2, mlockall, munlock, munlockall } from './syscall/mlock.ts';
export { type MmapArguments, mmap, placeFor } from './syscall/mmap.ts';
export { mprotect } from './syscall/mprotect.ts';
export { type MremapArguments, mremap } from './syscall/mremap.ts';
export { msync } from './syscall/msync.ts';
export { munmap } from './syscall/munmap.ts';
export {
  type Pidfd,
  type ProcessMadviseArguments,
  processMadvise,
} from './syscall/process_madvise.ts';
export { shmat, shmctl, shmdt, shmget } from './syscall/shm.ts';
export { isMappedAt, mappedFlagsAt, mappedFrameAt } from './table/mapped_entry.ts';
export {
  frameAt,
  isNoneAt,
  isPresentAt,
  isTableAt,
  lockOf,
  tableAt,
  walk,
} from './table/pgtable.ts';
export {
  Marker,
  SoftFlag,
  SoftKind,
  softFlagsAt,
  softKindAt,
  softValueAt,
} from './table/soft_entry.ts';
export { type Task, taskOn } from './task.ts';
export { traceState } from './trace_state.ts';
export { knownFeatures, uffdioApi, userfaultfd } from './userfaultfd/api.ts';
export type { Userfaultfd } from './userfaultfd/context.ts';
export { hugetlbContinue } from './userfaultfd/fill_hugetlb.ts';
export {
  uffdioContinue,
  uffdioCopy,
  uffdioPoison,
  uffdioZeropage,
} from './userfaultfd/ioctl_fill.ts';
export { uffdioMove } from './userfaultfd/move.ts';
export { readUserfaultfd, type UffdMessage } from './userfaultfd/queue.ts';
export {
  closeUserfaultfd,
  uffdioRegister,
  uffdioUnregister,
  uffdioWake,
} from './userfaultfd/register.ts';
export { uffdioWriteprotect } from './userfaultfd/write_protect.ts';
export { flagNames } from './vma/flag_names.ts';
export { DEFAULT_LAYOUT, type Layout, Mm, Rss } from './vma/mm.ts';
export { isAccessible, VM, VM_ACCESS, type Vma } from './vma/vma.ts';
export { VmaTree } from './vma/vma_tree.ts';
export { leafOps } from './walk/leaf_walk.ts';
export {
  LEVEL_UNKNOWN,
  type MmWalk,
  type MmWalkOps,
  WalkAction,
  type WalkEntry,
  WalkForm,
  WalkLock,
} from './walk/mm_walk.ts';
export { walkPageRange, walkPageRangeVma } from './walk/page_walk.ts';
export { vmaPgtableWalkBegin, vmaPgtableWalkEnd } from './walk/vma_pgtable_walk.ts';
export type { Bugs } from './world/bugs.ts';
export { callbackActor, interruptActor } from './world/delivery.ts';
export { areDependent } from './world/dependence.ts';
export { noteFootprint } from './world/footprint.ts';
export { areGatesOpen, gateOf, keeperAfter } from './world/gates.ts';
export { localIrqDisable, localIrqEnable } from './world/interrupt.ts';
export {
  lock,
  lockShared,
  mmapReadLock,
  mmapReadUnlock,
  Rank,
  unlock,
  unlockShared,
} from './world/lock.ts';
export type { ObjectKind } from './world/objects.ts';
export type { Op } from './world/op.ts';
export {
  kindOf,
  locking,
  objectOf,
  type Point,
  PointKind,
  reading,
  readingContent,
  unlocking,
  writing,
  writingContent,
} from './world/point.ts';
export { PROPERTIES, type Property, violate, violationOf } from './world/property.ts';
export { rcuReadLock, rcuReadUnlock, synchronizeRcu } from './world/rcu.ts';
export { run } from './world/run.ts';
export {
  canChoose,
  canWait,
  choose,
  countChoices,
  describePoint,
  mayGo,
} from './world/scheduling.ts';
export { enterLazyTlb, switchMm } from './world/switch_mm.ts';
export { FrameFlag, NONE, World } from './world/world.ts';
export { type WorldSize, worldSize } from './world/world_size.ts';
