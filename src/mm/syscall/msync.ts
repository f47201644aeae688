/** msync(2). @source mm/msync.c (Linux 6.18) */

import { EBUSY, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { MS } from '../../uapi/mman.ts';
import type { Inode } from '../file/inode.ts';
import { closeInode, getInode } from '../file/shmem.ts';
import { fsyncRange } from '../file/writeback.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { asInt, isPageAligned, pageOf, pagesOf, wrap } from '../vma/pages.ts';
import { pgoffAt, VM } from '../vma/vma.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

/** How far a call has come. */
interface Progress {
  at: number;
  readonly end: number;
  readonly flags: number;
  isWhole: boolean;
}

/** Pages of a file. */
interface Part {
  readonly inode: Inode;
  readonly start: number;
  readonly end: number;
}

/**
 * Writes what is mapped shared to its disk (MS_SYNC), or checks only that it could be.
 *
 * @returns 0 or a negative errno
 * @locks   mmap (read), which is dropped while a file is written
 */
export function* msync(task: Task, address: number, length: number, how: number): Op<number> {
  const flags = asInt(how);
  if (flags & ~(MS.ASYNC | MS.INVALIDATE | MS.SYNC)) return EINVAL;
  if (!isPageAligned(address)) return EINVAL;
  if (flags & MS.ASYNC && flags & MS.SYNC) return EINVAL;
  const start = pageOf(address);
  const end = wrap(start + pagesOf(length));
  if (end < start) return ENOMEM;
  const { machine, cpu, mm } = task;
  const progress: Progress = { at: start, end, flags, isWhole: true };
  while (progress.at < end) {
    yield* mmapReadLock(machine, cpu, mm.id);
    const found = nextPart(mm, progress);
    if (typeof found !== 'number') yield* getInode(task, found.inode);
    yield* mmapReadUnlock(machine, cpu, mm.id);
    if (typeof found === 'number') return found;
    yield* fsyncRange(task, found.inode, found.start, found.end);
    yield* closeInode(task, found.inode);
  }
  return progress.isWhole ? 0 : ENOMEM;
}

/** @returns what is to be written next, or with what the call ends. Called under the mmap lock. */
function nextPart(mm: Mm, progress: Progress): Part | number {
  const { end, flags } = progress;
  while (progress.at < end) {
    const vma = mm.vmas.find(progress.at);
    if (vma === undefined) return ENOMEM;
    if (vma.start > progress.at) {
      // Nothing is written at once, so that a hole is all there is to report.
      if (flags === MS.ASYNC || vma.start >= end) return ENOMEM;
      progress.isWhole = false;
      progress.at = vma.start;
    }
    if (flags & MS.INVALIDATE && vma.flags & VM.LOCKED) return EBUSY;
    const first = progress.at;
    progress.at = vma.end;
    if (flags & MS.SYNC && vma.file !== undefined && vma.flags & VM.SHARED) {
      const start = pgoffAt(vma, first);
      return { inode: vma.file.inode, start, end: start + Math.min(end, vma.end) - first };
    }
  }
  return progress.isWhole ? 0 : ENOMEM;
}
