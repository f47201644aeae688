/**
 * The page cache: looking folios up, putting them in, taking them out.
 *
 * A lookup takes no lock. It gets a reference to the frame that it has found, and then looks again
 * whether that is still the page: frames are reused. Whether the page still belongs to the file is
 * certain only under its folio lock: truncation takes that before it takes the page away.
 *
 * @source mm/filemap.c filemap_get_entry(), __filemap_get_folio(), filemap_add_folio(),
 *         __filemap_remove_folio() (Linux 6.18)
 * @omits  errors of the disk; what is written makes small folios
 */
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { allocFolio, headOf, orderOf, putFrame } from '../page/frame.ts';
import { isMapped } from '../rmap/map_count.ts';
import type { Task } from '../task.ts';
import { VM } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { awaiting, reading, writing } from '../world/point.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';
import { type Inode, isMemory, pagesOfInode } from './inode.ts';

/** Where work is done: on behalf of any address space. */
export type Place = Pick<Task, 'machine' | 'cpu'>;

/** Page `index` with a reference for the caller to drop, or `NONE` if it is not in memory. */
export function* findGetFrame({ machine, cpu }: Place, inode: Inode, index: number): Op<number> {
  for (;;) {
    yield reading(machine.objects.pages(inode.id));
    const frame = inode.pages.get(index);
    if (frame === NONE) return NONE;
    const head = headOf(machine, frame);
    yield writing(machine.objects.frame(head));
    if (machine.frameReferences[head]! <= 0 || headOf(machine, frame) !== head) {
      // Who has frozen the count to replace the page holds this lock until it is done.
      yield awaiting(machine.objects.pagesLock(inode.id));
      continue;
    }
    machine.frameReferences[head]!++;
    yield reading(machine.objects.pages(inode.id));
    if (inode.pages.get(index) === frame) return frame;
    yield* putFrame(machine, cpu, frame);
  }
}

/** As `findGetFrame()`, with the folio lock. */
export function* findLockFrame(place: Place, inode: Inode, index: number): Op<number> {
  const { machine, cpu } = place;
  for (;;) {
    const frame = yield* findGetFrame(place, inode, index);
    if (frame === NONE) return NONE;
    yield* lockFolio(machine, cpu, frame);
    if (isPageOf(machine, frame, inode)) return frame;
    // It was truncated before the lock was had.
    yield* unlockFolio(machine, cpu, frame);
    yield* putFrame(machine, cpu, frame);
  }
}

/** Whether a frame is still a page of the file. Called under its folio lock. */
export function isPageOf(world: World, frame: number, inode: Inode): boolean {
  return world.frameMapping[headOf(world, frame)] === 1 + inode.id;
}

/** Which page of its file a frame is, modulo 2^32. Called with a reference to its folio. */
export function indexOf(world: World, frame: number): number {
  const head = headOf(world, frame);
  return (world.frameIndex[head]! + frame - head) >>> 0;
}

/**
 * Page `index`, locked, with a reference: found, or made, with what the disk has of it.
 *
 * @param   watched which faults userfaultfd is told of: then nothing is made, or found
 * @returns `NONE` if memory is exhausted, `USERFAULT_MISSING`, `USERFAULT_MINOR`
 */
export function* getLockedFrame(
  place: Place,
  inode: Inode,
  index: number,
  watched = 0,
): Op<number> {
  for (;;) {
    const found = yield* findLockFrame(place, inode, index);
    if (found !== NONE) {
      if ((watched & VM.UFFD_MINOR) === 0) return found;
      yield* unlockFolio(place.machine, place.cpu, found);
      yield* putFrame(place.machine, place.cpu, found);
      return USERFAULT_MINOR;
    }
    if ((watched & VM.UFFD_MISSING) !== 0) return USERFAULT_MISSING;
    const made = yield* addFolio(place, inode, index, 0, FrameFlag.UPTODATE);
    if (made !== IS_THERE) return made;
  }
}

/** Some page of what was to be put in has been there already. */
export const IS_THERE = -2;

/**
 * Puts a new folio of 2^order pages in: page `index`, which is a multiple of that, and those behind.
 *
 * @returns its head, locked, with the caller's reference and those of the page cache; `NONE` if memory
 *          is exhausted; `IS_THERE`
 * @locks   the folio lock, the i_pages lock
 */
