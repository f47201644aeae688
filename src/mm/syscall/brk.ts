/**
 * brk(2).
 *
 * @omits the data of the program, which counts for RLIMIT_DATA besides the heap
 */

import { PAGE_BYTES } from '../../uapi/mman.ts';
import { populate } from '../fault/populate.ts';
import type { Task } from '../task.ts';
import { completeEvents } from '../userfaultfd/events.ts';
import { mayExpand } from '../vma/limits.ts';
import { pagesOf } from '../vma/pages.ts';
import { startWithGap, VM, VM_MAY_ACCESS } from '../vma/vma.ts';
import { extend, insertNew, type Proposal } from '../vma/vma_merge.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { unmapPages } from './munmap.ts';

/** @returns the break in bytes: the new one, or the old one if that could not be had */
export function* brk(task: Task, address: number): Op<number> {
  const { machine, cpu, mm } = task;
  yield* mmapWriteLock(machine, cpu, mm.id);
  const old = mm.brkBytes;
  const isMoved = address >= mm.layout.brkStartBytes && (yield* moveBreak(task, address));
  if (isMoved) mm.brkBytes = address;
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  yield* completeEvents(task);
  const grown = pagesOf(mm.brkBytes);
  if (grown > pagesOf(old) && (mm.defaultFlags & VM.LOCKED) !== 0) {
    yield* populate(task, pagesOf(old), grown);
  }
  return mm.brkBytes;
}

function* moveBreak(task: Task, address: number): Op<boolean> {
  const { taskSize, brkStartBytes, dataLimit } = task.mm.layout;
  if (dataLimit !== undefined && address - brkStartBytes > dataLimit) return false;
  const oldEnd = pagesOf(task.mm.brkBytes);
  const newEnd = pagesOf(address);
  if (newEnd === oldEnd) return true;
  if (address <= task.mm.brkBytes) {
    const first = task.mm.vmas.find(newEnd);
    if (first === undefined || first.start >= oldEnd) return false;
    return (yield* unmapPages(task, newEnd, oldEnd - newEnd)) === 0;
  }
  if (newEnd > taskSize) return false;
  const next = task.mm.vmas.find(oldEnd);
  if (next !== undefined && newEnd + 1 > startWithGap(next)) return false;
  return yield* growHeap(task, oldEnd, newEnd);
}

function* growHeap(task: Task, start: number, end: number): Op<boolean> {
  if (task.mm.vmas.size > task.mm.layout.mapCountMax || !task.mm.canCommit(end - start))
    return false;
  const flags = VM.READ | VM.WRITE | VM_MAY_ACCESS | VM.ACCOUNT | task.mm.defaultFlags;
  if (!mayExpand(task.mm, flags, end - start)) return false;
  const proposal: Proposal = {
    start,
    end,
    flags,
    file: undefined,
    pgoff: start,
    anonVma: undefined,
    chain: [],
  };
  const previous = task.mm.vmas.below(start);
  // What ends where the heap starts is not the heap.
  const isHeap = previous !== undefined && previous.end * PAGE_BYTES > task.mm.layout.brkStartBytes;
  const isExtended = isHeap && (yield* extend(task, previous, proposal));
  if (!isExtended) yield* insertNew(task, proposal);
  if ((flags & VM.LOCKED) !== 0) task.mm.lockedPages += end - start;
  return true;
}
