/** ioctl(2) on a file of msharefs. @source v3 18/22 msharefs_ioctl() */
import type { OpenFile } from '../../mm/file/open_file.ts';
import type { Task } from '../../mm/task.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { EBADF, EFAULT, EINVAL, ENOTTY } from '../../uapi/errno.ts';
import { type Caller, createMapping, unmap } from './objects.ts';
import { regionOfInode } from './region.ts';
import { decodeCreate, decodeUnmap, MSHAREFS } from './structures.ts';
import type { MshareVariant } from './variant.ts';

/**
 * A region without a size refuses even commands that there are not; then come what the argument points
 * to, and the command.
 *
 * @param argument what the program passes, as far as it can be read
 * @returns 0 or a negative errno
 */
export function* ioctl(
  variant: MshareVariant,
  task: Task,
  file: OpenFile | undefined,
  command: number,
  argument: Uint8Array | undefined,
  caller: Caller,
): Op<number> {
  const { machine } = task;
  if (file === undefined) return EBADF;
  const region = file.mapped && regionOfInode(machine, file.mapped.inode);
  if (region === undefined) return ENOTTY;
  yield reading(machine.objects.pages(region.inode));
  if (!region.isSized) return EINVAL;
  switch (command) {
    case MSHAREFS.CREATE_MAPPING: {
      const create = decodeCreate(argument);
      if (create === undefined) return EFAULT;
      return yield* createMapping(variant, task, region, create, caller);
    }
    case MSHAREFS.UNMAP: {
      const range = decodeUnmap(argument);
      if (range === undefined) return EFAULT;
      return yield* unmap(task, region, range, caller.isKilled);
    }
    default:
      return ENOTTY;
  }
}
