/**
 * Calls on a part of an attached region, made on what the region has there.
 *
 * Matthew Wilcox, 8 September 2025: what lies inside the range passes through to the shared VMAs, what
 * crosses its ends is an error. munmap(2) of the whole region still detaches it: Pedro Falcato,
 * February 2026, calls munmap(2) of a part ambiguous, and wants calls of their own.
 *
 * The call is made without locks of the guest: those of the host come after them, and the host may be
 * changed by anybody anyway. A reference keeps the region meanwhile.
 */
import { closeInode, getInode } from '../../mm/file/shmem.ts';
import type { Task } from '../../mm/task.ts';
import { pageOf, pagesOf } from '../../mm/vma/pages.ts';
import { mmapReadLock, mmapReadUnlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { EINVAL } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { hostPage, inHost, MSHARE, regionOf } from './region.ts';

/**
 * @returns the result of the call, or `undefined` if it is about other memory, or all of a region
 * @locks   mmap (read) of the guest, dropped before the call
 */
export function* passCall(
  task: Task,
  address: number,
  length: number,
  call: (task: Task, address: number) => Op<number>,
): Op<number | undefined> {
  const { machine, cpu, mm } = task;
  const start = pageOf(address);
  const end = start + pagesOf(length);
  yield* mmapReadLock(machine, cpu, mm.id);
  yield reading(machine.objects.tree(mm.id));
  const guest = mm.vmas.within(start, end).find(({ file }) => file?.design === MSHARE);
  const isWhole = guest !== undefined && start <= guest.start && end >= guest.end;
  const isInside = guest !== undefined && start >= guest.start && end <= guest.end;
  if (isInside && !isWhole) yield* getInode(task, guest.file!.inode);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  if (guest === undefined || isWhole) return undefined;
  if (!isInside) return EINVAL;
  const offset = address - start * PAGE_BYTES;
  const region = regionOf(machine, guest);
  const at = hostPage(machine, guest, start) * PAGE_BYTES + offset;
  const result = yield* call(inHost(task, region), at);
  yield* closeInode(task, guest.file!.inode);
  return result;
}
