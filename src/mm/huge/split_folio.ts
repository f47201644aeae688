/**
 * Splitting a large folio of the page cache, where a part of it is to go: into the largest folios that
 * leave the page in question alone, like blocks of the buddy system.
 *
 * @source mm/huge_memory.c folio_split(), mm/truncate.c truncate_inode_partial_folio() (Linux 6.18)
 * @omits  private folios: they stay whole until all of them is unmapped
 */
import { assert } from '../../base/assert.ts';
import { type Place, removeFrame } from '../file/filemap.ts';
import { endOfPages, type Inode, isMemory } from '../file/inode.ts';
import { unmapMapping } from '../file/unmap_mapping.ts';
import { headOf, orderOf, putFrame } from '../page/frame.ts';
import { entireMapcount } from '../rmap/large_mapcount.ts';
import { forgetMlocks } from '../rmap/mlock.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, writing } from '../world/point.ts';
import { FrameFlag, ORDER_SHIFT, type World } from '../world/world.ts';

/**
 * Makes the page `at` of a folio a folio of its own. Who maps any part of the folio loses it, and
 * gets it back by faults.
 *
 * Called under the lock of the folio `head`, with a reference, both of which are then of its first
 * part. Parts behind the end of the file leave it, unless fallocate(2) has made them for later.
 *
 * @returns false if somebody else holds the folio, or it is dirty and on a disk: it is as before, but
 *          for who maps it
 * @locks   i_mmap_rwsem (read), then the i_pages lock
 */
export function* splitFolio(place: Place, inode: Inode, head: number, at: number): Op<boolean> {
  const { machine, cpu } = place;
  const order = orderOf(machine, head);
  const pages = 2 ** order;
  const index = machine.frameIndex[head]!;
  yield reading(machine.objects.frame(head));
  const isHeld = machine.frameReferences[head] !== pages + 1 + mapcountOf(machine, head);
  if (isHeld && isMemory(inode)) return false;
  yield* unmapMapping(place, inode, index, index + pages, false);
  const guard = machine.objects.pagesLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.PAGES);
  yield writing(machine.objects.frame(head));
  const isFree = machine.frameReferences[head] === pages + 1 && !hasBuffers(machine, inode, head);
  if (isFree) {
    yield writing(machine.objects.pages(inode.id));
    divide(machine, head, order, head + at);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGES);
  if (isFree) yield* dropBehindEnd(place, inode, head, pages);
  return isFree;
}

/** What was written and is not on the disk yet keeps the folio as it is. */
function hasBuffers({ frameFlags }: World, inode: Inode, head: number): boolean {
  return !isMemory(inode) && (frameFlags[head]! & FrameFlag.DIRTY) !== 0;
}

/** Entries that map the folio, or a page of it. */
function mapcountOf(world: World, head: number): number {
  let count = entireMapcount(world, head);
  for (let frame = head; frame < head + 2 ** orderOf(world, head); frame++) {
    count += world.frameMapcount[frame]!;
  }
  return count;
}

/** Halves the folio `head` until the page in `frame` is one alone. Nobody else has a reference. */
function divide(world: World, head: number, order: number, frame: number): void {
  const { frameFlags, frameIndex, frameMapping, frameReferences } = world;
  const flags = frameFlags[head]! & ~FrameFlag.HEAD;
  const mapping = frameMapping[head]!;
  const index = frameIndex[head]!;
  world.trace?.folioFree(head, order);
  const make = (start: number, size: number): void => {
    const isHeld = start === head;
    frameFlags[start] = (isHeld ? flags : flags & ~FrameFlag.LOCKED) | (size << ORDER_SHIFT);
    if (!isHeld) forgetMlocks(world, start);
    frameMapping[start] = mapping;
    frameIndex[start] = index + start - head;
    frameReferences[start] = 2 ** size + (isHeld ? 1 : 0);
    world.trace?.folioAlloc(start, size);
    for (let tail = start + 1; tail < start + 2 ** size; tail++) {
      frameReferences[tail] = 0;
      frameIndex[tail] = start;
    }
  };
  let start = head;
  for (let size = order - 1; size >= 0; size--) {
    const middle = start + 2 ** size;
    make(frame < middle ? middle : start, size);
    if (frame >= middle) start = middle;
  }
  make(start, 0);
}

/** Called under the lock of the first part, which stays. */
function* dropBehindEnd(place: Place, inode: Inode, head: number, pages: number): Op<void> {
  const { machine, cpu } = place;
  for (let frame = head + 2 ** orderOf(machine, head); frame < head + pages; ) {
    const size = 2 ** orderOf(machine, frame);
    assert(headOf(machine, frame) === frame, 'parts of a folio follow each other');
    yield reading(machine.objects.pages(inode.id));
    if (machine.frameIndex[frame]! >= endOfPages(inode)) {
      yield writing(machine.objects.frame(frame));
      machine.frameReferences[frame]!++;
      yield* removeFrame(place, inode, frame);
      yield* putFrame(machine, cpu, frame);
    }
    frame += size;
  }
}
