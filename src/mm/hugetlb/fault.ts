/**
 * Faults on huge pages of hugetlb.
 *
 *     fault mutex  <  lock of the VMA (read)  <  folio lock  <  page-table lock
 *
 * The mutex keeps out whoever wants to make, or remove, the same page; the lock of the VMA keeps the
 * table, which may be shared, linked until the entry is set.
 *
 * @source mm/hugetlb.c hugetlb_fault(), hugetlb_no_page() (Linux 6.18)
 */
import { ACCESSED, DIRTY, UFFD_WP } from '../../arch/index.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { UffdFeature } from '../../uapi/userfaultfd.ts';
import { prepareAnonymous } from '../fault/anonymous.ts';
import { Access, Fault, type FaultLock } from '../fault/result.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { checkTable, isNoneAt, isPresentAt, isWritableAt } from '../table/pgtable.ts';
import {
  isNoneMostlyAt,
  isWpMarkerAt,
  SoftKind,
  softKindAt,
  softValueAt,
} from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { hasFeature } from '../userfaultfd/context.ts';
import { handleUserfault } from '../userfaultfd/handle.ts';
import { flagsOfWp, WpChange } from '../userfaultfd/wp_change.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { lockingFolio, reading, setting, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { faultMutexLock, faultMutexUnlock } from './fault_mutex.ts';
import { addHugetlb, deleteHugetlb, findLockHugetlb } from './filemap.ts';
import { granularOf } from './granular.ts';
import { hstateOf, hugeIndexAt } from './hstate.ts';
import { hugePteFlags, hugePteLock, setHugePte } from './huge_pte.ts';
import { leafFlags } from './leaf_flags.ts';
import { arePoisoned, isPoisonedAt } from './poison.ts';
import { allocHugetlbFolio, restoreReserve, unreservePages } from './reserve.ts';
import { countMap, mapNewAnonymousFolio } from './rmap.ts';
import { hugePteAlloc } from './share.ts';
import { type Ended, reasonOf, Told } from './told.ts';
import { vmaLockRead, vmaUnlockRead } from './vma_lock.ts';
import { type HugetlbFault, hugetlbWp } from './wp.ts';

/** Makes the huge page of `page` accessible. Called under the VMA lock or the mmap lock, for reading. */
export function* hugetlbFault(
  task: Task,
  vma: Vma,
  page: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  const { pages } = hstateOf(vma);
  const start = Math.floor(page / pages) * pages;
  const index = hugeIndexAt(vma, start);
  const { inode } = vma.file!;
  const { faultWithoutVmaLock } = task.machine.bugs;
  yield* faultMutexLock(task, inode, index);
  if (faultWithoutVmaLock !== true) yield* vmaLockRead(task, vma);
  const granular = granularOf(task.machine, vma);
  const fault = {
    vma,
    page: start,
    index,
    access,
    held,
    slot: NONE,
    movedFrom: NONE as number,
  };
  let found: Ended;
  if (granular !== undefined) found = yield* granular.fault(task, Object.assign(fault, { page }));
  else {
    fault.slot = yield* hugePteAlloc(task, task.mm, vma, start);
    found = fault.slot === NONE ? Fault.OOM : yield* faultEntry(task, fault);
  }
  if (faultWithoutVmaLock !== true) yield* vmaUnlockRead(task, vma);
  yield* faultMutexUnlock(task, inode, index);
  // Waits for the lock without taking it: who moves the page holds it until the entry is back.
  if (fault.movedFrom !== NONE) yield lockingFolio(task.machine.objects.folioLock(fault.movedFrom));
  // The VMA may go while the fault waits: nothing of it is touched afterwards (CVE-2022-50630).
  if (found >= 0) return found as Fault;
  return yield* handleUserfault(task, vma, page, access, reasonOf(found), held);
}

