/**
 * The swap cache: folios that also have a slot, with a reference each.
 *
 * A lookup takes no lock: it gets a reference to the folio that it has found, and then looks again.
 * Whether a folio still belongs to a slot is certain only under its folio lock.
 *
 * @source mm/swap_state.c swap_cache_get_folio(), swap_cache_add_folio(), swap_cache_del_folio(),
 *         __read_swap_cache_async(), free_swap_cache(); mm/swapfile.c folio_free_swap(),
 *         __try_to_reclaim_swap() (Linux 6.18)
 * @omits  large folios, readahead, shadows of folios that were evicted, folios that are taken out
 *         early because the device is more than half full
 */
import { lockFolio, tryLockFolio, unlockFolio } from '../page/folio_lock.ts';
import { allocFrame, putFrame } from '../page/frame.ts';
import { isMapped } from '../rmap/map_count.ts';
import type { Op } from '../world/op.ts';
import { awaiting, reading, slotRead, writing } from '../world/point.ts';
import { FrameFlag, NONE, type World } from '../world/world.ts';
import {
  enterSlot,
  leaveSlot,
  lockSwap,
  slotOfFolio,
  swapFree,
  takeSlot,
  unlockSwap,
} from './swap_slot.ts';

/** The folio of `slot` with a reference for the caller to drop, or `NONE`. */
export function* swapCacheGet(world: World, cpu: number, slot: number): Op<number> {
  for (;;) {
    yield reading(world.objects.swapSlot(slot));
    const head = world.swapCache[slot]!;
    if (head < 0) return NONE;
    yield writing(world.objects.frame(head));
    if (world.frameReferences[head]! <= 0) {
      // Who has frozen the count holds the swap lock until the folio is out, or another one in.
      yield awaiting(world.objects.swapLock);
      continue;
    }
    world.frameReferences[head]!++;
    yield reading(world.objects.swapSlot(slot));
    if (world.swapCache[slot] === head) return head;
    yield* putFrame(world, cpu, head);
  }
}

/**
 * Gives a private folio a slot: it is in the swap cache then, and must be written out.
 *
 * Called under the folio lock. False if all slots are in use.
 */
export function* folioAllocSwap(world: World, cpu: number, head: number): Op<boolean> {
  yield* lockSwap(world, cpu);
  const slot = yield* takeSlot(world, head);
  if (slot !== NONE) {
    yield writing(world.objects.frame(head));
    world.frameFlags[head]! |= FrameFlag.SWAPCACHE | FrameFlag.DIRTY;
    world.frameReferences[head]!++;
  }
  yield* unlockSwap(world, cpu);
  return slot !== NONE;
}

/** The slot of a folio of the swap cache. Called under the folio lock. */
export function* swapSlotOf(world: World, cpu: number, head: number): Op<number> {
  yield* lockSwap(world, cpu);
  const slot = slotOfFolio(world, head);
  yield* unlockSwap(world, cpu);
  return slot;
}

/**
 * Takes a folio out of the swap cache if no entry stands for its slot. Called under the folio lock,
 * with a reference.
 */
export function* folioFreeSwap(world: World, cpu: number, head: number): Op<boolean> {
  yield reading(world.objects.frame(head));
  if ((world.frameFlags[head]! & FrameFlag.SWAPCACHE) === 0) return false;
  yield* lockSwap(world, cpu);
  const slot = slotOfFolio(world, head);
  yield writing(world.objects.swapSlot(slot));
  const isFreed = world.swapCount[slot] === 0;
  if (isFreed) leaveSlot(world, slot);
  yield* unlockSwap(world, cpu);
  if (!isFreed) return false;
  yield writing(world.objects.frame(head));
  // What was written out is lost.
  world.frameFlags[head]! |= FrameFlag.DIRTY;
  world.frameFlags[head]! &= ~FrameFlag.SWAPCACHE;
  yield* putFrame(world, cpu, head);
  return true;
}

/** As `folioFreeSwap()`, of a folio that nobody maps, unless somebody has locked it. */
export function* freeSwapCache(world: World, cpu: number, head: number): Op<void> {
  if (world.size.swapSlots === 0) return;
  yield reading(world.objects.frame(head));
  const isCached = (world.frameFlags[head]! & FrameFlag.SWAPCACHE) !== 0;
  if (!isCached || isMapped(world, head)) return;
  const isLocked = yield* tryLockFolio(world, cpu, head);
  if (!isLocked) return;
  yield* folioFreeSwap(world, cpu, head);
  yield* unlockFolio(world, cpu, head);
}

/** An entry for `slot` is cleared: the slot is freed with the last one, with the folio it has. */
export function* freeSwapAndCache(world: World, cpu: number, slot: number): Op<void> {
  yield* swapFree(world, cpu, slot);
  const head = yield* swapCacheGet(world, cpu, slot);
  if (head === NONE) return;
  yield* freeSwapCache(world, cpu, head);
  yield* putFrame(world, cpu, head);
}

/**
 * The folio of `slot` by way of the swap cache, with a reference: found there, or read. Nobody may
 * use its content before its folio lock was taken.
 *
 * @returns `NONE` if memory is exhausted, or nothing refers to the slot any more
 */
export function* readSwapCache(world: World, cpu: number, slot: number): Op<number> {
  for (;;) {
    const found = yield* swapCacheGet(world, cpu, slot);
    if (found !== NONE) return found;
    yield reading(world.objects.swapSlot(slot));
    if (world.swapCount[slot] === 0 && world.swapCache[slot] === NONE) return NONE;
    const head = yield* allocFrame(world, cpu);
    if (head === NONE) return NONE;
    const isAdded = yield* addAndRead(world, cpu, slot, head);
    if (isAdded) return head;
    yield* putFrame(world, cpu, head);
    yield slotRead(world.objects.swapSlot(slot));
  }
}

/** Puts a new folio into the swap cache, unless there is one, and fills it. */
function* addAndRead(world: World, cpu: number, slot: number, head: number): Op<boolean> {
  yield* lockFolio(world, cpu, head);
  yield writing(world.objects.frame(head));
  world.frameFlags[head]! |= FrameFlag.SWAPBACKED;
  yield* lockSwap(world, cpu);
  yield writing(world.objects.swapSlot(slot));
  const isFirst = world.swapCache[slot] === NONE && world.swapCount[slot]! > 0;
  if (isFirst) enterSlot(world, slot, head);
  yield writing(world.objects.frame(head));
  if (isFirst) {
    world.frameFlags[head]! |= FrameFlag.SWAPCACHE;
    world.frameReferences[head]!++;
  }
  yield* unlockSwap(world, cpu);
  if (isFirst) yield* swapReadFolio(world, slot, head);
  yield* unlockFolio(world, cpu, head);
  return isFirst;
}

/** Fills the folio `head`, which is locked, or which nobody knows. @source mm/page_io.c */
export function* swapReadFolio(world: World, slot: number, head: number): Op<void> {
  yield reading(world.objects.swapSlot(slot));
  const word = world.size.contents ? world.swapData[slot]! : 0;
  yield writing(world.objects.frame(head));
  world.frameFlags[head]! |= FrameFlag.UPTODATE;
  if (world.size.contents) world.frameData[head] = word;
}
