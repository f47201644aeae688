/**
 * The system-call form: create, attach and detach a region; map, unmap and protect what is in it.
 *
 * Announced in February 2026 in place of the file system and its ioctls, after feedback from the
 * maintainers of mm ("not ioctls anymore", Pedro Falcato). No patch is known: names and arguments are
 * those of the ioctls. The mechanism is the same, and so are the errors.
 */

import type { OpenFile } from '../../mm/file/open_file.ts';
import { closeInode } from '../../mm/file/shmem.ts';
import { ftruncate } from '../../mm/syscall/file_calls.ts';
import { mmap } from '../../mm/syscall/mmap.ts';
import { mprotect } from '../../mm/syscall/mprotect.ts';
import { munmap } from '../../mm/syscall/munmap.ts';
import type { Task } from '../../mm/task.ts';
import type { Op } from '../../mm/world/op.ts';
import { EBADF, EINVAL } from '../../uapi/errno.ts';
import { MAP, PAGE_BYTES, PROT_RW } from '../../uapi/mman.ts';
import { type Caller, createMapping, unmap } from './objects.ts';
import { alignment, inHost, MSHARE, newRegion, type Region, regionOfInode } from './region.ts';
import type { MshareCreate, MshareUnmap } from './structures.ts';
import type { MshareVariant } from './variant.ts';

const PAGES_MAX = 2 ** 51;

/** @returns a file that nothing else names, or a negative errno */
export function* mshareCreate(task: Task, bytes: number): Op<OpenFile | number> {
  const region = yield* newRegion(task);
  if (typeof region === 'number') return region;
  const file: OpenFile = {
    mapped: { inode: task.machine.inodes.get(region.inode), design: MSHARE },
    isReadable: true,
    isWritable: true,
    isExecutable: true,
    pagesMax: PAGES_MAX,
  };
  const error = bytes > 0 ? yield* ftruncate(task, file, bytes) : EINVAL;
  if (error === 0) return file;
  yield* closeInode(task, file.mapped!.inode);
  return error;
}

/** @returns where it is attached, in bytes, or a negative errno */
export function* mshareAttach(task: Task, file: OpenFile, address = 0): Op<number> {
  const region = regionOf(task, file);
  if (region === undefined) return EBADF;
  return yield* mmap(task, {
    address,
    length: region.bytes,
    prot: PROT_RW,
    flags: MAP.SHARED | (address === 0 ? 0 : MAP.FIXED),
    file,
    offset: 0,
  });
}

/** @returns 0, or EINVAL if no region is attached at `address` */
export function* mshareDetach(task: Task, address: number): Op<number> {
  const vma = task.mm.vmas.at(address / PAGE_BYTES);
  if (vma?.file?.design !== MSHARE || vma.start * PAGE_BYTES !== address) return EINVAL;
  return yield* munmap(task, address, (vma.end - vma.start) * PAGE_BYTES);
}

/** @returns 0 or a negative errno */
export function* mshareMap(
  variant: MshareVariant,
  task: Task,
  file: OpenFile,
  create: MshareCreate,
  caller: Caller,
): Op<number> {
  const region = regionOf(task, file);
  return region === undefined ? EBADF : yield* createMapping(variant, task, region, create, caller);
}

/** @returns 0 or a negative errno */
export function* mshareUnmap(task: Task, file: OpenFile, range: MshareUnmap): Op<number> {
  const region = regionOf(task, file);
  return region === undefined ? EBADF : yield* unmap(task, region, range);
}

/** @returns 0 or a negative errno */
export function* mshareProtect(
  task: Task,
  file: OpenFile,
  { regionOffset, size }: MshareUnmap,
  prot: number,
): Op<number> {
  const region = regionOf(task, file);
  if (region === undefined) return EBADF;
  if (regionOffset >= region.bytes || regionOffset + size > region.bytes) return EINVAL;
  const base = alignment(task.machine.format) * PAGE_BYTES;
  return yield* mprotect(inHost(task, region), base + regionOffset, size, prot);
}

const regionOf = ({ machine }: Task, { mapped }: OpenFile): Region | undefined =>
  mapped && regionOfInode(machine, mapped.inode);
