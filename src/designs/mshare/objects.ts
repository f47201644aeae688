/**
 * What is in a region: VMAs of its host, put there and taken out through the file.
 *
 * Both forms of the interface, ioctls and system calls, end here.
 *
 * @source v3 18/22 msharefs_create_mapping(), 19/22 msharefs_unmap(), 20/22
 */
import type { Inode } from '../../mm/file/inode.ts';
import type { OpenFile } from '../../mm/file/open_file.ts';
import { closeInode } from '../../mm/file/shmem.ts';
import { doMmap } from '../../mm/syscall/mmap.ts';
import { unmapPages } from '../../mm/syscall/munmap.ts';
import type { Task } from '../../mm/task.ts';
import { isPageAligned, pageOf, pagesOf } from '../../mm/vma/pages.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { EBADF, EINTR, EINVAL } from '../../uapi/errno.ts';
import { MAP, PAGE_BYTES } from '../../uapi/mman.ts';
import { alignment, inHost, MSHARE, type Region } from './region.ts';
import type { MshareCreate, MshareUnmap } from './structures.ts';
import type { MshareVariant } from './variant.ts';

/** What descriptors stand for. */
export type FileTable = (fd: number) => OpenFile | undefined;

/** Who calls. */
export interface Caller {
  readonly files: FileTable;
  /** Whether a signal kills it, if it has to wait for the host. */
  readonly isKilled?: boolean;
}

/**
 * Maps an object into a region, in place of what is there. Called on a region that has a size.
 *
 * @returns 0 or a negative errno
 * @locks   mmap (write) of the host
 * @omits   hugetlb, security modules; populating is not asked for in v3 either
 */
export function* createMapping(
  { objects }: MshareVariant,
  task: Task,
  region: Region,
  create: MshareCreate,
  { files, isKilled = false }: Caller,
): Op<number> {
  const { machine, cpu } = task;
  const { regionOffset, size, flags, fd } = create;
  if (regionOffset >= region.bytes) return EINVAL;
  if ((flags & (MAP.SHARED | MAP.FIXED)) !== (MAP.SHARED | MAP.FIXED)) return EINVAL;
  const isAnonymous = (flags & MAP.ANONYMOUS) !== 0;
  if (objects === 'anonymous' && fd !== -1) return EINVAL;
  const file = isAnonymous ? undefined : files(fd);
  if (!isAnonymous && file === undefined) return EBADF;
  if ((flags & MAP.HUGETLB) !== 0) return EINVAL;
  if (file?.mapped?.design === MSHARE) return EINVAL;
  if (regionOffset + size > region.bytes) return EINVAL;
  if (isKilled) return EINTR;
  yield* mmapWriteLock(machine, cpu, region.host);
  const held: Inode[] = [];
  const result = yield* doMmap(
    inHost(task, region),
    {
      address: alignment(machine.format) * PAGE_BYTES + regionOffset,
      length: size,
      prot: create.prot,
      flags,
      file,
      offset: create.offset,
    },
    held,
  );
  yield* mmapWriteUnlock(machine, cpu, region.host);
  for (const inode of held) yield* closeInode(task, inode);
  return Math.min(result, 0);
}

/**
 * Takes objects out of a region. Called on a region that has a size.
 *
 * @returns 0 or a negative errno
 * @locks   mmap (write) of the host, and what unmapping needs
 */
export function* unmap(
  task: Task,
  region: Region,
  { regionOffset, size }: MshareUnmap,
  isKilled = false,
): Op<number> {
  const { machine, cpu } = task;
  const { bytes } = region;
  if (size > bytes || regionOffset >= bytes || regionOffset + size > bytes) return EINVAL;
  if (isKilled) return EINTR;
  yield* mmapWriteLock(machine, cpu, region.host);
  const start = alignment(machine.format) + pageOf(regionOffset);
  const result = isPageAligned(regionOffset)
    ? yield* unmapPages(inHost(task, region), start, pagesOf(size))
    : EINVAL;
  yield* mmapWriteUnlock(machine, cpu, region.host);
  return result;
}
