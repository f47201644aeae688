/**
 * MADV_WILLNEED and MADV_REMOVE: what is done to the file, with the mmap lock dropped meanwhile.
 *
 * @source mm/madvise.c madvise_willneed(), madvise_remove() (Linux 6.18)
 * @omits  swapping in
 */
import { EACCES, EINVAL } from '../../uapi/errno.ts';
import { FALLOC } from '../../uapi/files.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { fallocateFile } from '../file/fallocate.ts';
import { isMemory } from '../file/inode.ts';
import { forceReadAhead } from '../file/readahead.ts';
import { closeInode, getInode } from '../file/shmem.ts';
import type { Task } from '../task.ts';
import { removeUserfaultfd } from '../userfaultfd/events.ts';
import { pgoffAt, VM, type Vma } from '../vma/vma.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

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
  yield* forceReadAhead(task, file.inode, index, index + end - start);
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
