/** mremap(2), as of Linux 6.17: a fixed move that keeps the size takes all VMAs of its range. */
import { assert } from '../../base/assert.ts';
import { EFAULT, EINVAL, ENOMEM } from '../errno.ts';
import type { AddressSpace } from './address_space.ts';
import { populate } from './fault.ts';
import { mapFree } from './mmap.ts';
import { unmapPages } from './munmap.ts';
import { isPageAligned, PAGE_BYTES, pageOf, pagesOf, wrap } from './pages.ts';
import { unmappedArea } from './unmapped_area.ts';
import { isAnonymous, VM, type Vma } from './vma.ts';
import { mergeNew } from './vma_merge.ts';

const MREMAP = { MAYMOVE: 1, FIXED: 2, DONTUNMAP: 4 } as const;
/** A move may need so many VMAs more, and is refused below that. */
const SPARE_VMAS = 3;

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
}

/** @returns the address in bytes, or a negative errno */
export function mremap(space: AddressSpace, call: MremapArguments): number {
  const { flags } = call;
  const isPlaced = (flags & (MREMAP.FIXED | MREMAP.DONTUNMAP)) !== 0;
  const move: Move = {
    start: pageOf(call.address),
    oldPages: pagesOf(call.oldLength),
    newPages: pagesOf(call.newLength),
    flags,
    target: isPlaced ? pageOf(call.newAddress) : 0,
  };
  const error = refusal(space, call, move);
  if (error < 0) return error;
  const result = perform(space, move, isPlaced);
  return result < 0 ? result : result * PAGE_BYTES;
}

function refusal(space: AddressSpace, call: MremapArguments, move: Move): number {
  const { flags, oldPages, newPages, start, target } = move;
  const { taskSize, mapCountMax } = space.layout;
  if (flags & ~(MREMAP.MAYMOVE | MREMAP.FIXED | MREMAP.DONTUNMAP)) return EINVAL;
  if (!isPageAligned(call.address)) return EINVAL;
  if (newPages === 0 || newPages > taskSize) return EINVAL;
  if ((flags & (MREMAP.FIXED | MREMAP.DONTUNMAP)) === 0) return 0;
  if (target > taskSize - newPages || !isPageAligned(call.newAddress)) return EINVAL;
  if ((flags & MREMAP.MAYMOVE) === 0) return EINVAL;
  if (flags & MREMAP.DONTUNMAP && oldPages !== newPages) return EINVAL;
  // Asked of a place that nobody gave, too.
  const isOverlap = wrap(start + oldPages) > target && target + newPages > start;
  if (isOverlap) return EINVAL;
  return space.vmas.size + 2 >= mapCountMax - SPARE_VMAS ? ENOMEM : 0;
}

function perform(space: AddressSpace, move: Move, isPlaced: boolean): number {
  const { start, oldPages, newPages, flags } = move;
  if (flags & MREMAP.FIXED && oldPages === newPages) return moveAll(space, move);
  const vma = space.vmas.at(start);
  if (vma === undefined) return EFAULT;
  if (isPlaced || newPages > oldPages) {
    const error = extentRefusal(vma, move);
    if (error < 0) return error;
  }
  if (isPlaced) return moveTo(space, move);
  if (newPages > oldPages) return expand(space, vma, move);
  if (newPages === oldPages) return start;
  const error = unmapPages(space, start + newPages, oldPages - newPages);
  return error < 0 ? error : start;
}

/** What is to be moved or to grow lies in one VMA. */
function extentRefusal(vma: Vma, { start, oldPages, newPages }: Move): number {
  const isShared = (vma.flags & (VM.SHARED | VM.MAYSHARE)) !== 0;
  if (oldPages === 0 && !isShared) return EINVAL;
  if (Math.min(oldPages, newPages) > vma.end - start) return EFAULT;
  return 0;
}

