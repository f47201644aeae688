/** mmap(2). */

import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOMEM,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
} from '../../uapi/errno.ts';
import { MAP, MAP_SHARED_VALIDATE, MAP_TYPE, PAGE_BYTES } from '../../uapi/mman.ts';
import { vmOpsOf } from '../design/design.ts';
import { refusesSplit, taskWork } from '../design/seams.ts';
import { populate } from '../fault/populate.ts';
import type { Inode } from '../file/inode.ts';
import type { OpenFile } from '../file/open_file.ts';
import { closeInode, getInode, newShmem, putInode } from '../file/shmem.ts';
import { newAnonymousHugetlb, roundUp } from '../hugetlb/call.ts';
import { hugetlbMmap } from '../hugetlb/file.ts';
import type { Task } from '../task.ts';
import { completeEvents } from '../userfaultfd/events.ts';
import { mappedWithin, mayExpand } from '../vma/limits.ts';
import type { Mm } from '../vma/mm.ts';
import { isPageAligned, pageOf, pagesOf } from '../vma/pages.ts';
import { unmappedArea } from '../vma/unmapped_area.ts';
import { LOCKS, VM, VM_ACCESS, VM_SPECIAL, type Vma } from '../vma/vma.ts';
import { insertNew, mergeNew, type Proposal } from '../vma/vma_merge.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearAndFlush, detachWithin, splitAt } from './munmap.ts';

/** What MAP_SHARED_VALIDATE takes for known: LEGACY_MAP_MASK of x86, with the sizes of huge pages. */
const LEGACY_FLAGS = 0x7c07f9f3;

export interface MmapArguments {
  readonly address: number;
  readonly length: number;
  readonly prot: number;
  readonly flags: number;
  /** What the descriptor stands for, if it is open. */
  readonly file: OpenFile | undefined;
  readonly offset: number;
}

/** @returns the address in bytes, or a negative errno */
export function* mmap(task: Task, call: MmapArguments): Op<number> {
  const { machine, cpu, mm } = task;
  yield* mmapWriteLock(machine, cpu, mm.id);
  const held: Inode[] = [];
  const result = yield* doMmap(task, call, held);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  yield* completeEvents(task);
  if (machine.designs.length > 0) yield* taskWork(task);
  const isPopulated = (call.flags & (MAP.POPULATE | MAP.NONBLOCK)) === MAP.POPULATE;
  const isLocked = (call.flags & MAP.LOCKED) !== 0 || (mm.defaultFlags & VM.LOCKED) !== 0;
  if (result >= 0 && (isPopulated || isLocked)) {
    const start = pageOf(result);
    yield* populate(task, start, start + pagesOf(call.length));
  }
  for (const inode of held) yield* closeInode(task, inode);
  return result;
}

/**
 * Called under the mmap write lock.
 *
 * @param held gets the files that the call has replaced, for the caller to close when the call is over
 * @returns the address in bytes, or a negative errno
 */
export function* doMmap(task: Task, call: MmapArguments, held: Inode[]): Op<number> {
  const { flags, length, offset } = call;
  if (!isPageAligned(offset)) return EINVAL;
  const isAnonymous = (flags & MAP.ANONYMOUS) !== 0;
  if (!isAnonymous && call.file === undefined) return EBADF;
  const isHuge = call.file?.mapped?.inode.hugetlb !== undefined;
  if (!isAnonymous && (flags & MAP.HUGETLB) !== 0 && !isHuge) return EINVAL;
  if (isAnonymous && (flags & MAP.HUGETLB) !== 0) {
    const made = newAnonymousHugetlb(task, flags, length);
    if (made === EINVAL) return EINVAL;
    const result = yield* mapPlaced(task, call, made, held);
    if (result < 0) yield* putInode(task, made.mapped!.inode);
    return result;
  }
  return yield* mapPlaced(task, call, isAnonymous ? undefined : call.file, held);
}

