/** The mlock(2) family, for those who may lock all they like (CAP_IPC_LOCK). */

import { EAGAIN, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { MCL, MLOCK, PAGE_BYTES } from '../../uapi/mman.ts';
import { populate } from '../fault/populate.ts';
import { Fault } from '../fault/result.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import type { Task } from '../task.ts';
import { asInt, pageOf, pagesOf, wrap } from '../vma/pages.ts';
import { LOCKS, VM, VM_SPECIAL } from '../vma/vma.ts';
import { modifyFlags } from '../vma/vma_merge.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { mlockPages } from './mlock_pages.ts';

/** @returns 0 or a negative errno */
export function* mlock(task: Task, address: number, length: number): Op<number> {
  return yield* lock(task, address, length, VM.LOCKED);
}

/** @returns 0 or a negative errno */
export function* mlock2(task: Task, address: number, length: number, flags: number): Op<number> {
  if (asInt(flags) & ~MLOCK.ONFAULT) return EINVAL;
  return yield* lock(task, address, length, flags & MLOCK.ONFAULT ? LOCKS : VM.LOCKED);
}

/** @returns 0 or a negative errno */
export function* munlock(task: Task, address: number, length: number): Op<number> {
  const { start, end } = pagesTouched(address, length);
  return yield* setLocksLocked(task, start, end, 0);
}

/** @returns 0 or a negative errno */
export function* mlockall(task: Task, how: number): Op<number> {
  const flags = asInt(how);
  const known = MCL.CURRENT | MCL.FUTURE | MCL.ONFAULT;
  if (flags === 0 || flags & ~known || flags === MCL.ONFAULT) return EINVAL;
  const locks = flags & MCL.ONFAULT ? LOCKS : VM.LOCKED;
  yield* setAllLocks(task, flags & MCL.CURRENT ? locks : undefined, flags & MCL.FUTURE ? locks : 0);
  if (flags & MCL.CURRENT) yield* populate(task, 0, task.mm.layout.taskSize);
  return 0;
}

/** @returns 0 */
export function* munlockall(task: Task): Op<number> {
  yield* setAllLocks(task, 0, 0);
  return 0;
}

function* lock(task: Task, address: number, length: number, locks: number): Op<number> {
  const { start, end } = pagesTouched(address, length);
  const error = yield* setLocksLocked(task, start, end, locks);
  if (error < 0) return error;
  const result = yield* populate(task, start, end, true);
  if (result === Fault.DONE) return 0;
  return result === Fault.OOM ? EAGAIN : ENOMEM;
}

/** All pages of a range, whether it starts with one or within one. */
function pagesTouched(address: number, length: number): { start: number; end: number } {
  const start = pageOf(address);
  const offset = address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
  return { start, end: wrap(start + pagesOf(length + offset)) };
}

function* setLocksLocked(task: Task, start: number, end: number, locks: number): Op<number> {
  const { machine, cpu, mm } = task;
  yield* mmapWriteLock(machine, cpu, mm.id);
  const result = yield* setLocks(task, start, end, locks);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  return result;
}

/** What comes before a hole stays changed. Called under the mmap write lock. */
function* setLocks(task: Task, start: number, end: number, locks: number): Op<number> {
  if (end < start) return EINVAL;
  for (let at = start; at < end; ) {
    const vma = task.mm.vmas.at(at);
    if (vma === undefined) return ENOMEM;
    const partEnd = Math.min(end, vma.end);
    const flags = (vma.flags & ~LOCKS) | locks;
    // What is never swapped out is not locked.
    const isLockable = (vma.flags & (VM.DROPPABLE | VM_SPECIAL)) === 0 && !isHugetlb(vma);
    if (isLockable && flags !== vma.flags) {
      const wasLocked = (vma.flags & VM.LOCKED) !== 0;
      const changed = yield* modifyFlags(task, vma, at, partEnd, flags);
      if (typeof changed === 'number') return changed;
      const isLocked = (locks & VM.LOCKED) !== 0;
      if (isLocked !== wasLocked) {
        // The kernel counts in an int here.
        task.mm.lockedPages += ((partEnd - at) | 0) * (isLocked ? 1 : -1);
        yield* mlockPages(task, changed, at, partEnd);
      }
    }
    at = partEnd;
  }
  return 0;
}

/** Of all VMAs that there are, unless `locks` is undefined, and of those to come. */
function* setAllLocks(task: Task, locks: number | undefined, future: number): Op<void> {
  const { machine, cpu, mm } = task;
  yield* mmapWriteLock(machine, cpu, mm.id);
  mm.defaultFlags = future;
  if (locks !== undefined) {
    for (const { start, end } of mm.vmas.all()) yield* setLocks(task, start, end, locks);
  }
  yield* mmapWriteUnlock(machine, cpu, mm.id);
}
