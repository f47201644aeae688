/** munmap(2). @source mm/vma.c do_vmi_align_munmap(), vms_complete_munmap_vmas() (Linux 6.18) */
import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { Change } from '../design/design.ts';
import { afterChange, beforeChange, passCall, refusesSplit, taskWork } from '../design/seams.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { unmapHugetlbVma } from '../hugetlb/zap.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { freePgtables } from '../table/free_pgtables.ts';
import { tlbFinishMmu, tlbFreeVmas, tlbGatherMmu } from '../table/mmu_gather.ts';
import { unmapVmaRange } from '../table/zap.ts';
import type { Task } from '../task.ts';
import { completeEvents, unmapUserfaultfd } from '../userfaultfd/events.ts';
import { isPageAligned, pageOf, pagesOf } from '../vma/pages.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { detachVma, freeVma, vmaStartWrite } from '../vma/vma_lock.ts';
import { dropVma, maySplit, splitVma } from '../vma/vma_merge.ts';
import {
  mmapReadUnlock,
  mmapWriteDowngrade,
  mmapWriteLock,
  mmapWriteUnlock,
} from '../world/lock.ts';
import type { Op } from '../world/op.ts';

/**
 * Once the VMAs are out of the tree no fault can find them, so the lock is downgraded: entries are
 * cleared, flushed and freed while faults and reads elsewhere go on. The mmap lock is dropped only
 * after the flush: whoever maps these pages next must not meet an old translation.
 *
 * @returns 0 or a negative errno
 * @locks   mmap (write), each VMA (write), mmap (read), then one page-table lock at a time
 */
export function* munmap(task: Task, address: number, length: number): Op<number> {
  const { machine } = task;
  if (machine.designs.length === 0) return yield* unmapRange(task, address, length);
  const passed = yield* passCall(task, address, length, (other, at) => munmap(other, at, length));
  const result = passed ?? (yield* unmapRange(task, address, length));
  yield* taskWork(task);
  return result;
}

function* unmapRange(task: Task, address: number, length: number): Op<number> {
  if (!isPageAligned(address)) return EINVAL;
  const { machine, cpu, mm } = task;
  const start = pageOf(address);
  const pages = pagesOf(length);
  yield* mmapWriteLock(machine, cpu, mm.id);
  const removed = yield* unmapVmas(task, start, pages);
  if (typeof removed === 'number' || removed.length === 0) {
    yield* mmapWriteUnlock(machine, cpu, mm.id);
    return typeof removed === 'number' ? removed : 0;
  }
  yield* mmapWriteDowngrade(machine, cpu, mm.id);
  yield* tlbGatherMmu(machine, cpu, mm.id);
  yield* clearVmas(task, removed, start, start + pages);
  if (machine.bugs.unlockedBeforeFlush === true) yield* mmapReadUnlock(machine, cpu, mm.id);
  yield* tlbFinishMmu(machine, cpu, mm.id);
  if (machine.bugs.unlockedBeforeFlush !== true) yield* mmapReadUnlock(machine, cpu, mm.id);
  yield* completeEvents(task);
  return 0;
}

/**
 * As `munmap()`, for who goes on under the mmap write lock.
 *
 * @returns 0 or a negative errno
 */
export function* unmapPages(task: Task, start: number, pages: number): Op<number> {
  const removed = yield* unmapVmas(task, start, pages);
  if (typeof removed === 'number') return removed;
  yield* clearAndFlush(task, removed, start, start + pages);
  return 0;
}

/** @returns the VMAs that were taken out of the tree, or a negative errno */
function* unmapVmas(task: Task, start: number, pages: number): Op<Vma[] | number> {
  const { taskSize } = task.mm.layout;
  if (start > taskSize || pages > taskSize - start || pages === 0) return EINVAL;
  if (refusesSplit(task, start, start + pages)) return EINVAL;
  const error = yield* splitAt(task, start, start + pages);
  if (error < 0) return error;
  return yield* detachWithin(task, start, start + pages);
}

/**
 * Lets VMAs end at `start` and at `end`, so that those between can go.
 *
 * @returns 0, ENOMEM if there may be no more VMAs, or EINVAL if one may not end there
 */
export function* splitAt(task: Task, start: number, end: number): Op<number> {
  const { mm } = task;
  const first = mm.vmas.at(start);
  if (first !== undefined && first.start < start) {
    // Only the middle of a VMA leaves more VMAs than there were.
    if (end < first.end && mm.isFull) return ENOMEM;
    if (!maySplit(first, start)) return EINVAL;
    yield* splitVma(task, first, start);
  }
  const last = mm.vmas.at(end);
  if (last === undefined || last.start >= end) return 0;
  if (!maySplit(last, end)) return EINVAL;
  yield* splitVma(task, last, end);
  return 0;
}

/** Takes the VMAs of `[start, end)` out of the tree: their pages are still there. */
export function* detachWithin(task: Task, start: number, end: number): Op<Vma[]> {
  const { machine, cpu, mm } = task;
  const vmas = mm.vmas.within(start, end);
  yield* unmapUserfaultfd(task, vmas, start, end);
  for (const vma of vmas) {
    yield* vmaStartWrite(machine, mm, vma);
    yield* detachVma(machine, cpu, mm, vma);
    if ((vma.flags & VM.LOCKED) !== 0) mm.lockedPages -= vma.end - vma.start;
  }
  return vmas;
}

/** Clears the pages and tables of VMAs of `[start, end)` that were detached, and flushes. */
export function* clearAndFlush(
  task: Task,
  vmas: readonly Vma[],
  start: number,
  end: number,
): Op<void> {
  if (vmas.length === 0) return;
  yield* tlbGatherMmu(task.machine, task.cpu, task.mm.id);
  yield* clearVmas(task, vmas, start, end);
  yield* tlbFinishMmu(task.machine, task.cpu, task.mm.id);
}

/** Collects pages and tables of the VMAs of `[from, to)`, which were detached, and drops them. */
function* clearVmas(task: Task, vmas: readonly Vma[], from: number, to: number): Op<void> {
  const start = vmas[0]!.start;
  const end = vmas.at(-1)!.end;
  const floor = task.mm.vmas.below(start)?.end ?? 0;
  const ceiling = task.mm.vmas.find(end)?.start ?? Number.POSITIVE_INFINITY;
  const hasDesigns = task.machine.designs.length > 0;
  if (hasDesigns) {
    for (const vma of vmas) yield* beforeChange(task, vma, vma.start, vma.end, Change.UNMAP);
  }
  yield* invalidateRangeStart(task, task.mm, from, to, Notify.UNMAP);
  for (const vma of vmas) {
    if (isHugetlb(vma)) yield* unmapHugetlbVma(task, vma);
    else yield* unmapVmaRange(task, vma, vma.start, vma.end);
  }
  yield* invalidateRangeEnd(task, task.mm, from, to, Notify.UNMAP);
  yield* tlbFreeVmas(task.machine, task.cpu, task.mm.id, vmas);
  for (const vma of vmas) yield* dropVma(task, vma);
  yield* freePgtables(task, start, end, { floor, ceiling });
  if (hasDesigns) for (const vma of vmas) yield* afterChange(task, vma);
  for (const vma of vmas) freeVma(vma);
}
