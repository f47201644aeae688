/**
 * Counting a page that fork makes common to parent and child.
 *
 * @source include/linux/rmap.h folio_try_dup_anon_rmap_pte(), include/linux/mm.h
 *         folio_needs_cow_for_dma(), folio_maybe_dma_pinned() (Linux 6.18)
 */
import { headOf, ZERO_FRAME } from '../page/frame.ts';
import type { Mm } from '../vma/mm.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { FrameFlag, ORDER_SHIFT, type World } from '../world/world.ts';
import { addLargeMaps, LARGE } from './large_mapcount.ts';
import { rssKindOf } from './map_count.ts';

/** How many references a pin of a small folio counts for. @source include/linux/mm.h */
export const GUP_PIN_COUNTING_BIAS = 1024;

/** Whether the folio `head` may be pinned: sure if it is large, a guess by many references if not. */
export function maybeDmaPinned({ frameFlags, frameReferences }: World, head: number): boolean {
  if (frameFlags[head]! >>> ORDER_SHIFT > 1) return frameReferences[head + PIN_COUNT]! > 0;
  return frameReferences[head]! >= GUP_PIN_COUNTING_BIAS;
}

/**
 * Whether a page of `parent` has to be copied at once: it is its own, and may be pinned.
 *
 * @param flags those of the frame
 */
export function isPinned(world: World, parent: Mm, flags: number, head: number): boolean {
  return (flags & FrameFlag.EXCLUSIVE) !== 0 && parent.hasPinned && maybeDmaPinned(world, head);
}

/** Pins of a large folio are counted where its third frame, which is no head, would count references. */
export const PIN_COUNT = 2;

/**
 * One more entry, of `child`, maps `frame`, which `parent` maps; then it is no longer exclusive. False,
 * with nothing done, if it has to be copied instead.
 *
 * Called under the lock of the parent's table, between the two changes of write_protect_seq.
 */
export function* tryDupRmap(world: World, parent: Mm, child: Mm, frame: number): Op<boolean> {
  if (frame === ZERO_FRAME) return true;
  const { frameFlags, frameMapcount, frameReferences } = world;
  const head = headOf(world, frame);
  yield writing(world.objects.frame(head));
  if (isPinned(world, parent, frameFlags[frame]!, head)) return false;
  frameFlags[frame]! &= ~FrameFlag.EXCLUSIVE;
  frameReferences[head]!++;
  frameMapcount[frame]!++;
  if ((frameFlags[frame]! & LARGE) !== 0) addLargeMaps(world, child, head, 1);
  child.rss[rssKindOf(world, frame)]!++;
  return true;
}

/**
 * Makes the frame nobody's exclusive one; false, with nothing done, if its owner may have pinned it.
 * Called under the lock of the table, when the entry is cleared and flushed, with the frame announced.
 *
 * @source include/linux/rmap.h folio_try_share_anon_rmap_pte() (Linux 6.18)
 */
export function tryShareRmap(world: World, frame: number): boolean {
  const isOwn = (world.frameFlags[frame]! & FrameFlag.EXCLUSIVE) !== 0;
  if (isOwn && maybeDmaPinned(world, frame)) return false;
  world.frameFlags[frame]! &= ~FrameFlag.EXCLUSIVE;
  return true;
}
