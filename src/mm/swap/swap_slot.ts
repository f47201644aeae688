/**
 * Slots of the swap device: places for one page each, in use as long as an entry stands for one, the
 * swap cache has its folio, or somebody reads it.
 *
 * Everything here is changed under the swap lock, and read without it: object `swapSlot`.
 *
 * @source mm/swapfile.c folio_alloc_swap(), swap_duplicate(), swap_entries_put_nr(),
 *         swapcache_prepare(), swapcache_clear() (Linux 6.18)
 * @omits  clusters, several devices, priorities, swapoff, bad slots, limits of memory cgroups
 */
import { assert } from '../../base/assert.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { NONE, SWAP_PINNED, type World } from '../world/world.ts';

/** All slots are free. */
export function initSwap(world: World): void {
  for (let slot = world.size.swapSlots - 1; slot >= 0; slot--) pushFree(world, slot);
}

export function* lockSwap(world: World, cpu: number): Op<void> {
  yield* lock(world, cpu, world.objects.swapLock, Rank.SWAP);
}

export function* unlockSwap(world: World, cpu: number): Op<void> {
  yield* unlock(world, cpu, world.objects.swapLock, Rank.SWAP);
}

/** A slot for the folio `head`, in its list, or `NONE`. Called under the swap lock. */
export function* takeSlot(world: World, head: number): Op<number> {
  const slot = world.swapFree[0]!;
  if (slot === NONE) return NONE;
  yield writing(world.objects.swapSlot(slot));
  assert(world.swapCount[slot] === 0, 'no entry stands for a free slot');
  assert(world.swapCache[slot] === NONE, 'the swap cache has no folio of a free slot');
  world.swapFree[0] = world.swapNext[slot]!;
  enterSlot(world, slot, head);
  return slot;
}

/** The swap cache has the folio `head` of `slot`. Called under the swap lock, announced. */
export function enterSlot(world: World, slot: number, head: number): void {
  const bucket = bucketOf(world, head);
  world.swapCache[slot] = head;
  world.swapNext[slot] = world.swapBuckets[bucket]!;
  world.swapBuckets[bucket] = slot;
}

/** The swap cache has no folio of `slot` any more. Called under the swap lock, announced. */
export function leaveSlot(world: World, slot: number): void {
  unlist(world, slot);
  world.swapCache[slot] = NONE;
  freeIfUnused(world, slot);
}

/** Takes a slot out of the list of its folio. */
function unlist(world: World, slot: number): void {
  const bucket = bucketOf(world, world.swapCache[slot]!);
  const first = world.swapBuckets[bucket]!;
  if (first === slot) world.swapBuckets[bucket] = world.swapNext[slot]!;
  else {
    let at = first;
    while (world.swapNext[at] !== slot) at = world.swapNext[at]!;
    world.swapNext[at] = world.swapNext[slot]!;
  }
}

/** The swap cache has the folio `to` of the slot of `from`. Called under the swap lock. */
export function* replaceInSlot(world: World, from: number, to: number): Op<void> {
  const slot = slotOfFolio(world, from);
  yield writing(world.objects.swapSlot(slot));
  unlist(world, slot);
  enterSlot(world, slot, to);
}

/** The slot of a folio of the swap cache. Called under the swap lock. */
export function slotOfFolio(world: World, head: number): number {
  let slot = world.swapBuckets[bucketOf(world, head)]!;
  while (slot !== NONE && world.swapCache[slot] !== head) slot = world.swapNext[slot]!;
  assert(slot !== NONE, 'a folio of the swap cache has a slot');
  return slot;
}

const bucketOf = ({ size }: World, head: number): number => head % size.swapSlots;

/** One more entry stands for `slot`, for which one does, or the swap cache has a folio. */
export function* swapDuplicate(world: World, cpu: number, slot: number): Op<void> {
  yield* lockSwap(world, cpu);
  yield writing(world.objects.swapSlot(slot));
  const isUsed = world.swapCount[slot]! > 0 || world.swapCache[slot] !== NONE;
  assert(isUsed, 'a slot that gets an entry is in use');
  world.swapCount[slot]!++;
  yield* unlockSwap(world, cpu);
}

/** One entry less stands for `slot`; the last one frees it, unless the swap cache needs it. */
export function* swapFree(world: World, cpu: number, slot: number): Op<void> {
  yield* lockSwap(world, cpu);
  yield writing(world.objects.swapSlot(slot));
  assert(world.swapCount[slot]! > 0, 'an entry that goes was counted');
  world.swapCount[slot]!--;
  freeIfUnused(world, slot);
  yield* unlockSwap(world, cpu);
}

/**
 * Keeps `slot` from being used for another page until `swapcacheClear()`.
 *
 * @returns false if somebody else does, or the swap cache has its folio, or no entry stands for it
 */
export function* swapcachePrepare(world: World, cpu: number, slot: number): Op<boolean> {
  if (world.bugs.swapInWithoutPin === true) return true;
  yield* lockSwap(world, cpu);
  yield writing(world.objects.swapSlot(slot));
  const isPinned = world.swapCache[slot] === NONE && world.swapCount[slot]! > 0;
  if (isPinned) world.swapCache[slot] = SWAP_PINNED;
  yield* unlockSwap(world, cpu);
  return isPinned;
}

export function* swapcacheClear(world: World, cpu: number, slot: number): Op<void> {
  if (world.bugs.swapInWithoutPin === true) return;
  yield* lockSwap(world, cpu);
  yield writing(world.objects.swapSlot(slot));
  assert(world.swapCache[slot] === SWAP_PINNED, 'a slot that is let go was kept');
  world.swapCache[slot] = NONE;
  freeIfUnused(world, slot);
  yield* unlockSwap(world, cpu);
}

function freeIfUnused(world: World, slot: number): void {
  if (world.swapCount[slot] === 0 && world.swapCache[slot] === NONE) pushFree(world, slot);
}

function pushFree(world: World, slot: number): void {
  world.swapNext[slot] = world.swapFree[0]!;
  world.swapFree[0] = slot;
}