/** Called under the mmap write lock. @returns the address in bytes, or a negative errno */
function* mapPlaced(
  task: Task,
  call: MmapArguments,
  file: OpenFile | undefined,
  held: Inode[],
): Op<number> {
  const { machine, cpu, mm } = task;
  const { length, offset } = call;
  if (length === 0) return EINVAL;
  const hstate = file?.mapped?.inode.hugetlb?.hstate;
  const pages = hstate === undefined ? pagesOf(length) : roundUp(length, hstate.pages);
  if (pages === 0) return hstate === undefined ? ENOMEM : EINVAL;
  if (mm.vmas.size > mm.layout.mapCountMax) return ENOMEM;
  const start = yield* placeFile(task, call, pages, file);
  if (start < 0) return start;
  const vmFlags = flagsOf(mm, { ...call, length: pages * PAGE_BYTES }, file);
  if (vmFlags < 0) return vmFlags;
  const isShared = (vmFlags & VM.MAYSHARE) !== 0;
  // Shared anonymous memory is a file that nobody else has.
  const own = file === undefined && isShared ? newShmem(machine, cpu, pages) : undefined;
  const result = yield* mapRegion(
    task,
    {
      start,
      end: start + pages,
      flags: vmFlags | (vmOpsOf(machine, { file: file?.mapped })?.vmFlags ?? 0),
      file: file?.mapped ?? (own && { inode: own }),
      pgoff: file === undefined ? (isShared ? 0 : start) : pageOf(offset),
      anonVma: undefined,
      chain: [],
    },
    held,
  );
  if (result < 0 && own !== undefined) yield* putInode(task, own);
  return result;
}

/** @returns a page, or a negative errno */
function* placeFile(
  task: Task,
  call: MmapArguments,
  pages: number,
  file: OpenFile | undefined,
): Op<number> {
  const ask = file?.mapped && vmOpsOf(task.machine, { file: file.mapped })?.place;
  if (ask === undefined) return placeFor(task.mm, call, pages, file);
  const { address, flags } = call;
  const isFixed = (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) !== 0;
  const isPrivate = (flags & MAP_TYPE) === MAP.PRIVATE;
  const start = yield* ask(task, file!.mapped!, { address, pages, isFixed, isPrivate });
  if (start < 0) return start;
  return isTaken(task.mm, flags, start, pages) ? EEXIST : start;
}

/**
 * Where a call would map. Called under the mmap lock.
 *
 * @returns a page, or a negative errno
 */
export function placeFor(
  mm: Mm,
  { address, flags, offset }: MmapArguments,
  pages: number,
  file: OpenFile | undefined,
): number {
  const isFixed = (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) !== 0;
  if (isFixed && pages <= mm.layout.taskSize && address < 0 && address > -PAGE_BYTES) {
    // The kernel takes such an address for an error of its own.
    return address;
  }
  const wish = pageOf(address);
  const start = unmappedArea(mm, {
    address: isFixed || wish === 0 ? wish : Math.max(wish, mm.layout.minAddress),
    pages,
    inode: file?.mapped?.inode,
    isShared: file === undefined && (flags & MAP.SHARED) !== 0,
    pgoff: pageOf(offset),
    isFixed,
    is32Bit: (flags & MAP['32BIT']) !== 0,
  });
  if (start < 0) return start;
  if (isFixed && !isPageAligned(address)) {
    // To the byte, it may be too high even so.
    return start === mm.layout.taskSize - pages ? ENOMEM : EINVAL;
  }
  return isTaken(mm, flags, start, pages) ? EEXIST : start;
}

const isTaken = (mm: Mm, flags: number, start: number, pages: number): boolean =>
  (flags & MAP.FIXED_NOREPLACE) !== 0 && mm.vmas.within(start, start + pages).length > 0;

/** @returns vm_flags, or a negative errno */
function flagsOf(mm: Mm, call: MmapArguments, file: OpenFile | undefined): number {
  const { flags, prot } = call;
  let vmFlags = (prot & VM_ACCESS) | VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC | mm.defaultFlags;
  if (flags & MAP.GROWSDOWN) vmFlags |= VM.GROWSDOWN;
  if (flags & MAP.LOCKED) vmFlags |= VM.LOCKED;
  if (flags & MAP.SYNC) vmFlags |= VM.SYNC;
  if (flags & MAP.STACK) vmFlags |= VM.NOHUGEPAGE;
  if (flags & MAP.NORESERVE) vmFlags |= VM.NORESERVE;
  return file === undefined ? anonymousFlags(flags, vmFlags) : fileFlags(call, file, vmFlags);
}

function anonymousFlags(flags: number, vmFlags: number): number {
  switch (flags & MAP_TYPE) {
    case MAP.PRIVATE:
      return vmFlags;
    case MAP.SHARED:
      if (flags & MAP.GROWSDOWN) return EINVAL;
      return vmFlags | VM.SHARED | VM.MAYSHARE;
    case MAP.DROPPABLE:
      if (flags & MAP.LOCKED || vmFlags & VM.GROWSDOWN) return EINVAL;
      return (vmFlags & ~LOCKS) | VM.DROPPABLE | VM.NORESERVE | VM.WIPEONFORK | VM.DONTDUMP;
    default:
      return EINVAL;
  }
}

