/**
 * Faulting pages in before they are touched.
 *
 * @source mm/gup.c __mm_populate(), populate_vma_page_range() (Linux 6.18)
 */
import { EFAULT, EHWPOISON, EINTR, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { vmOpsOf } from '../design/design.ts';
import { touch } from '../gup/touch.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import type { Task } from '../task.ts';
import { awaitUserfault } from '../userfaultfd/queue.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { handleMmFault } from './fault.ts';
import { idleFaults } from './idle.ts';
import { Access, Fault, FaultLock } from './result.ts';

/**
 * Faults all of `[start, end)` in, as mmap(2) and mlock(2) do. A VMA of which a page cannot be had is
 * left at that page, and the next one is gone on with, unless that `isStrict`.
 *
 * What waits for userfaultfd is waited for, unless nobody is there to wake it.
 *
 * @returns how the first fault ended that failed, if `isStrict`
 * @locks   the mmap lock (read)
 */
export function* populate(task: Task, start: number, end: number, isStrict = false): Op<Fault> {
  const { machine, cpu, mm } = task;
  let result: Fault = Fault.DONE;
  yield* mmapReadLock(machine, cpu, mm.id);
  for (let at = start; at < end; ) {
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.find(at);
    if (vma === undefined || vma.start >= end) break;
    const from = Math.max(at, vma.start);
    at = Math.min(end, vma.end);
    if ((vma.flags & (VM.IO | VM.PFNMAP)) !== 0) continue;
    result = yield* populateVma(task, vma, from, at);
    if (result === Fault.WAIT) {
      const isWoken = yield* awaitUnlocked(task);
      if (!isWoken) break;
      at = from;
    } else if (result !== Fault.DONE && isStrict) break;
  }
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return isStrict ? result : Fault.DONE;
}

/** Waits for userfaultfd with the mmap lock dropped. @returns whether the fault was woken */
function* awaitUnlocked(task: Task): Op<boolean> {
  const { machine, cpu, mm } = task;
  yield* mmapReadUnlock(machine, cpu, mm.id);
  const isWoken = yield* awaitUserfault(task);
  yield* mmapReadLock(machine, cpu, mm.id);
  return isWoken;
}

function errnoOf(result: Fault): number {
  if (result === Fault.OOM) return ENOMEM;
  return result === Fault.HWPOISON ? EHWPOISON : EFAULT;
}

/** Where it may be mapped in pieces, each small page is looked at. */
const endOfHugePage = (vma: Vma, page: number): number => {
  if (vma.hugetlb!.isGranular) return page + 1;
  const { pages } = hstateOf(vma);
  return (Math.floor(page / pages) + 1) * pages;
};

/** Called under the mmap lock. What is private and writable is written to: it would be copied later. */
export function* populateVma(task: Task, vma: Vma, start: number, end: number): Op<Fault> {
  if ((vma.flags & VM.LOCKONFAULT) !== 0) return Fault.DONE;
  const isWrite = (vma.flags & (VM.WRITE | VM.SHARED)) === VM.WRITE;
  for (let page = start; page < end; page = isHugetlb(vma) ? endOfHugePage(vma, page) : page + 1) {
    let result: Fault = Fault.RETRY;
    while (result === Fault.RETRY) result = yield* faultIn(task, vma, page, isWrite);
    if (result !== Fault.DONE) return result;
  }
  return Fault.DONE;
}

/**
 * Faults until GUP finds the page as it wants it: a fault that ends well may have done no more than
 * take a mark of userfaultfd away, and what comes write-protected, because such a mark is there, is
 * told by the next fault. What a design maps, or in pieces, is taken to be there behind one fault.
 */
function* faultIn(task: Task, vma: Vma, page: number, isWrite: boolean): Op<Fault> {
  const { machine } = task;
  const access = isWrite ? Access.WRITE : Access.READ;
  const isOfDesign = vma.hugetlb?.isGranular === true || vmOpsOf(machine, vma) !== undefined;
  const level = isHugetlb(vma) ? Math.max(hstateOf(vma).level, 1) : 1;
  for (let idle = 0; idle >= 0; ) {
    const before = machine.entryWrites[0]!;
    const result = yield* handleMmFault(task, vma, page, access, FaultLock.MMAP);
    if (result !== Fault.DONE) return result;
    const isFound = yield* touch(task, page, level, isWrite);
    if (isFound || isOfDesign) return Fault.DONE;
    idle = idleFaults(machine, before, idle);
  }
  return Fault.SIGBUS;
}

function mayFaultIn({ flags }: Vma, right: number): boolean {
  return (flags & (VM.IO | VM.PFNMAP)) === 0 && (flags & right) !== 0;
}

/**
 * Faults `[start, end)` in for MADV_POPULATE_READ and MADV_POPULATE_WRITE, page by page until one
 * cannot be had. Called under the mmap lock.
 *
 * @returns 0 or a negative errno: EINTR if a fault waits for userfaultfd, and nobody can wake it
 * @source  mm/gup.c faultin_page_range(), check_vma_flags() (Linux 6.18)
 */
export function* faultinRange(
  task: Task,
  start: number,
  end: number,
  isWrite: boolean,
): Op<number> {
  const { machine, mm } = task;
  for (let page = start; page < end; ) {
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.at(page);
    if (vma === undefined) return ENOMEM;
    if (!mayFaultIn(vma, isWrite ? VM.WRITE : VM.READ)) return EINVAL;
    const result = yield* faultIn(task, vma, page, isWrite);
    if (result === Fault.RETRY) continue;
    if (result === Fault.WAIT) {
      const isWoken = yield* awaitUnlocked(task);
      if (!isWoken) return EINTR;
      continue;
    }
    if (result !== Fault.DONE) return errnoOf(result);
    page = isHugetlb(vma) ? endOfHugePage(vma, page) : page + 1;
  }
  return 0;
}
