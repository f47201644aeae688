/**
 * Collapsing a part of a file in memory: one folio takes the place of its pages in the page cache.
 *
 * The pages are locked and unmapped, one after the other; when nobody but the page cache holds any of
 * them, nobody can get at them any more, and they are copied.
 *
 * @source mm/khugepaged.c hpage_collapse_scan_file(), collapse_file() (Linux 6.18)
 * @omits  files on a disk, pages that are swapped out: they are refused
 */
import { findGetFrame, isBehindEnd, isPageOf, type Place } from '../file/filemap.ts';
import type { Inode } from '../file/inode.ts';
import { unmapMapping } from '../file/unmap_mapping.ts';
import {
  lockFolio,
  tryLockFolioNested,
  unlockFolio,
  unlockFolioNested,
} from '../page/folio_lock.ts';
import { allocFolio, headOf, orderOf, putFrame } from '../page/frame.ts';
import { isMapped } from '../rmap/map_count.ts';
import { VM } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, readingContent, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { isHugeFolio } from './huge_file.ts';
import { retractPageTables } from './retract.ts';
import { type CollapseLimits, Scan } from './scan.ts';

/**
 * Makes the pages of `inode` from `first` on a huge page. No lock is held.
 *
 * @returns `PTE_MAPPED_HUGEPAGE` if there is one now: it is for the caller to map it
 * @locks   the locks of the folios, of which all but the first are only tried; i_mmap_rwsem (read) and
 *          the i_pages lock
 */
export function* collapseFile(
  place: Place,
  inode: Inode,
  first: number,
  { maxNone }: CollapseLimits,
): Op<Scan> {
  const { machine, cpu } = place;
  const pages = machine.format.entryPages[1]!;
  yield reading(machine.objects.pages(inode.id));
  const present = inode.pages.within(first, first + pages);
  if (present.length > 0 && isHugeFolio(machine, headOf(machine, inode.pages.get(present[0]!)))) {
    return Scan.PTE_MAPPED_HUGEPAGE;
  }
  if (pages - present.length > maxNone) return Scan.EXCEED_NONE_PTE;
  const head = yield* allocFolio(machine, cpu, machine.format.indexBits[0]!);
  if (head === NONE) return Scan.ALLOC_HUGE_PAGE_FAIL;
  yield* lockFolio(machine, cpu, head);
  const old: number[] = [];
  let result = yield* isolate(place, inode, first, old);
  if (result === Scan.SUCCEED) {
    yield* copyContents(place, first, old, head);
    result = yield* replace(place, inode, first, old, head);
  }
  if (result === Scan.SUCCEED) yield* retractPageTables(place, inode, first);
  yield* unlockFolio(machine, cpu, head);
  yield* release(place, old, result === Scan.SUCCEED);
  if (result === Scan.SUCCEED) return Scan.PTE_MAPPED_HUGEPAGE;
  yield* putFrame(machine, cpu, head);
  return result;
}

/** Locks and unmaps the folios of the range, and notes them in `old`, with a reference to each. */
function* isolate(place: Place, inode: Inode, first: number, old: number[]): Op<Scan> {
  const { machine, cpu } = place;
  const end = first + machine.format.entryPages[1]!;
  for (let index = first; index < end; ) {
    const frame = yield* findGetFrame(place, inode, index);
    if (frame === NONE) {
      index++;
      continue;
    }
    const isReachable = yield* mayBeAskedFor(place, inode, index, frame);
    if (!isReachable) {
      yield* putFrame(machine, cpu, frame);
      return Scan.FAIL;
    }
    const isLocked = yield* tryLockFolioNested(machine, frame);
    if (!isLocked) {
      yield* putFrame(machine, cpu, frame);
      return Scan.PAGE_LOCK;
    }
    const head = headOf(machine, frame);
    const pages = 2 ** orderOf(machine, head);
    old.push(head);
    if (!isPageOf(machine, head, inode)) return Scan.TRUNCATED;
    yield reading(machine.objects.frame(head));
    if (isMapped(machine, head)) yield* unmapMapping(place, inode, index, index + pages, false);
    yield reading(machine.objects.frame(head));
    if (machine.frameReferences[head] !== pages + 1) return Scan.PAGE_COUNT;
    index += pages;
  }
  return old.length === 0 ? Scan.TRUNCATED : Scan.SUCCEED;
}

/** What fallocate(2) has made for later, behind the end of the file, nobody gets. */
function* mayBeAskedFor(place: Place, inode: Inode, index: number, frame: number): Op<boolean> {
  const { machine } = place;
  const isBehind = yield* isBehindEnd(place, inode, index);
  yield reading(machine.objects.frame(headOf(machine, frame)));
  return !isBehind || (machine.frameFlags[headOf(machine, frame)]! & FrameFlag.UPTODATE) !== 0;
}

/** What is locked and unmapped does not change any more. */
function* copyContents(
  { machine }: Place,
  first: number,
  old: readonly number[],
  head: number,
): Op<void> {
  if (!machine.size.contents) return;
  for (const from of old) {
    const to = head + machine.frameIndex[from]! - first;
    for (let page = 0; page < 2 ** orderOf(machine, from); page++) {
      yield readingContent(machine.objects.frame(from + page));
      machine.frameData[to + page] = machine.frameData[from + page]!;
    }
  }
}

/** Puts the folio into the page cache, unless a page has come to be where none was. */
function* replace(
  { machine, cpu }: Place,
  inode: Inode,
  first: number,
  old: readonly number[],
  head: number,
): Op<Scan> {
  const pages = machine.format.entryPages[1]!;
  const known = old.reduce((sum, from) => sum + 2 ** orderOf(machine, from), 0);
  const guard = machine.objects.pagesLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.PAGES);
  yield writing(machine.objects.pages(inode.id));
  const isFilled = inode.pages.within(first, first + pages).length !== known;
  // What is missing is to be told to userfaultfd, not to be filled.
  const isTold = known < pages && isMissedBy(inode, first, pages);
  if (!isFilled && !isTold) {
    machine.frameFlags[head]! |= FrameFlag.UPTODATE | FrameFlag.DIRTY | FrameFlag.SWAPBACKED;
    machine.frameMapping[head] = 1 + inode.id;
    machine.frameIndex[head] = first;
    // The page cache has as many as it has pages, one of which was the caller's.
    machine.frameReferences[head]! += pages - 1;
    for (let page = 0; page < pages; page++) inode.pages.set(first + page, head + page);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGES);
  if (isFilled) return Scan.PAGE_FILLED;
  return isTold ? Scan.EXCEED_NONE_PTE : Scan.SUCCEED;
}

/** Whether a VMA that maps some of the pages is to be told of those that are missing. */
function isMissedBy({ mappings }: Inode, first: number, pages: number): boolean {
  for (const { flags, pgoff, start, end } of mappings.keys()) {
    const isOver = pgoff < first + pages && first < pgoff + end - start;
    if (isOver && (flags & VM.UFFD_MISSING) !== 0) return true;
  }
  return false;
}

/** Unlocks the folios, which belong to the file no longer if they were replaced. */
function* release({ machine, cpu }: Place, old: readonly number[], isReplaced: boolean): Op<void> {
  for (const head of old) {
    if (isReplaced) {
      yield writing(machine.objects.frame(head));
      machine.frameMapping[head] = 0;
      machine.frameReferences[head]! -= 2 ** orderOf(machine, head);
    }
    yield* unlockFolioNested(machine, head);
    yield* putFrame(machine, cpu, head);
  }
}