/** VMA by VMA; the holes between them keep what is at the new place. */
function moveAll(space: AddressSpace, move: Move): number {
  const end = wrap(move.start + move.oldPages);
  const extents = space.vmas
    .within(move.start, end)
    .map((vma) => [Math.max(vma.start, move.start), Math.min(vma.end, end)] as const);
  if (extents[0]?.[0] !== move.start) return EFAULT;
  for (const [from, to] of extents) {
    const target = move.target + from - move.start;
    const pages = to - from;
    const result = moveTo(space, {
      ...move,
      start: from,
      oldPages: pages,
      newPages: pages,
      target,
    });
    if (result < 0) return result;
  }
  return move.target;
}

function moveTo(space: AddressSpace, move: Move): number {
  const { start, oldPages, newPages, flags, target } = move;
  if (flags & MREMAP.FIXED) {
    const error = unmapPages(space, target, newPages);
    if (error < 0) return error;
    // A length that wraps around does not overlap, but its start may have gone.
    if (space.vmas.at(start) === undefined) return EFAULT;
  }
  if (oldPages > newPages) {
    const error = unmapPages(space, start + newPages, oldPages - newPages);
    if (error < 0) return error;
  }
  const vma = space.vmas.at(start);
  assert(vma !== undefined, 'what is to be moved is mapped');
  return relocate(space, vma, { ...move, oldPages: Math.min(oldPages, newPages) });
}

/** In place if it can be, elsewhere if it may be. */
function expand(space: AddressSpace, vma: Vma, move: Move): number {
  const { start, oldPages, newPages, flags } = move;
  const end = start + newPages;
  const isRoom =
    start + oldPages === vma.end &&
    end <= space.layout.taskSize &&
    space.vmas.within(vma.end, end).length === 0;
  if (!isRoom) return flags & MREMAP.MAYMOVE ? relocate(space, vma, move) : ENOMEM;
  if (vma.flags & VM.ACCOUNT && !space.canCommit(newPages - oldPages)) return ENOMEM;
  const pgoff = vma.pgoff + (vma.end - vma.start);
  const grown = mergeNew(space, { ...vma, start: vma.end, end, pgoff });
  if (grown === undefined) return ENOMEM;
  if (vma.flags & VM.LOCKED) populate(space, start + oldPages, end);
  return start;
}

/** Maps `newPages` elsewhere with what is at `start`, and unmaps that. */
function relocate(space: AddressSpace, vma: Vma, move: Move): number {
  const { start, oldPages, newPages, flags } = move;
  const pgoff = vma.pgoff + start - vma.start;
  const target = unmappedArea(space, {
    address: move.target,
    pages: newPages,
    object: vma.file?.object,
    isShared: (vma.flags & VM.MAYSHARE) !== 0,
    pgoff,
    isFixed: (flags & MREMAP.FIXED) !== 0,
    is32Bit: false,
  });
  if (target < 0) return target;
  if (space.vmas.size >= space.layout.mapCountMax - SPARE_VMAS) return ENOMEM;
  const isLeft = (flags & MREMAP.DONTUNMAP) !== 0;
  const promised = isLeft ? newPages : newPages - oldPages;
  if (vma.flags & VM.ACCOUNT && !space.canCommit(promised)) return ENOMEM;
  const { flags: vmFlags, file, anonVma } = vma;
  const isUnwritten = isAnonymous(vma) && anonVma === undefined;
  const moved = mapFree(space, {
    start: target,
    end: target + newPages,
    flags: vmFlags,
    file,
    pgoff: isUnwritten ? target : pgoff,
    anonVma,
  });
  if (isLeft) leaveEmpty(space, moved, start, oldPages);
  else if (oldPages > 0) unmapPages(space, start, oldPages);
  if (vmFlags & VM.LOCKED && newPages > oldPages) {
    populate(space, target + oldPages, target + newPages);
  }
  return target;
}

/** MREMAP_DONTUNMAP takes the pages, and with all of them what they gave to the VMA. */
function leaveEmpty(space: AddressSpace, moved: Vma, start: number, pages: number): void {
  // The new one may have merged with the old one, which then has no locks either.
  const vma = space.vmas.at(start);
  assert(vma !== undefined, 'what is left behind is mapped');
  vma.flags &= ~(VM.LOCKED | VM.LOCKONFAULT);
  if (moved !== vma && vma.start === start && vma.end === start + pages) vma.anonVma = undefined;
}
