/**
 * Faults on huge pages of hugetlb.
 *
 *     fault mutex  <  lock of the VMA (read)  <  folio lock  <  page-table lock
 *
 * The mutex keeps out whoever wants to make, or remove, the same page; the lock of the VMA keeps the
 * table, which may be shared, linked until the entry is set.
 *
 * @source mm/hugetlb.c hugetlb_fault(), hugetlb_no_page() (Linux 6.18)
 * @omits  userfaultfd
 */
import { ACCESSED, DIRTY } from '../../arch/index.ts';
import { prepareAnonymous } from '../fault/anonymous.ts';
import { Access, Fault } from '../fault/result.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { headOf, putFrame } from '../page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { checkTable, isNoneAt, isWritableAt, lockOf } from '../table/pgtable.ts';
import { SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { PAGE_BYTES } from '../vma/pages.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { faultMutexLock, faultMutexUnlock } from './fault_mutex.ts';
import { addHugetlb, findLockHugetlb } from './filemap.ts';
import { granularOf } from './granular.ts';
import { hstateOf, hugeIndexAt } from './hstate.ts';
import { hugePteFlags, setHugePte } from './huge_pte.ts';
import { leafFlags } from './leaf_flags.ts';
import { arePoisoned, isPoisonedAt } from './poison.ts';
import { allocHugetlbFolio, restoreReserve } from './reserve.ts';
import { countMap, mapNewAnonymousFolio } from './rmap.ts';
import { hugePteAlloc } from './share.ts';
import { vmaLockRead, vmaUnlockRead } from './vma_lock.ts';
import { type HugetlbFault, hugetlbWp } from './wp.ts';

/**
 * Makes the huge page of `page` accessible. Called under the VMA lock or the mmap lock, for reading.
 *
 * @param isVmaLocked whether the VMA lock is all that is held
 */
export function* hugetlbFault(
  task: Task,
  vma: Vma,
  page: number,
  access: Access,
  isVmaLocked: boolean,
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
    isVmaLocked,
    slot: NONE,
    moving: NONE as number,
  };
  let result: Fault;
  if (granular !== undefined) result = yield* granular.fault(task, Object.assign(fault, { page }));
  else {
    fault.slot = yield* hugePteAlloc(task, task.mm, vma, start);
    result = fault.slot === NONE ? Fault.OOM : yield* faultEntry(task, fault);
  }
  if (faultWithoutVmaLock !== true) yield* vmaUnlockRead(task, vma);
  yield* faultMutexUnlock(task, inode, index);
  if (fault.moving !== NONE) yield* migrationEntryWait(task, fault.moving);
  return result;
}

/** Waits, without the locks of the fault, until a page has been moved. @source migration_entry_wait_huge() */
function* migrationEntryWait({ machine, cpu }: Task, frame: number): Op<void> {
  const head = headOf(machine, frame);
  yield* lockFolio(machine, cpu, head);
  yield* unlockFolio(machine, cpu, head);
}

/** Called under the fault mutex and the lock of the VMA. */
function* faultEntry(task: Task, fault: HugetlbFault): Op<Fault> {
  const { machine, cpu, mm } = task;
  const { slot, vma, access } = fault;
  const { level } = hstateOf(vma);
  yield reading(machine.objects.entry(slot));
  if (!checkTable(machine, slot)) return Fault.RETRY;
  if (isNoneAt(machine, slot)) return yield* hugetlbNoPage(task, fault);
  if (isPoisonedAt(machine, slot)) return Fault.SIGBUS;
  if (softKindAt(machine, slot) === SoftKind.MIGRATION) fault.moving = softValueAt(machine, slot);
  if (!isMappedAt(machine, slot, level)) return Fault.RETRY;
  const guard = lockOf(machine, mm, slot, level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  let result: Fault = Fault.DONE;
  if (isMappedAt(machine, slot, level)) {
    const isWrite = access === Access.WRITE || access === Access.UNSHARE;
    if (isWrite && !isWritableAt(machine, slot)) result = yield* hugetlbWp(task, fault);
    else yield* noteHugeAccess(task, fault);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return result;
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
function* hugetlbNoPage(task: Task, fault: HugetlbFault): Op<Fault> {
  const { machine, cpu } = task;
  const { vma, index, page } = fault;
  const { inode } = vma.file!;
  if (vma.hugetlb!.isUnmapped) return Fault.SIGBUS;
  const found = yield* findLockHugetlb(task, inode, index);
  if (found !== NONE) {
    if (!arePoisoned(machine, found, hstateOf(vma).pages)) {
      return yield* mapFolio(task, fault, found, false);
    }
    yield* unlockFolio(machine, cpu, found);
    yield* putFrame(machine, cpu, found);
    return Fault.SIGBUS;
  }
  yield reading(machine.objects.pages(inode.id));
  const { pages } = hstateOf(vma);
  const isBehind = index >= Math.floor(inode.bytes / PAGE_BYTES / pages);
  if (isBehind) return Fault.SIGBUS;
  const isShared = (vma.flags & VM.MAYSHARE) !== 0;
  if (!isShared) {
    const isPrepared = yield* prepareAnonymous(task, vma, fault.isVmaLocked);
    if (!isPrepared) return Fault.RETRY;
  }
  const head = yield* allocHugetlbFolio(task, vma, page);
  if (head < 0) return yield* failed(task, fault);
  if (isShared) yield* addHugetlb(task, inode, index, head);
  else yield* lockFolio(machine, cpu, head);
  return yield* mapFolio(task, fault, head, !isShared);
}

/** No page was to be had: a signal, unless another fault has mapped one meanwhile. */
function* failed(task: Task, { vma, slot }: HugetlbFault): Op<Fault> {
  const { machine, cpu, mm } = task;
  const guard = lockOf(machine, mm, slot, hstateOf(vma).level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  const isStill = isNoneAt(machine, slot);
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
  const guard = lockOf(machine, mm, slot, hstate.level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isFirst = checkTable(machine, slot) && isNoneAt(machine, slot);
  let result: Fault = Fault.DONE;
  if (isFirst) {
    yield writing(machine.objects.frame(head));
    if (isPrivate) {
      mapNewAnonymousFolio(machine, head, vma.anonVma!, vma.pgoff + page - vma.start);
    } else countMap(machine, head, 1);
    const isShared = (vma.flags & VM.SHARED) !== 0;
    yield setting(machine.objects.entry(slot));
    setHugePte(machine, slot, hstate, head, leafFlags(vma, isShared));
    mm.hugetlbPages += hstate.pages;
    if (access === Access.WRITE && !isShared) result = yield* hugetlbWp(task, fault);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (!isFirst && isPrivate) yield* restoreReserve(task, vma, page, head);
  yield* unlockFolio(machine, cpu, head);
  if (!isFirst) yield* putFrame(machine, cpu, head);
  return result;
}
