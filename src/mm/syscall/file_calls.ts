/** memfd_create(2), ftruncate(2) and fallocate(2). Descriptors are the caller's: calls take files. */
import { EBADF, EFBIG, EINVAL, ENODEV } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { designOf } from '../design/design.ts';
import { fallocateFile } from '../file/fallocate.ts';
import { newInode } from '../file/inode.ts';
import type { OpenFile } from '../file/open_file.ts';
import { setSize } from '../file/truncate.ts';
import { openHugetlbFile } from '../hugetlb/call.ts';
import { newHugetlbInode, setHugetlbSize } from '../hugetlb/file.ts';
import { hstateBySizeLog } from '../hugetlb/hstate.ts';
import type { Task } from '../task.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

/** @source uapi/linux/memfd.h */
const MFD = { CLOEXEC: 1, ALLOW_SEALING: 2, HUGETLB: 4, NOEXEC_SEAL: 8, EXEC: 16 } as const;
const MFD_ALL = MFD.CLOEXEC | MFD.ALLOW_SEALING | MFD.NOEXEC_SEAL | MFD.EXEC;
/** Behind `memfd:`. */
const NAME_MAX = 249;
/** MAX_LFS_FILESIZE */
const PAGES_MAX = 2 ** 51;

/**
 * @returns the file, or a negative errno
 * @source  mm/memfd.c sys_memfd_create() (Linux 6.18)
 * @omits   seals
 */
export function memfdCreate(task: Task, nameLength: number, flags: number): OpenFile | number {
  const { machine, cpu } = task;
  const isHuge = (flags & MFD.HUGETLB) !== 0;
  // With it, the highest bits say which size of pages.
  const known = isHuge ? MFD_ALL | MFD.HUGETLB | (0x3f << 26) : MFD_ALL;
  if (flags & ~known) return EINVAL;
  if ((flags & MFD.EXEC) !== 0 && (flags & MFD.NOEXEC_SEAL) !== 0) return EINVAL;
  if (nameLength > NAME_MAX) return EINVAL;
  if (isHuge) {
    const hstate = hstateBySizeLog(machine, flags);
    if (hstate === undefined) return ENODEV;
    return openHugetlbFile({ inode: newHugetlbInode(task, hstate) });
  }
  const inode = newInode(machine, cpu, { fileSystem: 'shmem' });
  return {
    mapped: { inode },
    isReadable: true,
    isWritable: true,
    isExecutable: true,
    pagesMax: PAGES_MAX,
  };
}

/**
 * @returns 0 or a negative errno
 * @source  fs/open.c do_sys_ftruncate() (Linux 6.18)
 */
export function* ftruncate(task: Task, file: OpenFile | undefined, length: number): Op<number> {
  if (length < 0) return EINVAL;
  if (file === undefined) return EBADF;
  const inode = file.mapped?.inode;
  if (inode === undefined || !file.isWritable) return EINVAL;
  if (Math.ceil(length / PAGE_BYTES) > file.pagesMax) return EFBIG;
  if (inode.hugetlb !== undefined) return yield* setHugetlbSize(task, inode, length);
  const { machine, cpu } = task;
  yield* lock(machine, cpu, machine.objects.inodeLock(inode.id), Rank.INODE);
  const truncate = designOf(machine, inode)?.truncate;
  const result = truncate && (yield* truncate(task, inode, length));
  if (truncate === undefined) yield* setSize(task, inode, length);
  yield* unlock(machine, cpu, machine.objects.inodeLock(inode.id), Rank.INODE);
  return result ?? 0;
}

/**
 * @returns 0 or a negative errno
 * @source  fs/open.c ksys_fallocate() (Linux 6.18)
 */
export function* fallocate(
  task: Task,
  file: OpenFile | undefined,
  mode: number,
  offset: number,
  length: number,
): Op<number> {
  if (file === undefined) return EBADF;
  return yield* fallocateFile(task, file, mode, offset, length);
}
