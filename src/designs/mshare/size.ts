/**
 * The size of a region: set once, by ftruncate(2) or fallocate(2), to whole 512 GiB.
 *
 * A size of 0 passes all checks and is the one that stays: so does O_TRUNC on a new file.
 *
 * @source v3 05/22 msharefs_set_size(), msharefs_fallocate(), msharefs_setattr()
 */
import type { Place } from '../../mm/file/filemap.ts';
import type { Inode } from '../../mm/file/inode.ts';
import type { Task } from '../../mm/task.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { writing } from '../../mm/world/point.ts';
import { EFBIG, EINVAL, EOPNOTSUPP } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { alignment, regionOfInode } from './region.ts';

/** One more than s_maxbytes, MAX_LFS_FILESIZE. */
const BYTES_END = 2 ** 63;

/** Called under the inode lock. @returns 0, EFBIG or EINVAL */
export function* truncate({ machine, mm }: Task, inode: Inode, bytes: number): Op<number> {
  if (bytes > (mm.layout.fileLimit ?? bytes) || bytes >= BYTES_END) return EFBIG;
  return yield* setBytes({ machine }, inode, bytes);
}

/**
 * @returns 0 or a negative errno
 * @locks   the inode lock
 * @omits   RLIMIT_FSIZE of fallocate(2)
 */
export function* allocate(
  { machine, cpu }: Place,
  inode: Inode,
  mode: number,
  offset: number,
  length: number,
): Op<number> {
  if (mode !== 0) return EOPNOTSUPP;
  if (offset !== 0) return EINVAL;
  const guard = machine.objects.inodeLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.INODE);
  const result = yield* setBytes({ machine }, inode, length);
  yield* unlock(machine, cpu, guard, Rank.INODE);
  return result;
}

/** Called under the inode lock. @returns 0 or EINVAL */
function* setBytes({ machine }: Pick<Task, 'machine'>, inode: Inode, bytes: number): Op<number> {
  const region = regionOfInode(machine, inode)!;
  yield writing(machine.objects.pages(inode.id));
  if (region.isSized || bytes % (alignment(machine.format) * PAGE_BYTES) !== 0) return EINVAL;
  region.isSized = true;
  region.bytes = bytes;
  inode.bytes = bytes;
  return 0;
}