/** Called under the fault mutex and the lock of the VMA. */
function* faultEntry(task: Task, fault: HugetlbFault): Op<Ended> {
  const { machine, cpu, mm } = task;
  const { slot, vma, access } = fault;
  const { level } = hstateOf(vma);
  yield reading(machine.objects.entry(slot));
  if (!checkTable(machine, slot)) return Fault.RETRY;
  if (isPoisonedAt(machine, slot)) return Fault.HWPOISON;
  if (isNoneMostlyAt(machine, slot)) return yield* hugetlbNoPage(task, fault);
  if (softKindAt(machine, slot) === SoftKind.MIGRATION) {
    fault.movedFrom = softValueAt(machine, slot);
    return Fault.DONE;
  }
  if (!isMappedAt(machine, slot, level)) return Fault.RETRY;
  const guard = hugePteLock(machine, mm, slot, hstateOf(vma));
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  let result: Ended = Fault.DONE;
  if (isMappedAt(machine, slot, level)) {
    const isWrite = access === Access.WRITE || access === Access.UNSHARE;
    const isWritable = isPresentAt(machine, slot) && isWritableAt(machine, slot);
    const isToBeWritten = isWrite && !isWritable;
    const isTold = isToBeWritten && (yield* isWriteProtected(task, fault));
    if (isTold) result = Told.WP;
    else if (isToBeWritten) result = yield* hugetlbWp(task, fault);
    else yield* noteHugeAccess(task, fault);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return result;
}

/** Whether userfaultfd is to be told of a write; if nobody wants to be, the protection goes. */
function* isWriteProtected({ machine }: Task, { vma, slot, access }: HugetlbFault): Op<boolean> {
  if (access !== Access.WRITE || (vma.flags & VM.UFFD_WP) === 0) return false;
  const hstate = hstateOf(vma);
  const flags = hugePteFlags(machine, slot, hstate);
  if ((flags & UFFD_WP) === 0) return false;
  if (!hasFeature(vma.userfaultfd, UffdFeature.WP_ASYNC)) return true;
  yield setting(machine.objects.entry(slot));
  setHugePte(machine, slot, hstate, mappedFrameAt(machine, slot, hstate.level), flags & ~UFFD_WP);
  return false;
}

/** @source mm/hugetlb.c hugetlb_fault(), the end: huge_ptep_set_access_flags() */
function* noteHugeAccess({ machine }: Task, { vma, slot, access }: HugetlbFault): Op<void> {
  const hstate = hstateOf(vma);
  const flags = hugePteFlags(machine, slot, hstate);
  const noted = flags | ACCESSED | (access === Access.WRITE ? DIRTY : 0);
  if (noted === flags) return;
  yield setting(machine.objects.entry(slot));
  setHugePte(machine, slot, hstate, mappedFrameAt(machine, slot, hstate.level), noted);
}

/** Brings a page in where nothing is. */
function* hugetlbNoPage(task: Task, fault: HugetlbFault): Op<Ended> {
  const { machine, cpu } = task;
  const { vma, index, page } = fault;
  const { inode } = vma.file!;
  if (vma.hugetlb!.isUnmapped) return Fault.SIGBUS;
  const found = yield* findLockHugetlb(task, inode, index);
  if (found !== NONE) {
    const isPoisoned = arePoisoned(machine, found, hstateOf(vma).pages);
    const isTold = !isPoisoned && (vma.flags & VM.UFFD_MINOR) !== 0;
    if (!isPoisoned && !isTold) return yield* mapFolio(task, fault, found, false);
    yield* unlockFolio(machine, cpu, found);
    yield* putFrame(machine, cpu, found);
    return isTold ? yield* toldIfStill(task, fault, Told.MINOR) : Fault.SIGBUS;
  }
  const isBehind = yield* isBehindEnd(task, fault);
  if (isBehind) return Fault.SIGBUS;
  if ((vma.flags & VM.UFFD_MISSING) !== 0) return yield* toldIfStill(task, fault, Told.MISSING);
  const isShared = (vma.flags & VM.MAYSHARE) !== 0;
  if (!isShared) {
    const isPrepared = yield* prepareAnonymous(task, vma, fault.held);
    if (!isPrepared) return Fault.RETRY;
  }
  const head = yield* allocHugetlbFolio(task, vma, page);
  if (head < 0) return yield* failed(task, fault);
  const isOnly = !isShared || (yield* addHugetlb(task, inode, index, head));
  if (!isOnly) {
    yield* restoreReserve(task, vma, page, head);
    yield* putFrame(machine, cpu, head);
    return Fault.SIGBUS;
  }
  if (!isShared) yield* lockFolio(machine, cpu, head);
  const isCut = isShared && (yield* isBehindEnd(task, fault));
  if (!isCut || machine.bugs.hugetlbWithoutSizeRecheck === true) {
    return yield* mapFolio(task, fault, head, !isShared);
  }
  // Who has cut the file meanwhile has not met the page. (Linux 6.18 does not look again: A35.)
  yield* deleteHugetlb(task, inode, head);
  yield* unreservePages(task, inode, index, index + 1, 1);
  yield* unlockFolio(machine, cpu, head);
  yield* putFrame(machine, cpu, head);
  return Fault.SIGBUS;
}

/** Whether the file ends before the huge page `index`. */
export function* isBehindEnd(
  { machine }: Task,
  { vma, index }: Pick<HugetlbFault, 'vma' | 'index'>,
): Op<boolean> {
  const { inode } = vma.file!;
  yield reading(machine.objects.pages(inode.id));
  return index >= Math.floor(inode.bytes / PAGE_BYTES / hstateOf(vma).pages);
}

/** Userfaultfd is not told of what has come meanwhile. @source hugetlb_pte_stable() */
function* toldIfStill(task: Task, { vma, slot }: HugetlbFault, told: Ended): Op<Ended> {
  const { machine, cpu, mm } = task;
  if (machine.bugs.toldWithoutRecheck === true) return told;
  const guard = hugePteLock(machine, mm, slot, hstateOf(vma));
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  const isStill = isNoneMostlyAt(machine, slot);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isStill ? told : Fault.DONE;
}

/** No page was to be had: a signal, unless another fault has mapped one meanwhile. */
function* failed(task: Task, { vma, slot }: HugetlbFault): Op<Fault> {
  const { machine, cpu, mm } = task;
  const guard = hugePteLock(machine, mm, slot, hstateOf(vma));
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  const isStill = isNoneMostlyAt(machine, slot);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isStill ? Fault.SIGBUS : Fault.DONE;
}

/**
 * Maps a folio, which is locked, with a reference that goes to the entry.
 *
 * @param isPrivate whether it is a new one for this process only
 */
function* mapFolio(task: Task, fault: HugetlbFault, head: number, isPrivate: boolean): Op<Fault> {
  const { machine, cpu, mm } = task;
  const { vma, slot, page, access } = fault;
  const hstate = hstateOf(vma);
  const guard = hugePteLock(machine, mm, slot, hstate);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isWp = isWpMarkerAt(machine, slot);
  const isFirst = checkTable(machine, slot) && (isNoneAt(machine, slot) || isWp);
  let result: Fault = Fault.DONE;
  if (isFirst) {
    yield writing(machine.objects.frame(head));
    if (isPrivate) {
      mapNewAnonymousFolio(machine, head, vma.anonVma!, vma.pgoff + page - vma.start);
    } else countMap(machine, head, 1);
    const isShared = (vma.flags & VM.SHARED) !== 0;
    yield setting(machine.objects.entry(slot));
    const flags = leafFlags(vma, isShared);
    setHugePte(machine, slot, hstate, head, isWp ? flagsOfWp(flags, WpChange.PROTECT) : flags);
    mm.hugetlbPages += hstate.pages;
    // What userfaultfd write-protects is not written to, nor copied, before it is told: by the next fault.
    if (access === Access.WRITE && isWp) result = Fault.RETRY;
    else if (access === Access.WRITE && !isShared) result = yield* hugetlbWp(task, fault);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (!isFirst && isPrivate) yield* restoreReserve(task, vma, page, head);
  yield* unlockFolio(machine, cpu, head);
  if (!isFirst) yield* putFrame(machine, cpu, head);
  return result;
}