export function* addFolio(
  place: Place,
  inode: Inode,
  index: number,
  order: number,
  flags: number,
): Op<number> {
  const { machine, cpu } = place;
  const frame = yield* allocFolio(machine, cpu, order);
  if (frame === NONE) return NONE;
  // Nobody else knows it yet.
  const kind = isMemory(inode) ? FrameFlag.SWAPBACKED : 0;
  yield writing(machine.objects.frame(frame));
  machine.frameFlags[frame]! |= flags | kind;
  machine.frameMapping[frame] = 1 + inode.id;
  machine.frameIndex[frame] = index;
  if (machine.size.contents) readContent(machine, inode, index, frame, order);
  yield* lockFolio(machine, cpu, frame);
  const guard = machine.objects.pagesLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.PAGES);
  yield writing(machine.objects.pages(inode.id));
  const pages = 2 ** order;
  const isFirst = isEmptyFrom(inode, index, pages);
  if (isFirst) for (let at = 0; at < pages; at++) inode.pages.set(index + at, frame + at);
  yield* unlock(machine, cpu, guard, Rank.PAGES);
  yield writing(machine.objects.frame(frame));
  if (isFirst) {
    machine.frameReferences[frame]! += pages;
    return frame;
  }
  machine.frameMapping[frame] = 0;
  yield* unlockFolio(machine, cpu, frame);
  yield* putFrame(machine, cpu, frame);
  return IS_THERE;
}

function readContent(world: World, inode: Inode, index: number, head: number, order: number): void {
  for (let at = 0; at < 2 ** order; at++) {
    world.frameData[head + at] = inode.disk.get(index + at) ?? 0;
  }
}

function isEmptyFrom({ pages }: Inode, index: number, count: number): boolean {
  for (let at = index; at < index + count; at++) if (pages.get(at) !== NONE) return false;
  return true;
}

/**
 * Takes a folio out of the page cache and drops the cache's references. What was written goes to disk
 * with `isKept`, and is lost without.
 *
 * Called under the folio lock, with a reference, when no entry maps the page.
 */
export function* removeFrame(
  { machine, cpu }: Place,
  inode: Inode,
  frame: number,
  isKept = false,
): Op<void> {
  const head = headOf(machine, frame);
  const pages = 2 ** orderOf(machine, head);
  const index = machine.frameIndex[head]!;
  const guard = machine.objects.pagesLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.PAGES);
  yield writing(machine.objects.pages(inode.id));
  for (let page = 0; page < pages; page++) {
    if (isKept && machine.size.contents) {
      inode.disk.set(index + page, machine.frameData[head + page]!);
    }
    inode.pages.delete(index + page);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGES);
  yield writing(machine.objects.frame(head));
  machine.frameMapping[head] = 0;
  machine.frameReferences[head]! -= pages - 1;
  yield* putFrame(machine, cpu, head);
}

/** Whether page `index` lies behind the end of the file. */
export function* isBehindEnd({ machine }: Place, inode: Inode, index: number): Op<boolean> {
  yield reading(machine.objects.pages(inode.id));
  return index >= pagesOfInode(inode);
}

/**
 * Page `index` for a fault: locked, with a reference.
 *
 * @param   watched which faults userfaultfd is told of: flags of the VMA
 * @returns `NONE` if it lies behind the end, `OUT_OF_MEMORY`, `USERFAULT_MISSING`, `USERFAULT_MINOR`
 * @source  mm/filemap.c filemap_fault(), mm/shmem.c shmem_fault()
 */
export function* frameForFault(place: Place, inode: Inode, index: number, watched = 0): Op<number> {
  const { machine, cpu } = place;
  const isBehind = yield* isBehindEnd(place, inode, index);
  if (isBehind) return NONE;
  const frame = yield* getLockedFrame(place, inode, index, watched);
  if (frame === NONE) return OUT_OF_MEMORY;
  if (frame < 0) return frame;
  // The file may have been cut while the lock was waited for.
  const isBehindNow = yield* isBehindEnd(place, inode, index);
  if (!isBehindNow || machine.bugs.faultWithoutSizeRecheck === true) return frame;
  // One that was made behind the cut has to go. One that was found is mapped, or cut off soon.
  const head = headOf(machine, frame);
  yield reading(machine.objects.frame(head));
  const isUnused = orderOf(machine, head) === 0 && !isMapped(machine, head);
  if (isMemory(inode) && isUnused) yield* removeFrame(place, inode, frame);
  yield* unlockFolio(machine, cpu, frame);
  yield* putFrame(machine, cpu, frame);
  return NONE;
}

export const OUT_OF_MEMORY = -2;
/** The page is missing, or is there to be mapped: userfaultfd is to be told. */
export const USERFAULT_MISSING = -3;
export const USERFAULT_MINOR = -4;
