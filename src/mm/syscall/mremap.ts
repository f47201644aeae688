/** mremap(2), as of Linux 6.17: a fixed move that keeps the size takes all VMAs of its range. */

import { assert } from '../../base/assert.ts';
import { EFAULT, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { MREMAP, PAGE_BYTES } from '../../uapi/mman.ts';
import { Change, vmOpsOf } from '../design/design.ts';
import { afterChange, beforeChange, taskWork } from '../design/seams.ts';
import { populate } from '../fault/populate.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { moveHugetlbPageTables } from '../hugetlb/move.ts';
import { clearResvMap, openHugetlb } from '../hugetlb/reserve.ts';
import { movePageTables } from '../table/move_page_tables.ts';
import type { Task } from '../task.ts';
import { completeEvents, mremapUserfaultfd } from '../userfaultfd/events.ts';
import { mayExpand } from '../vma/limits.ts';
import type { Mm } from '../vma/mm.ts';
import { isPageAligned, pageOf, pagesOf, wrap } from '../vma/pages.ts';
import { unmappedArea } from '../vma/unmapped_area.ts';
import { isAnonymous, pgoffAt, VM, type Vma } from '../vma/vma.ts';
import { vmaStartWrite } from '../vma/vma_lock.ts';
import { dropAnonVmas, insertNew, mergeNew } from '../vma/vma_merge.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { unmapPages } from './munmap.ts';

/** A move may need so many VMAs more, and is refused below that. */
const SPARE_VMAS = 3;
const FLAGS = MREMAP.MAYMOVE | MREMAP.FIXED | MREMAP.DONTUNMAP;

export interface MremapArguments {
  readonly address: number;
  readonly oldLength: number;
  readonly newLength: number;
  readonly flags: number;
  readonly newAddress: number;
}

/** What is asked for, in pages. */
interface Move {
  readonly start: number;
  readonly oldPages: number;
  readonly newPages: number;
  readonly flags: number;
  /** 0 if there is no wish. */
  readonly target: number;
  /** In bytes, as it was given, whether or not it is a wish. */
  readonly newAddress: number;
}

/** @returns the address in bytes, or a negative errno */
export function* mremap(task: Task, call: MremapArguments): Op<number> {
  const { machine, cpu, mm } = task;
  const { flags } = call;
  const isPlaced = (flags & (MREMAP.FIXED | MREMAP.DONTUNMAP)) !== 0;
  const move: Move = {
    start: pageOf(call.address),
    oldPages: pagesOf(call.oldLength),
    newPages: pagesOf(call.newLength),
    flags,
    target: isPlaced ? pageOf(call.newAddress) : 0,
    newAddress: call.newAddress,
  };
  yield* mmapWriteLock(machine, cpu, mm.id);
  const error = refusal(mm, call, move);
  const result = error < 0 ? error : yield* perform(task, move, isPlaced);
  // What has come to a VMA that is locked is faulted in.
  const isLocked = result >= 0 && ((mm.vmas.at(result)?.flags ?? 0) & VM.LOCKED) !== 0;
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  yield* completeEvents(task);
  if (machine.designs.length > 0) yield* taskWork(task);
  if (isLocked && move.newPages > move.oldPages) {
    yield* populate(task, result + move.oldPages, result + move.newPages);
  }
  return result < 0 ? result : result * PAGE_BYTES;
}

function refusal(mm: Mm, call: MremapArguments, move: Move): number {
  const { flags, oldPages, newPages, start, target } = move;
  const { taskSize, mapCountMax } = mm.layout;
  // An unsigned long: bits above the 32nd count.
  if (flags !== (flags & FLAGS)) return EINVAL;
  if (!isPageAligned(call.address)) return EINVAL;
  if (newPages === 0 || newPages > taskSize) return EINVAL;
  if ((flags & (MREMAP.FIXED | MREMAP.DONTUNMAP)) === 0) return 0;
  if (target > taskSize - newPages || !isPageAligned(call.newAddress)) return EINVAL;
  if ((flags & MREMAP.MAYMOVE) === 0) return EINVAL;
  if (flags & MREMAP.DONTUNMAP && oldPages !== newPages) return EINVAL;
  // Asked of a place that nobody gave, too.
  const isOverlap = wrap(start + oldPages) > target && target + newPages > start;
  if (isOverlap) return EINVAL;
  return mm.vmas.size + 2 >= mapCountMax - SPARE_VMAS ? ENOMEM : 0;
}

function* perform(task: Task, move: Move, isPlaced: boolean): Op<number> {
  const { start } = move;
  if (move.flags & MREMAP.FIXED && move.oldPages === move.newPages)
    return yield* moveAll(task, move);
  const vma = task.mm.vmas.at(start);
  if (vma === undefined) return EFAULT;
  if (!isHugetlb(vma)) return yield* performOn(task, vma, move, isPlaced);
  const aligned = alignHugetlb(vma, move);
  return aligned === undefined ? EINVAL : yield* performOn(task, vma, aligned, isPlaced);
}

/** In whole huge pages, without growing; or `undefined`. @source mm/mremap.c align_hugetlb() */
function alignHugetlb(vma: Vma, move: Move): Move | undefined {
  const { pages } = hstateOf(vma);
  // The new address has to be right even if nobody asks for it.
  if (move.start % pages > 0 || move.newAddress % (pages * PAGE_BYTES) !== 0) return undefined;
  const oldPages = Math.ceil(move.oldPages / pages) * pages;
  const newPages = Math.ceil(move.newPages / pages) * pages;
  const isRefused = newPages > oldPages || (move.flags & MREMAP.DONTUNMAP) !== 0;
  return isRefused ? undefined : { ...move, oldPages, newPages };
}

function* performOn(task: Task, vma: Vma, move: Move, isPlaced: boolean): Op<number> {
  const { start, oldPages, newPages } = move;
  if (isPlaced || newPages > oldPages) {
    const error = extentRefusal(vma, move);
    if (error < 0) return error;
    const isLeft = (move.flags & MREMAP.DONTUNMAP) !== 0;
    const added = isLeft ? oldPages : Math.max(0, newPages - oldPages);
    if (!mayExpand(task.mm, vma.flags, added)) return ENOMEM;
  }
  if (isPlaced) return yield* moveTo(task, move);
  if (newPages > oldPages) return yield* expand(task, vma, move);
  if (newPages === oldPages) return start;
  const error = yield* unmapPages(task, start + newPages, oldPages - newPages);
  return error < 0 ? error : start;
}

/** What is to be moved or to grow lies in one VMA. */
function extentRefusal(vma: Vma, { start, oldPages, newPages, flags }: Move): number {
  const isShared = (vma.flags & (VM.SHARED | VM.MAYSHARE)) !== 0;
  if (oldPages === 0 && !isShared) return EINVAL;
  const mayExpand = (vma.flags & (VM.DONTEXPAND | VM.PFNMAP)) === 0;
  if (flags & MREMAP.DONTUNMAP && !mayExpand) return EINVAL;
  if (Math.min(oldPages, newPages) > vma.end - start) return EFAULT;
  return newPages > oldPages && !mayExpand ? EFAULT : 0;
}

/**
 * VMA by VMA; the holes between them keep what is at the new place.
 *
 * @source mm/mremap.c remap_move(), vma_multi_allowed() (Linux 6.18)
 */
function* moveAll(task: Task, move: Move): Op<number> {
  const end = wrap(move.start + move.oldPages);
  const extents = task.mm.vmas
    .within(move.start, end)
    .map(({ start, end: last, file, userfaultfd }) => ({
      from: Math.max(start, move.start),
      to: Math.min(last, end),
      isAlone: file?.isSegment === true || userfaultfd !== undefined,
    }));
  if (extents[0]?.from !== move.start) return EFAULT;
  for (const { from, to, isAlone } of extents) {
    if (isAlone && (from > move.start || to < end)) return EFAULT;
    const target = move.target + from - move.start;
    const pages = to - from;
    const part = {
      ...move,
      start: from,
      oldPages: pages,
      newPages: pages,
      target,
      newAddress: target * PAGE_BYTES,
    };
    const vma = task.mm.vmas.at(from);
    const aligned = vma !== undefined && isHugetlb(vma) ? alignHugetlb(vma, part) : part;
    if (aligned === undefined) return EINVAL;
    const result = yield* moveTo(task, aligned);
    if (result < 0) return result;
  }
  return move.target;
}

function* moveTo(task: Task, move: Move): Op<number> {
  const { start, oldPages, newPages, flags, target } = move;
  if (flags & MREMAP.FIXED) {
    const error = yield* unmapPages(task, target, newPages);
    if (error < 0) return error;
    // A length that wraps around does not overlap, but its start may have gone.
    if (task.mm.vmas.at(start) === undefined) return EFAULT;
  }
  if (oldPages > newPages) {
    const error = yield* unmapPages(task, start + newPages, oldPages - newPages);
    if (error < 0) return error;
  }
  const vma = task.mm.vmas.at(start);
  assert(vma !== undefined, 'what is to be moved is mapped');
  return yield* relocate(task, vma, { ...move, oldPages: Math.min(oldPages, newPages) });
}

/** In place if it can be, elsewhere if it may be. */
function* expand(task: Task, vma: Vma, move: Move): Op<number> {
  const { start, oldPages, newPages, flags } = move;
  const end = start + newPages;
  const isRoom =
    start + oldPages === vma.end &&
    end <= task.mm.layout.taskSize &&
    task.mm.vmas.within(vma.end, end).length === 0;
  if (!isRoom) return flags & MREMAP.MAYMOVE ? yield* relocate(task, vma, move) : ENOMEM;
  if (vma.flags & VM.ACCOUNT && !task.mm.canCommit(newPages - oldPages)) return ENOMEM;
  const pgoff = vma.pgoff + (vma.end - vma.start);
  const grown = yield* mergeNew(task, { ...vma, start: vma.end, end, pgoff, chain: [] });
  if (grown === undefined) return ENOMEM;
  if ((vma.flags & VM.LOCKED) !== 0) task.mm.lockedPages += newPages - oldPages;
  return start;
}

/** Maps `newPages` elsewhere with what is at `start`, and unmaps that. */
function* relocate(task: Task, vma: Vma, move: Move): Op<number> {
  const { mm } = task;
  const { start, oldPages, newPages, flags } = move;
  if (vmOpsOf(task.machine, vma)?.mayMove === false) return EINVAL;
  const target = yield* placeMoved(task, vma, move);
  if (target < 0) return target;
  if (task.mm.vmas.size >= task.mm.layout.mapCountMax - SPARE_VMAS) return ENOMEM;
  const isLeft = (flags & MREMAP.DONTUNMAP) !== 0;
  const promised = isLeft ? newPages : newPages - oldPages;
  if (vma.flags & VM.ACCOUNT && !task.mm.canCommit(promised)) return ENOMEM;
  yield* vmaStartWrite(task.machine, mm, vma);
  const isLocked = (vma.flags & VM.LOCKED) !== 0;
  const copy = yield* copyVma(task, vma, start, target, newPages);
  const isMoved = yield* moveData(task, copy, start, target, oldPages);
  if (!isMoved) {
    yield* unmapPages(task, target, newPages);
    return ENOMEM;
  }
  yield* mremapUserfaultfd(task, copy.to, start, target, oldPages);
  // Never taken back from what MREMAP_DONTUNMAP leaves behind, though that is unlocked.
  if (isLocked) mm.lockedPages += newPages;
  if (isLeft) yield* leaveEmpty(task, copy.to, start, oldPages);
  else if (oldPages > 0) yield* unmapPages(task, start, oldPages);
  return target;
}

/** @returns a page, or a negative errno */
function* placeMoved(task: Task, vma: Vma, move: Move): Op<number> {
  const isFixed = (move.flags & MREMAP.FIXED) !== 0;
  const pages = move.newPages;
  const place = vmOpsOf(task.machine, vma)?.place;
  if (place !== undefined) {
    const address = move.target * PAGE_BYTES;
    return yield* place(task, vma.file!, { address, pages, isFixed, isPrivate: false });
  }
  return unmappedArea(task.mm, {
    address: move.target,
    pages,
    inode: vma.file?.inode,
    isShared: (vma.flags & VM.MAYSHARE) !== 0,
    pgoff: pgoffAt(vma, move.start),
    isFixed,
    is32Bit: false,
  });
}

/** What is copied, and to what. */
interface Copy {
  readonly from: Vma;
  readonly to: Vma;
  readonly needsRmapLocks: boolean;
}

/**
 * Maps `pages` pages at `target` by what is at `start` of `vma`.
 *
 * @source mm/vma.c copy_vma() (Linux 6.18)
 */
function* copyVma(task: Task, vma: Vma, start: number, target: number, pages: number): Op<Copy> {
  const { flags, file, anonVma, chain, userfaultfd } = vma;
  const isUnwritten = isAnonymous(vma) && anonVma === undefined;
  const pgoff = isUnwritten ? target : pgoffAt(vma, start);
  const range = { start: target, end: target + pages };
  const proposal = { ...range, flags, file, pgoff, anonVma, chain, userfaultfd };
  const merged = yield* mergeNew(task, proposal);
  if (merged === undefined) {
    const to = yield* insertNew(task, proposal);
    if (isHugetlb(vma)) openHugetlb(task, to, vma, false);
    return { from: vma, to, needsRmapLocks: false };
  }
  // It may have merged with the source itself, where nothing is to be found by rmap yet.
  const from = merged.start <= start && start < merged.end ? merged : vma;
  return { from, to: merged, needsRmapLocks: merged.pgoff <= from.pgoff };
}

/**
 * Moves the pages; those that were moved are taken back if memory for tables is exhausted.
 *
 * @source mm/mremap.c copy_vma_and_data() (Linux 6.18)
 */
function* moveData(
  task: Task,
  { from, to, needsRmapLocks }: Copy,
  start: number,
  target: number,
  pages: number,
): Op<boolean> {
  const hasDesigns = task.machine.designs.length > 0;
  if (hasDesigns) {
    yield* beforeChange(task, from, start, start + pages, Change.MOVE_FROM);
    yield* beforeChange(task, to, target, target + pages, Change.MOVE_TO);
  }
  const isMoved = yield* movePages(task, { from, to, needsRmapLocks }, start, target, pages);
  if (hasDesigns) {
    yield* afterChange(task, to);
    yield* afterChange(task, from);
  }
  return isMoved;
}

function* movePages(
  task: Task,
  { from, to, needsRmapLocks }: Copy,
  start: number,
  target: number,
  pages: number,
): Op<boolean> {
  if (isHugetlb(from)) {
    const isMoved = yield* moveHugetlbPageTables(task, from, start, target, pages);
    yield* clearResvMap(task, from);
    return isMoved;
  }
  const moved = yield* movePageTables(task, { from, to, start, target, pages, needsRmapLocks });
  if (moved === pages) return true;
  yield* movePageTables(task, {
    from: to,
    to: from,
    start: target,
    target: start,
    pages: moved,
    needsRmapLocks: true,
  });
  return false;
}

/** MREMAP_DONTUNMAP takes the pages, and with all of them what they gave to the VMA. */
function* leaveEmpty(task: Task, moved: Vma, start: number, pages: number): Op<void> {
  // The new one may have merged with the old one, which then has no locks either.
  const vma = task.mm.vmas.at(start);
  assert(vma !== undefined, 'what is left behind is mapped');
  yield* vmaStartWrite(task.machine, task.mm, vma);
  vma.flags &= ~(VM.LOCKED | VM.LOCKONFAULT);
  if (moved === vma || vma.start !== start || vma.end !== start + pages) return;
  yield* dropAnonVmas(task, vma);
}
