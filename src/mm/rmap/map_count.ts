/** Counting who maps a page. Called under the lock of the table whose entry changes. */
import { assert } from '../../base/assert.ts';
import { headOf, orderOf, ZERO_FRAME } from '../page/frame.ts';
import { type Mm, Rss } from '../vma/mm.ts';
import { pgoffAt, VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';
import type { AnonVma } from './anon_vma.ts';
import { addLargeMaps, dropLargeMaps, entireMapcount, LARGE } from './large_mapcount.ts';
import { mlockMapped, munlockMapped } from './mlock.ts';

/**
 * Makes a new folio the private page `page` of `vma`, mapped once: nobody else knows it yet.
 *
 * @source mm/rmap.c folio_add_new_anon_rmap(), mm/swap.c folio_add_lru_vma()
 */
export function mapNewAnonymous(world: World, head: number, vma: Vma, page: number): void {
  addNewAnonymous(world, head, vma, page, vma.anonVma!);
  if ((vma.flags & VM.LOCKED) !== 0) mlockMapped(world, vma, head, 2 ** orderOf(world, head));
}

/**
 * The same of what is on an LRU list by now, where it is not mlocked. A page that may be dropped is
 * never swapped out.
 *
 * @source mm/rmap.c folio_add_new_anon_rmap()
 */
export function addNewAnonymous(
  world: World,
  frame: number,
  vma: Vma,
  page: number,
  anonVma: AnonVma,
): void {
  const isDroppable = (vma.flags & VM.DROPPABLE) !== 0;
  world.frameMapping[frame] = -1 - anonVma.id;
  world.frameIndex[frame] = pgoffAt(vma, page);
  world.frameFlags[frame]! |=
    FrameFlag.EXCLUSIVE | FrameFlag.UPTODATE | (isDroppable ? 0 : FrameFlag.SWAPBACKED);
  world.frameMapcount[frame] = 1;
}

export function isAnonymousFrame(world: World, frame: number): boolean {
  return world.frameMapping[headOf(world, frame)]! < 0;
}

/** Whether any entry maps the folio `head`, or a frame of it. */
export function isMapped(world: World, head: number): boolean {
  const order = orderOf(world, head);
  if (order > 0 && entireMapcount(world, head) > 0) return true;
  const end = head + 2 ** order;
  for (let frame = head; frame < end; frame++) if (world.frameMapcount[frame]! > 0) return true;
  return false;
}

/** Under which counter of an address space a page is: `NONE` for the zero page. */
export function rssKindOf(world: World, frame: number): Rss | typeof NONE {
  if (frame === ZERO_FRAME) return NONE;
  if (isAnonymousFrame(world, frame)) return Rss.ANON;
  const flags = world.frameFlags[headOf(world, frame)]!;
  return (flags & FrameFlag.SWAPBACKED) === 0 ? Rss.FILE : Rss.SHMEM;
}

/** One more entry of level 0 maps `frame`. The caller mlocks it (`mlockMapped()`). */
export function* addRmap(world: World, mm: Mm, frame: number): Op<void> {
  if (frame === ZERO_FRAME) return;
  const head = headOf(world, frame);
  yield writing(world.objects.frame(head));
  world.frameMapcount[frame]!++;
  if ((world.frameFlags[frame]! & LARGE) !== 0) addLargeMaps(world, mm, head, 1);
  mm.rss[rssKindOf(world, frame)]!++;
}

/** One entry of `vma`, of level 0, less maps `frame`. */
export function* removeRmap(world: World, mm: Mm, vma: Vma, frame: number): Op<void> {
  if (frame === ZERO_FRAME) return;
  yield writing(world.objects.frame(headOf(world, frame)));
  dropRmap(world, mm, frame);
  munlockMapped(world, vma, frame);
}

/**
 * As `removeRmap()`, for who has announced the folio of `frame`, which is not the zero page, and munlocks
 * it.
 */
export function dropRmap(world: World, mm: Mm, frame: number): void {
  assert(world.frameMapcount[frame]! > 0, 'a page that is unmapped was mapped');
  world.frameMapcount[frame]!--;
  const isLarge = (world.frameFlags[frame]! & LARGE) !== 0;
  if (isLarge) dropLargeMaps(world, mm, headOf(world, frame), 1);
  mm.rss[rssKindOf(world, frame)]!--;
}
