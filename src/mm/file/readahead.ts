/**
 * Reading more of a file on a disk than was asked for: around a page that a fault misses, behind one
 * that was read ahead, and what MADV_WILLNEED names.
 *
 * @source mm/readahead.c page_cache_ra_order(), page_cache_ra_unbounded(), page_cache_sync_ra(),
 *         page_cache_async_ra(), force_page_cache_ra(); mm/filemap.c do_sync_mmap_readahead(),
 *         do_async_mmap_readahead() (Linux 6.18)
 * @omits  that the locks of a fault are dropped while it reads, files that more than a hundred faults
 *         have missed (MMAP_LOTSAMISS), congestion
 */
import { unlockFolio } from '../page/folio_lock.ts';
import { headOf, orderOf, putFrame } from '../page/frame.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lockShared, Rank, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, writing } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { addFolio, findLockFrame, type Place } from './filemap.ts';
import { type Inode, isMemory, pagesOfInode } from './inode.ts';

/** The optimal size of a request to the disk: a property of the host, here 8 MiB. */
const REQUEST_PAGES = 2048;

/**
 * What was read last by way of an open file, in pages. No lock guards it: faults that race read a
 * little more or less.
 *
 * @source linux/fs.h struct file_ra_state
 */
export interface ReadAhead {
  start: number;
  size: number;
  /** The last so many are marked: who comes to the first of them has more read. */
  ahead: number;
  /** Of the folios it was read into. */
  order: number;
}

/**
 * Reads a page that a fault misses, and those around; or more, if the fault has come to the mark.
 *
 * Called under the VMA lock or the mmap lock, for reading.
 *
 * @returns whether it has: the kernel drops the lock for it, and starts the fault anew
 * @locks   invalidate_lock (read), the i_pages lock
 */
export function* readAheadForFault(task: Task, vma: Vma, index: number): Op<boolean> {
  const { machine, cpu } = task;
  const { inode } = vma.file!;
  if (isMemory(inode)) return false;
  yield reading(machine.objects.pages(inode.id));
  if (index >= pagesOfInode(inode)) return false;
  if (inode.pages.get(index) === NONE) return yield* readAround(task, vma, index);
  const isWanted = (vma.flags & VM.RAND_READ) === 0 && machine.size.readAheadPages > 0;
  const isSettled = yield* isRead(task, inode, index, isWanted);
  if (isSettled) return false;
  const frame = yield* findLockFrame(task, inode, index);
  if (frame === NONE) return false;
  const head = headOf(machine, frame);
  yield writing(machine.objects.frame(head));
  const isMarked = (machine.frameFlags[head]! & FrameFlag.READAHEAD) !== 0 && isWanted;
  if (isMarked) machine.frameFlags[head]! &= ~FrameFlag.READAHEAD;
  machine.frameFlags[head]! |= FrameFlag.UPTODATE;
  const pages = 2 ** orderOf(machine, head);
  yield* unlockFolio(machine, cpu, frame);
  yield* putFrame(machine, cpu, frame);
  if (isMarked) yield* readOn(task, vma, index, pages);
  return true;
}

/** Whether there is nothing to do for a page: a look at its flags without a reference. */
function* isRead(
  { machine }: Place,
  inode: Inode,
  index: number,
  isMarkWanted: boolean,
): Op<boolean> {
  const head = headOf(machine, inode.pages.get(index));
  yield reading(machine.objects.frame(head));
  const unsettled = isMarkWanted ? FrameFlag.UPTODATE | FrameFlag.READAHEAD : FrameFlag.UPTODATE;
  return (machine.frameFlags[head]! & unsettled) === FrameFlag.UPTODATE;
}

/** A fault has missed page `index`. @returns whether anything is read ahead */
function* readAround(task: Task, vma: Vma, index: number): Op<boolean> {
  const { machine } = task;
  const pages = machine.size.readAheadPages;
  const { inode } = vma.file!;
  const isRandom = (vma.flags & VM.RAND_READ) !== 0;
  if ((vma.flags & VM.HUGEPAGE) !== 0 && hasLargeFolios(inode)) {
    const huge = machine.format.entryPages[1]!;
    const last = stateOf(vma);
    last.size = isRandom ? huge : 2 * huge;
    last.ahead = huge;
    last.order = machine.format.indexBits[0]!;
    yield* readFolios(task, inode, last, index - (index % huge));
    return true;
  }
  const isCode = (vma.flags & VM.EXEC) !== 0;
  if ((isRandom && !isCode) || pages === 0) return false;
  const last = stateOf(vma);
  if ((vma.flags & VM.SEQ_READ) !== 0) {
    yield* readSequentially(task, inode, last, index);
    return true;
  }
  last.start = isCode ? index : Math.max(0, index - Math.floor(pages / 2));
  last.size = isCode ? Math.min(pages, vma.pgoff + vma.end - vma.start - index) : pages;
  last.ahead = isCode ? 0 : Math.floor(pages / 4);
  last.order = 0;
  yield* readFolios(task, inode, last, last.start);
  return true;
}

