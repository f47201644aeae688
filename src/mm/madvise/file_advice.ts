/**
 * MADV_WILLNEED and MADV_REMOVE: what is done to the file, with the mmap lock dropped meanwhile.
 *
 * @source mm/madvise.c madvise_willneed(), madvise_remove() (Linux 6.18)
 * @omits  swapping in
 */
import { FALLOC, fallocateFile } from '../file/fallocate.ts';
import { getLockedFrame, isBehindEnd, type Place } from '../file/filemap.ts';
import { type Inode, isMemory } from '../file/inode.ts';
import { closeInode, getInode } from '../file/shmem.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import type { Task } from '../task.ts';
import { removeUserfaultfd } from '../userfaultfd/events.ts';
import { PAGE_BYTES } from '../vma/pages.ts';
import { pgoffAt, VM, type Vma } from '../vma/vma.ts';
import { EACCES, EINVAL } from '../world/errno.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { NONE } from '../world/world.ts';

/** The optimal size of a request to the disk: a property of the host, here 8 MiB. */
const READ_AHEAD_MAX = 2048;
const SHARED_MAYWRITE = VM.SHARED | VM.MAYWRITE;

/** Called under the mmap lock, for reading, which is dropped and taken again. @returns 0 */
export function* adviseWillneed(task: Task, vma: Vma, start: number, end: number): Op<number> {
  const { machine, cpu, mm } = task;
  const { file } = vma;
  if (file === undefined || isMemory(file.inode) || file.inode.hugetlb !== undefined) return 0;
  const index = pgoffAt(vma, start);
  // The VMA, and its file with it, may go when the lock is dropped.
  yield* getInode(task, file.inode);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  yield* readAhead(task, file.inode, index, index + end - start);
  yield* closeInode(task, file.inode);
  yield* mmapReadLock(machine, cpu, mm.id);
  return 0;
}

/**
 * Called under the mmap lock, for reading, which is dropped and taken again.
 *
 * @returns 0 or a negative errno
 */
export function* adviseRemove(task: Task, vma: Vma, start: number, end: number): Op<number> {
  const { machine, cpu, mm } = task;
  const { file, flags } = vma;
  if ((flags & VM.LOCKED) !== 0 || file === undefined) return EINVAL;
  if ((flags & SHARED_MAYWRITE) !== SHARED_MAYWRITE) return EACCES;
  const index = pgoffAt(vma, start);
  yield* getInode(task, file.inode);
  yield* removeUserfaultfd(task, vma, start, end);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  const open = { mapped: file, isReadable: true, isWritable: true, isExecutable: true };
  const result = yield* fallocateFile(
    task,
    { ...open, pagesMax: Number.POSITIVE_INFINITY },
    FALLOC.PUNCH_HOLE | FALLOC.KEEP_SIZE,
    index * PAGE_BYTES,
    (end - start) * PAGE_BYTES,
  );
  yield* closeInode(task, file.inode);
  yield* mmapReadLock(machine, cpu, mm.id);
  return result;
}

/**
 * Brings the pages `[start, end)` of a file into memory, as many as are read at once.
 *
 * @source mm/readahead.c force_page_cache_ra() (Linux 6.18)
 */
function* readAhead(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const { machine, cpu } = place;
  const last = Math.min(end, start + READ_AHEAD_MAX);
  for (let index = start; index < last; index++) {
    const isBehind = yield* isBehindEnd(place, inode, index);
    if (isBehind) return;
    const frame = yield* getLockedFrame(place, inode, index);
    if (frame === NONE) return;
    yield* unlockFolio(machine, cpu, frame);
    yield* putFrame(machine, cpu, frame);
  }
}
