/** madvise(2). @source mm/madvise.c do_madvise(), madvise_walk_vmas() (Linux 6.18) */
import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { MADV } from '../../uapi/mman.ts';
import { Change, vmOpsOf } from '../design/design.ts';
import { afterChange, beforeChange, passCall } from '../design/seams.ts';
import { faultinRange } from '../fault/populate.ts';
import { granularDesign } from '../hugetlb/granular.ts';
import { isKnownAdvice, lockOfAdvice, MADV_SPLIT, MadviseLock } from '../madvise/advice.ts';
import { adviseCold, advisePageout } from '../madvise/cold_pageout.ts';
import { adviseCollapse } from '../madvise/collapse.ts';
import { adviseDontneedOrFree } from '../madvise/dontneed_free.ts';
import { adviseRemove, adviseWillneed } from '../madvise/file_advice.ts';
import { adviseGuardInstall, adviseGuardRemove } from '../madvise/guard.ts';
import { adviseFlags } from '../madvise/vma_flags.ts';
import { tlbFinishMmu, tlbFlushMmu, tlbGatherMmu } from '../table/mmu_gather.ts';
import type { Task } from '../task.ts';
import { asInt, isPageAligned, pageOf, pagesOf, wrap } from '../vma/pages.ts';
import type { Vma } from '../vma/vma.ts';
import { lockVmaUnderRcu, vmaEndRead } from '../vma/vma_lock.ts';
import { mmapReadLock, mmapReadUnlock, mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';

/**
 * Holes are reported after everything else is done; what comes before a refusal stays done.
 *
 * @returns 0 or a negative errno
 * @locks   by the advice: the VMA lock, if the range lies in one VMA, or the mmap lock (read or write)
 * @omits   MADV_HWPOISON, MADV_SOFT_OFFLINE: unknown, as without CONFIG_MEMORY_FAILURE
 */
export function* madvise(
  task: Task,
  address: number,
  length: number,
  behavior: number,
): Op<number> {
  const advice = asInt(behavior);
  const isSplit = advice === MADV_SPLIT && granularDesign(task.machine) !== undefined;
  const early = resultWithoutEffect(address, length, isSplit ? MADV.NORMAL : advice);
  if (early !== undefined) return early;
  if (task.machine.designs.length > 0) {
    const again = (other: Task, at: number) => madvise(other, at, length, advice);
    const passed = yield* passCall(task, address, length, again);
    if (passed !== undefined) return passed;
  }
  yield* madviseLock(task, advice);
  yield* madviseInitTlb(task, advice);
  const start = pageOf(address);
  const result = yield* doAdvice(task, start, start + pagesOf(length), advice);
  yield* madviseFinishTlb(task, advice);
  yield* madviseUnlock(task, advice);
  return result;
}

/** The result of a call that is refused, or has nothing to do. @source madvise_should_skip() */
export function resultWithoutEffect(
  address: number,
  length: number,
  advice: number,
): number | undefined {
  if (!isKnownAdvice(advice) || !isPageAligned(address)) return EINVAL;
  const start = pageOf(address);
  const pages = pagesOf(length);
  if (length !== 0 && pages === 0) return EINVAL;
  const end = wrap(start + pages);
  if (end < start) return EINVAL;
  return end === start ? 0 : undefined;
}

/** What one VMA may do for is locked when that is known. */
export function* madviseLock({ machine, cpu, mm }: Task, advice: number): Op<void> {
  const mode = lockOfAdvice(advice);
  if (mode === MadviseLock.MMAP_WRITE) yield* mmapWriteLock(machine, cpu, mm.id);
  else if (mode === MadviseLock.MMAP_READ) yield* mmapReadLock(machine, cpu, mm.id);
}

export function* madviseUnlock({ machine, cpu, mm }: Task, advice: number): Op<void> {
  const mode = lockOfAdvice(advice);
  if (mode === MadviseLock.MMAP_WRITE) yield* mmapWriteUnlock(machine, cpu, mm.id);
  else if (mode === MadviseLock.MMAP_READ) yield* mmapReadUnlock(machine, cpu, mm.id);
}

/** What takes pages away flushes once for all of them. */
export function* madviseInitTlb({ machine, cpu, mm }: Task, advice: number): Op<void> {
  if (lockOfAdvice(advice) === MadviseLock.VMA_READ) yield* tlbGatherMmu(machine, cpu, mm.id);
}

export function* madviseFinishTlb({ machine, cpu, mm }: Task, advice: number): Op<void> {
  if (lockOfAdvice(advice) === MadviseLock.VMA_READ) yield* tlbFinishMmu(machine, cpu, mm.id);
}

/** Follows an advice on `[start, end)`. Called under its lock. @returns 0 or a negative errno */
export function* doAdvice(task: Task, start: number, end: number, advice: number): Op<number> {
  if (advice === MADV.POPULATE_READ || advice === MADV.POPULATE_WRITE) {
    return yield* faultinRange(task, start, end, advice === MADV.POPULATE_WRITE);
  }
  if (lockOfAdvice(advice) !== MadviseLock.VMA_READ) {
    return yield* walkVmas(task, start, end, advice);
  }
  const { machine, cpu, mm } = task;
  const vma = yield* lockVmaUnderRcu(task, start);
  if (vma !== undefined) {
    // What userfaultfd is told of drops the mmap lock.
    const isEnough = end <= vma.end && vma.userfaultfd === undefined;
    const result = isEnough ? yield* adviseVma(task, vma, start, end, advice) : 0;
    yield* vmaEndRead(machine, cpu, vma);
    if (isEnough) return result;
  }
  yield* mmapReadLock(machine, cpu, mm.id);
  const result = yield* walkVmas(task, start, end, advice);
  yield* tlbFlushMmu(machine, cpu, mm.id);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return result;
}

/** Called under the mmap lock. */
function* walkVmas(task: Task, start: number, end: number, advice: number): Op<number> {
  const { machine, mm } = task;
  let isWhole = true;
  for (let at = start; at < end; ) {
    // The lock may have been dropped: the VMA is looked up anew.
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.find(at);
    if (vma === undefined || vma.start >= end) return ENOMEM;
    if (vma.start > at) isWhole = false;
    const partEnd = Math.min(end, vma.end);
    const error = yield* adviseVma(task, vma, Math.max(at, vma.start), partEnd, advice);
    if (error < 0) return error;
    at = partEnd;
  }
  return isWhole ? 0 : ENOMEM;
}

/** Follows an advice on a part of `vma`. @returns 0 or a negative errno */
function* adviseVma(task: Task, vma: Vma, start: number, end: number, advice: number): Op<number> {
  if (vmOpsOf(task.machine, vma)?.mayAdvise === false) return EINVAL;
  const isChange = task.machine.designs.length > 0 && changesTables(advice);
  if (!isChange) return yield* followAdvice(task, vma, start, end, advice);
  yield* beforeChange(task, vma, start, end, Change.ADVICE);
  const result = yield* followAdvice(task, vma, start, end, advice);
  yield* afterChange(task, vma);
  return result;
}

/** Whether entries may come to map something else, other than by faults and the reverse map. */
function changesTables(advice: number): boolean {
  switch (advice) {
    case MADV.FREE:
    case MADV.DONTNEED:
    case MADV.DONTNEED_LOCKED:
    case MADV.COLLAPSE:
    case MADV.GUARD_INSTALL:
    case MADV.GUARD_REMOVE:
      return true;
    default:
      return false;
  }
}

function* followAdvice(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  advice: number,
): Op<number> {
  switch (advice) {
    case MADV.REMOVE:
      return yield* adviseRemove(task, vma, start, end);
    case MADV.WILLNEED:
      return yield* adviseWillneed(task, vma, start, end);
    case MADV.COLD:
      return yield* adviseCold(task, vma, start, end);
    case MADV.PAGEOUT:
      return yield* advisePageout(task, vma, start, end);
    case MADV.FREE:
    case MADV.DONTNEED:
    case MADV.DONTNEED_LOCKED:
      return yield* adviseDontneedOrFree(task, vma, start, end, advice);
    case MADV.COLLAPSE:
      return yield* adviseCollapse(task, vma, start, end);
    case MADV_SPLIT:
      return yield* granularDesign(task.machine)!.split(task, vma, start, end);
    case MADV.GUARD_INSTALL:
      return yield* adviseGuardInstall(task, vma, start, end);
    case MADV.GUARD_REMOVE:
      return yield* adviseGuardRemove(task, vma, start, end);
    default:
      return yield* adviseFlags(task, vma, start, end, advice);
  }
}