function stateOf({ file }: Vma): ReadAhead {
  file!.readAhead ??= { start: 0, size: 0, ahead: 0, order: 0 };
  return file!.readAhead;
}

const hasLargeFolios = ({ fileSystem }: Inode): boolean => fileSystem === 'ext4';

/** As many pages as are read ahead at all, from page `index` on. */
function* readSequentially(place: Place, inode: Inode, last: ReadAhead, index: number): Op<void> {
  const pages = place.machine.size.readAheadPages;
  if (index > 0) {
    yield* readPages(place, inode, index, pages, 0);
    return;
  }
  last.start = index;
  last.size = pages;
  last.ahead = Math.floor(pages / 2);
  last.order = 0;
  yield* readFolios(place, inode, last, index);
}

/** A fault has come to page `index` of a folio of `folioPages`, which was marked. */
function* readOn(place: Place, vma: Vma, index: number, folioPages: number): Op<void> {
  const { machine } = place;
  const { inode } = vma.file!;
  const pages = machine.size.readAheadPages;
  const last = stateOf(vma);
  const mark = last.start + last.size - last.ahead;
  if (index === mark - (mark % folioPages)) {
    last.start += last.size;
    last.size = Math.max(last.size, nextSize(last.size, pages));
  } else {
    yield reading(machine.objects.pages(inode.id));
    let start = index + 1;
    while (start - index <= pages && inode.pages.get(start) !== NONE) start++;
    if (start - index > pages) return;
    last.start = start;
    last.size = nextSize(start - index + pages, pages);
  }
  last.order += 2;
  const unit = Math.min(2 ** last.order, lowestBit(pages));
  const end = last.start + last.size;
  if (end - (end % unit) > last.start) last.size -= end % unit;
  last.ahead = last.size;
  yield* readFolios(place, inode, last, last.start);
}

const lowestBit = (pages: number): number => pages & -pages;

function nextSize(size: number, most: number): number {
  if (size < most / 16) return 4 * size;
  return size <= most / 2 ? 2 * size : most;
}

/** Reads what `last` says, from page `start` on: into folios of its order, if none is there yet. */
function* readFolios(place: Place, inode: Inode, last: ReadAhead, start: number): Op<void> {
  const { machine, cpu } = place;
  const { size, ahead } = last;
  last.order = Math.min(last.order, Math.floor(Math.log2(size)), machine.format.indexBits[0]!);
  const mark = start + size - ahead;
  const guard = machine.objects.invalidateLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.INVALIDATE);
  yield reading(machine.objects.pages(inode.id));
  const end = Math.min(pagesOfInode(inode), start + size);
  let index = start;
  while (index < end) {
    let order = last.order;
    while (index % 2 ** order !== 0 || index + 2 ** order > end) order--;
    const isMarked = index === mark - (mark % 2 ** order);
    const isMade = yield* readFolio(place, inode, index, order, isMarked);
    if (!isMade) break;
    index += 2 ** order;
  }
  yield* unlockShared(machine, cpu, guard, Rank.INVALIDATE);
  if (index < end) yield* readPages(place, inode, index, size - (index - start), ahead);
}

/** Reads those of `count` pages from `start` on that are not there, and marks one. */
function* readPages(
  place: Place,
  inode: Inode,
  start: number,
  count: number,
  ahead: number,
): Op<void> {
  const { machine, cpu } = place;
  const guard = machine.objects.invalidateLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.INVALIDATE);
  yield reading(machine.objects.pages(inode.id));
  const end = Math.min(pagesOfInode(inode), start + count);
  const mark = end - ahead;
  for (let index = start; index < end; index++) {
    yield* readFolio(place, inode, index, 0, index === mark);
  }
  yield* unlockShared(machine, cpu, guard, Rank.INVALIDATE);
}

/**
 * Reads a folio of 2^order pages, of which page `index` is the first.
 *
 * @param   isMarked whether a fault there reads on
 * @returns whether it was not there, and there was memory for it
 */
export function* readFolio(
  place: Place,
  inode: Inode,
  index: number,
  order: number,
  isMarked: boolean,
): Op<boolean> {
  if (inode.pages.get(index) !== NONE) return false;
  const flags = FrameFlag.UPTODATE | (isMarked ? FrameFlag.READAHEAD : 0);
  const frame = yield* addFolio(place, inode, index, order, flags);
  if (frame < 0) return false;
  yield* unlockFolio(place.machine, place.cpu, frame);
  yield* putFrame(place.machine, place.cpu, frame);
  return true;
}

/** Reads the pages `[start, end)`, as many as one request may have. */
export function* forceReadAhead(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const most = Math.max(REQUEST_PAGES, place.machine.size.readAheadPages);
  yield* readPages(place, inode, start, Math.min(end - start, most), 0);
}