function fileFlags(
  { flags, prot, length, offset }: MmapArguments,
  file: OpenFile,
  vmFlags: number,
): number {
  if (pageOf(offset) + pagesOf(length) > file.pagesMax) return EOVERFLOW;
  const type = flags & MAP_TYPE;
  if (type === 0 || type > MAP_SHARED_VALIDATE) return EINVAL;
  let result = vmFlags;
  if (type !== MAP.PRIVATE) {
    const isKnown = flags === (flags & LEGACY_FLAGS);
    if (type === MAP_SHARED_VALIDATE && !isKnown) return EOPNOTSUPP;
    if (prot & VM.WRITE && !file.isWritable) return EACCES;
    result |= VM.MAYSHARE;
    if (file.isWritable) result |= VM.SHARED;
    else result &= ~VM.MAYWRITE;
  }
  if (!file.isReadable) return EACCES;
  if (!file.isExecutable) {
    if (result & VM.EXEC) return EPERM;
    result &= ~VM.MAYEXEC;
  }
  if (file.mapped === undefined) return ENODEV;
  return flags & MAP.GROWSDOWN ? EINVAL : result;
}

function* mapRegion(task: Task, proposal: Proposal, held: Inode[]): Op<number> {
  const { start, end, file } = proposal;
  if (refusesSplit(task, start, end)) return EINVAL;
  const isHuge = file?.inode.hugetlb !== undefined;
  const error = yield* splitAt(task, start, end);
  if (error < 0) return error;
  const added = end - start - mappedWithin(task.mm, start, end);
  if (!mayExpand(task.mm, proposal.flags, added)) return ENOMEM;
  const account = VM.NORESERVE | VM.SHARED | VM.WRITE;
  const isPromised = !isHuge && (proposal.flags & account) === VM.WRITE;
  if (isPromised && !task.mm.canCommit(end - start)) return ENOMEM;
  const removed = yield* detachWithin(task, start, end);
  if (isHuge) return yield* mapHuge(task, proposal, removed, held);
  yield* clearAndFlush(task, removed, start, end);
  // A file of nobody else is promised when it is made, after what it was to replace has gone.
  const isOwnFile = proposal.file !== undefined && proposal.file.inode.references === 0;
  const isReserved = (proposal.flags & VM.NORESERVE) === 0;
  if (isOwnFile && isReserved && !task.mm.canCommit(end - start)) return ENOMEM;
  const isLockable = (proposal.flags & VM_SPECIAL) === 0;
  const wanted = isLockable ? proposal.flags : proposal.flags & ~LOCKS;
  const vmFlags = isPromised ? wanted | VM.ACCOUNT : wanted;
  // What may be dropped is not locked in the end, but its neighbours are compared with it as if it were.
  const isUnlike = (vmFlags & VM.DROPPABLE) !== 0 && (task.mm.defaultFlags & VM.LOCKED) !== 0;
  yield* (isUnlike ? insertNew : mapFree)(task, { ...proposal, flags: vmFlags });
  if ((vmFlags & VM.LOCKED) !== 0) task.mm.lockedPages += end - start;
  return start * PAGE_BYTES;
}

/**
 * Maps huge pages in place of `removed`. The files of those go when the call is over, with what it
 * populates: till then they keep what they have reserved.
 */
function* mapHuge(
  task: Task,
  proposal: Proposal,
  removed: readonly Vma[],
  held: Inode[],
): Op<number> {
  const { start, end, pgoff, flags } = proposal;
  for (const { file } of removed) {
    if (file === undefined) continue;
    yield* getInode(task, file.inode);
    held.push(file.inode);
  }
  yield* clearAndFlush(task, removed, start, end);
  const hugetlb = yield* hugetlbMmap(task, proposal.file!, pgoff, end - start, flags);
  const own = (flags | VM.HUGETLB | VM.DONTEXPAND) & ~(VM.LOCKED | VM.LOCKONFAULT);
  if (typeof hugetlb !== 'number') yield* mapFree(task, { ...proposal, flags: own, hugetlb });
  return typeof hugetlb === 'number' ? hugetlb : start * PAGE_BYTES;
}

/** Maps space that is free, in a neighbour or by a VMA of its own. */
export function* mapFree(task: Task, proposal: Proposal): Op<Vma> {
  const merged = yield* mergeNew(task, proposal);
  return merged ?? (yield* insertNew(task, proposal));
}
