/**
 * SysV shared memory: shmget(2), shmat(2), shmdt(2), shmctl(2).
 *
 * @source ipc/shm.c (Linux 6.18)
 * @omits  keys, permissions, limits of the namespace but the smallest size; what
 *         SHM_LOCK does; numbers are reused at once
 */

import { EINVAL, ENOSPC } from '../../uapi/errno.ts';
import { MAP, PAGE_BYTES } from '../../uapi/mman.ts';
import { SHM, SHMCTL, SHMGET } from '../../uapi/shm.ts';
import { populate } from '../fault/populate.ts';
import type { Place } from '../file/filemap.ts';
import { type Inode, newInode } from '../file/inode.ts';
import type { Segment } from '../file/segment.ts';
import { closeInode } from '../file/shmem.ts';
import { roundUp } from '../hugetlb/call.ts';
import { newHugetlbSegment } from '../hugetlb/file.ts';
import { hstateBySizeLog } from '../hugetlb/hstate.ts';
import type { Task } from '../task.ts';
import { forgetEvents } from '../userfaultfd/events.ts';
import { asInt, isPageAligned, pageOf, pagesOf } from '../vma/pages.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { doMmap } from './mmap.ts';
import { unmapPages } from './munmap.ts';

/** A new private segment. @returns its number, or a negative errno */
export function* shmget(place: Place, bytes: number, flags: number): Op<number> {
  const { machine, cpu } = place;
  if (bytes < 1) return EINVAL;
  if (!hasRoom(place)) return ENOSPC;
  if ((flags & SHMGET.HUGETLB) !== 0) return yield* newHugeSegment(place, bytes, flags);
  const inode = newInode(machine, cpu, { fileSystem: 'shmem', bytes });
  return machine.segments.add(cpu, (id) => ({ id, inode, bytes, isDestroyed: false })).id;
}

/** Whether there may be another one (SHMMNI), when those that nobody has attached any more are gone. */
function hasRoom(place: Place): boolean {
  const { segments } = place.machine;
  if (segments.isFull) for (const { id } of segments.all()) findSegment(place, id);
  return !segments.isFull;
}

/** All pages are reserved at once, unless that is not wanted. @returns its number, or a negative errno */
function* newHugeSegment(place: Place, bytes: number, flags: number): Op<number> {
  const { machine, cpu } = place;
  const hstate = hstateBySizeLog(machine, flags);
  if (hstate === undefined) return EINVAL;
  const size = roundUp(bytes, hstate.pages) * PAGE_BYTES;
  const inode = yield* newHugetlbSegment(place, hstate, size, (flags & SHMGET.NORESERVE) !== 0);
  if (typeof inode === 'number') return inode;
  return machine.segments.add(cpu, (id) => ({ id, inode, bytes: size, isDestroyed: false })).id;
}

/** @returns the address, or a negative errno */
export function* shmat(task: Task, id: number, address: number, flags: number): Op<number> {
  const { machine, cpu, mm } = task;
  const isRemap = (flags & SHM.REMAP) !== 0;
  let start = address;
  if (start !== 0 && !isPageAligned(start)) {
    if ((flags & SHM.RND) === 0) return EINVAL;
    start = Math.floor(start / PAGE_BYTES) * PAGE_BYTES;
    if (start === 0 && isRemap) return EINVAL;
  } else if (start === 0 && isRemap) return EINVAL;
  const segment = findSegment(task, asInt(id));
  if (segment === undefined) return EINVAL;
  const isReadOnly = (flags & SHM.RDONLY) !== 0;
  const isExecuted = (flags & SHM.EXEC) !== 0;
  const held: Inode[] = [];
  yield* mmapWriteLock(machine, cpu, mm.id);
  const isTaken = start !== 0 && !isRemap && isMappedWithin(task, start, segment.bytes);
  const result = isTaken
    ? EINVAL
    : yield* doMmap(
        task,
        {
          address: start,
          length: segment.bytes,
          prot: VM.READ | (isReadOnly ? 0 : VM.WRITE) | (isExecuted ? VM.EXEC : 0),
          // What was rounded down to 0 is meant to be there.
          flags: MAP.SHARED | (address === 0 ? 0 : MAP.FIXED),
          // Each attachment is a file of its own: it never merges with another one.
          file: {
            mapped: { inode: segment.inode, isSegment: true },
            isReadable: true,
            isWritable: !isReadOnly,
            isExecutable: true,
            pagesMax: 2 ** 51,
          },
          offset: 0,
        },
        held,
      );
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  forgetEvents(task);
  yield* populateLocked(task, result, segment.bytes);
  for (const inode of held) yield* closeInode(task, inode);
  return result;
}

/** After mlockall(MCL_FUTURE) what is attached is faulted in. @param result of the call */
function* populateLocked(task: Task, result: number, bytes: number): Op<void> {
  if (result < 0 || (task.mm.defaultFlags & VM.LOCKED) === 0) return;
  yield* populate(task, pageOf(result), pageOf(result) + pagesOf(bytes));
}

function isMappedWithin({ mm }: Task, address: number, bytes: number): boolean {
  // What wraps around is refused in the same way.
  if (address < 0 && address + bytes >= 0) return true;
  const start = pageOf(address);
  return mm.vmas.within(start, start + pagesOf(bytes)).length > 0;
}

/** One that was removed stays until nobody has it attached any more: it can still be attached. */
function findSegment({ machine, cpu }: Place, id: number): Segment | undefined {
  const segment = machine.segments.find(id);
  if (segment === undefined || !segment.isDestroyed) return segment;
  if (segment.inode.mappings.size > 0) return segment;
  machine.segments.remove(cpu, id);
  return undefined;
}

/**
 * Detaches the segment that was attached at `address`: all that is left of it.
 *
 * @returns 0 or a negative errno
 */
export function* shmdt(task: Task, address: number): Op<number> {
  if (!isPageAligned(address)) return EINVAL;
  const { machine, cpu, mm } = task;
  const start = pageOf(address);
  yield* mmapWriteLock(machine, cpu, mm.id);
  yield reading(machine.objects.tree(mm.id));
  const isPart = (vma: Vma): boolean =>
    vma.file?.isSegment === true && vma.start - start === vma.pgoff;
  const first = mm.vmas.within(start, mm.layout.taskSize).find(isPart);
  if (first !== undefined) {
    const pages = pagesOf(first.file!.inode.bytes);
    const rest = mm.vmas
      .within(first.end, start + pages)
      .filter((vma) => isPart(vma) && vma.file === first.file && vma.end - start <= pages);
    for (const vma of [first, ...rest]) {
      yield* unmapPages(task, vma.start, vma.end - vma.start);
    }
  }
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  forgetEvents(task);
  return first === undefined ? EINVAL : 0;
}

/** Removes a segment when the last process detaches it, or locks it. @returns 0 or a negative errno */
export function* shmctl(task: Place, number: number, cmd: number): Op<number> {
  const [id, command] = [asInt(number), asInt(cmd)];
  const segment = findSegment(task, id);
  if (segment === undefined) return EINVAL;
  if (command === SHMCTL.SHM_LOCK || command === SHMCTL.SHM_UNLOCK) return 0;
  if (command !== SHMCTL.IPC_RMID) return EINVAL;
  if (!segment.isDestroyed) {
    segment.isDestroyed = true;
    yield* closeInode(task, segment.inode);
  }
  return 0;
}
