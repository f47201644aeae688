/**
 * Page faults: which VMA, under which lock, and what is missing.
 *
 * @source arch/x86/mm/fault.c do_user_addr_fault(), mm/memory.c handle_mm_fault() (Linux 6.18)
 */
import { vmOpsOf } from '../design/design.ts';
import { prepareFault } from '../design/seams.ts';
import { FALLBACK, handleHugeFault } from '../huge/huge_memory.ts';
import { hugetlbFault } from '../hugetlb/fault.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { vmaLockPass } from '../hugetlb/vma_lock.ts';
import { isMappedAt } from '../table/mapped_entry.ts';
import {
  isNoneAt,
  isPresentAt,
  isTableAt,
  isWritableAt,
  slotBelow,
  walkAllocating,
} from '../table/pgtable.ts';
import { isWpMarkerAt, softKindAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { awaitUserfault } from '../userfaultfd/queue.ts';
import { findForTouch } from '../vma/grow.ts';
import { isAccessible, VM, type Vma } from '../vma/vma.ts';
import { lockVmaUnderRcu, touchVma, vmaEndRead } from '../vma/vma_lock.ts';
import { mmapReadLock, mmapReadUnlock, mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE, type World } from '../world/world.ts';
import { doAnonymousPage } from './anonymous.ts';
import { doFault } from './file_fault.ts';
import { Access, Fault, FaultLock } from './result.ts';
import { doSoftEntry } from './soft_fault.ts';
import { doWpPage } from './wp.ts';

/**
 * A program's access to `page` found no translation.
 *
 * @locks   the VMA lock (read), or the mmap lock (read) if that is not to be had, or for writing if a
 *          stack grows; then what is needed for the page
 * @omits   memory cgroups, protection keys
 */
export function* handleUserFault(task: Task, page: number, access: Access): Op<Fault> {
  const { machine, cpu, mm } = task;
  machine.trace?.faultBegin(mm.id, page, access);
  const found = yield* lockVmaUnderRcu(task, page);
  const isOwn = found !== undefined && vmOpsOf(machine, found)?.userFault !== undefined;
  if (isOwn) yield* vmaEndRead(machine, cpu, found);
  const locked = isOwn ? undefined : found;
  if (locked !== undefined) {
    const handled = yield* handleMmFault(task, locked, page, access, FaultLock.VMA);
    yield* vmaEndRead(machine, cpu, locked);
    const result = yield* awaited(task, locked, handled);
    if (result !== Fault.RETRY) return ended(machine, result);
  }
  for (;;) {
    yield* mmapReadLock(machine, cpu, mm.id);
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.find(page);
    if (vma !== undefined && vma.start > page && (vma.flags & VM.GROWSDOWN) !== 0) {
      yield* mmapReadUnlock(machine, cpu, mm.id);
      const grown = yield* growStack(task, page);
      if (!grown) return ended(machine, Fault.MAPERR);
      continue;
    }
    const isThere = vma !== undefined && vma.start <= page;
    const handled = isThere ? yield* handleFound(task, vma, page, access) : Fault.MAPERR;
    yield* mmapReadUnlock(machine, cpu, mm.id);
    const result = yield* awaited(task, vma, handled);
    if (result !== Fault.RETRY) return ended(machine, result);
  }
}

/** Called under the mmap lock, for reading. */
function* handleFound(task: Task, vma: Vma, page: number, access: Access): Op<Fault> {
  const userFault = vmOpsOf(task.machine, vma)?.userFault;
  if (userFault !== undefined) return yield* userFault(task, vma, page, access);
  return yield* handleMmFault(task, vma, page, access, FaultLock.MMAP);
}

/** How a fault ends, without locks: RETRY if it has waited for userfaultfd, and was woken. */
function* awaited(task: Task, vma: Vma | undefined, result: Fault): Op<Fault> {
  if (result !== Fault.WAIT) return result;
  const isWoken = yield* awaitUserfault(task);
  // The VMA may have gone meanwhile.
  if (task.machine.bugs.userfaultLocksVmaAgain === true) yield* vmaLockPass(task, vma!);
  return isWoken ? Fault.RETRY : Fault.WAIT;
}

/** To a program, poison is a SIGBUS like others. */
function ended({ trace }: World, result: Fault): Fault {
  trace?.faultEnd(result === Fault.WAIT ? Fault.RETRY : result);
  return result === Fault.HWPOISON ? Fault.SIGBUS : result;
}

/** Lets a stack reach `page`; false if it may not. @source mm/memory.c lock_mm_and_find_vma() */
function* growStack(task: Task, page: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const isBeside = machine.bugs.stackGrowsBesideMunmap === true;
  yield* (isBeside ? mmapReadLock : mmapWriteLock)(machine, cpu, mm.id);
  const vma = yield* findForTouch(task, page);
  yield* (isBeside ? mmapReadUnlock : mmapWriteUnlock)(machine, cpu, mm.id);
  return vma !== undefined;
}

/**
 * Makes `page` of `vma` accessible. Called under the VMA lock or the mmap lock, for reading.
 */
export function* handleMmFault(
  task: Task,
  vma: Vma,
  page: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  // The lock keeps the rights of the VMA as they are; that it does is not taken for granted.
  yield reading(task.machine.objects.tree(task.mm.id));
  touchVma(task.machine, vma);
  const ops = vmOpsOf(task.machine, vma);
  if (ops !== undefined) return yield* ops.fault(task, vma, page, access, held);
  if (!mayAccess(vma, access)) return Fault.ACCERR;
  return yield* faultPage(task, vma, page, access, held);
}

/** As `handleMmFault()`, for who may do what the program may not. */
export function* faultPage(
  task: Task,
  vma: Vma,
  page: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  if (isHugetlb(vma)) return yield* hugetlbFault(task, vma, page, access, held);
  if (task.machine.designs.length > 0) {
    const ops = vmOpsOf(task.machine, vma);
    if (ops !== undefined) return yield* ops.fault(task, vma, page, access, held);
    const result = yield* prepareFault(task, vma, page, access, held);
    if (result !== Fault.DONE) return result;
  }
  return yield* faultInto(task, vma, page, access, held);
}

/** As `faultPage()`, into tables of its own. */
function* faultInto(
  task: Task,
  vma: Vma,
  page: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  const { machine, mm } = task;
  const above = yield* walkAllocating(task, mm, page, 1);
  if (above === NONE) return Fault.OOM;
  yield reading(machine.objects.entry(above));
  if (!isTableAt(machine, above, 1)) {
    const result = yield* handleHugeFault(task, vma, page, above, access, held);
    if (result !== FALLBACK) return result;
    // Where the file has no page, no table is left behind.
    if (vma.file !== undefined) {
      return yield* doFault(task, vma, page, above, access, held);
    }
  }
  const slot = yield* slotBelow(task, mm, page, above);
  // A huge page may have been faster than the table.
  if (slot === NONE) return isNoneAt(machine, above) ? Fault.OOM : Fault.RETRY;
  return yield* handlePteFault(task, vma, page, above, slot, access, held);
}

/**
 * A fault on the entry at `slot`, of level 0. Who forces an access may meet what nobody may access.
 *
 * @source mm/memory.c handle_pte_fault()
 * @omits  NUMA hinting
 */
function* handlePteFault(
  task: Task,
  vma: Vma,
  page: number,
  above: number,
  slot: number,
  access: Access,
  held: FaultLock,
): Op<Fault> {
  const { machine } = task;
  yield reading(machine.objects.entry(slot));
  const isNone = isNoneAt(machine, slot);
  if (isNone || (isWpMarkerAt(machine, slot) && (vma.flags & VM.UFFD_WP) !== 0)) {
    return vma.file === undefined
      ? yield* doAnonymousPage(task, vma, page, above, slot, access, held)
      : yield* doFault(task, vma, page, above, access, held);
  }
  if (!isMappedAt(machine, slot)) {
    if (softKindAt(machine, slot) === 0) return Fault.RETRY;
    return yield* doSoftEntry(task, vma, page, slot, access);
  }
  const isUnshare = access === Access.UNSHARE;
  const isWritable = isPresentAt(machine, slot) && isWritableAt(machine, slot);
  if ((access === Access.WRITE || isUnshare) && !isWritable) {
    return yield* doWpPage(task, vma, page, slot, held, isUnshare);
  }
  return Fault.DONE;
}

/** Every right lets x86 read. A fetch faults its page in like a read, and is refused by the entry. */
function mayAccess(vma: Vma, access: Access): boolean {
  if (access === Access.WRITE) return (vma.flags & VM.WRITE) !== 0;
  return isAccessible(vma);
}
