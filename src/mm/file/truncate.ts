/**
 * Cutting files: their pages are taken from those who map them, then from the page cache.
 *
 * The size changes first, so that faults that come later refuse. Those that have looked at the size
 * before are met at the folio lock; what they have mapped meanwhile is unmapped once more.
 *
 * @source mm/truncate.c truncate_pagecache(), truncate_pagecache_range(); mm/shmem.c
 *         shmem_undo_range() (Linux 6.18)
 */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { headOf, orderOf, putFrame } from '../page/frame.ts';
import { isMapped } from '../rmap/map_count.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, writing, writingContent } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { findGetFrame, isPageOf, type Place, removeFrame } from './filemap.ts';
import { type Inode, isMemory } from './inode.ts';
import { zeroPartialPage } from './partial_page.ts';
import { splitAround } from './split_around.ts';
import { unmapMapping } from './unmap_mapping.ts';

/** Behind all pages. */
const ALL = Number.POSITIVE_INFINITY;

/**
 * Takes the pages `[start, end)` out of the page cache, with the entries that map them. What is part
 * of a folio that somebody else keeps whole becomes zeroes.
 */
function* dropPages(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const { machine, cpu } = place;
  yield reading(machine.objects.pages(inode.id));
  for (const index of inode.pages.within(start, end)) {
    const frame = yield* findGetFrame(place, inode, index);
    if (frame === NONE) continue;
    yield* lockFolio(machine, cpu, frame);
    if (isPageOf(machine, frame, inode)) {
      const head = headOf(machine, frame);
      const first = index + head - frame;
      const last = first + 2 ** orderOf(machine, head);
      if (first < start || last > end) yield* clearContent(place, frame);
      else {
        yield reading(machine.objects.frame(head));
        if (isMapped(machine, head)) yield* unmapMapping(place, inode, first, last, false);
        yield* removeFrame(place, inode, frame);
      }
    }
    yield* unlockFolio(machine, cpu, frame);
    yield* putFrame(machine, cpu, frame);
  }
  yield writing(machine.objects.pages(inode.id));
  for (const index of inode.disk.keys()) {
    if (index >= start && index < end) inode.disk.delete(index);
  }
}

function* clearContent({ machine }: Place, frame: number): Op<void> {
  yield writingContent(machine.objects.frame(frame));
  if (machine.size.contents) machine.frameData[frame] = 0;
}

/**
 * Gives a file another size. Called under its i_rwsem.
 *
 * @locks invalidate_lock (write) of files on a disk, then what the parts need
 * @source mm/shmem.c shmem_setattr(), fs/ext4/inode.c ext4_setattr()
 */
export function* setSize(place: Place, inode: Inode, bytes: number): Op<void> {
  const { machine, cpu } = place;
  const invalidateLock = machine.objects.invalidateLock(inode.id);
  const isLocked = !isMemory(inode);
  const before = inode.bytes;
  // There may be pages behind the end: memory frees what fallocate(2) has made for later, unless the
  // file grows; a disk drops those in which a range of zeroes started or ended, even then.
  const isCut = isLocked || bytes <= inode.bytes;
  if (isLocked) yield* lock(machine, cpu, invalidateLock, Rank.INVALIDATE);
  yield writing(machine.objects.pages(inode.id));
  inode.bytes = bytes;
  if (isCut) {
    const start = Math.ceil(bytes / PAGE_BYTES);
    yield* unmapMapping(place, inode, start, ALL, true);
    yield* splitAround(place, inode, bytes, ALL);
    yield* dropPages(place, inode, start, ALL);
    yield* unmapMapping(place, inode, start, ALL, true);
  }
  if (isLocked) yield* unlock(machine, cpu, invalidateLock, Rank.INVALIDATE);
  yield* zeroPartialPage(place, inode, Math.min(before, bytes));
}

/**
 * Frees the pages `[start, end)` of a file, which reads as zeroes there from now on. Private copies
 * stay. Called under i_rwsem.
 *
 * @source mm/shmem.c shmem_fallocate(), fs/ext4/inode.c ext4_punch_hole()
 */
export function* freePages(place: Place, inode: Inode, start: number, end: number): Op<void> {
  const { machine, cpu } = place;
  const invalidateLock = machine.objects.invalidateLock(inode.id);
  const isLocked = !isMemory(inode);
  if (isLocked) yield* lock(machine, cpu, invalidateLock, Rank.INVALIDATE);
  yield* unmapMapping(place, inode, start, end, false);
  yield* dropPages(place, inode, start, end);
  if (isLocked) yield* unlock(machine, cpu, invalidateLock, Rank.INVALIDATE);
}
