/** The truth about slots, recounted: what stands for them, and what the swap cache has of them. */
import type { Machine } from '../machine.ts';
import { violate } from '../world/property.ts';
import { FrameFlag, NONE, SWAP_PINNED } from '../world/world.ts';
import { slotOfFolio } from './swap_slot.ts';

/**
 * Compares the map counts of slots with `entries`, what was found of each, and adds the references of
 * the swap cache to those of its folios. Called when no operation is under way.
 */
export function auditSwap(machine: Machine, entries: Int32Array, references: Int32Array): void {
  const { swapCount, swapCache, frameFlags } = machine;
  let cached = 0;
  for (let slot = 0; slot < machine.size.swapSlots; slot++) {
    if (swapCount[slot] !== entries[slot]) violate(machine, 'P-COUNT');
    const head = swapCache[slot]!;
    if (head === SWAP_PINNED) violate(machine, 'P-COUNT');
    if (head < 0) continue;
    cached++;
    references[head]!++;
    const isMarked = (frameFlags[head]! & FrameFlag.SWAPCACHE) !== 0;
    if (!isMarked || slotOfFolio(machine, head) !== slot) violate(machine, 'P-COUNT');
  }
  let marked = 0;
  for (const flags of frameFlags) if ((flags & FrameFlag.SWAPCACHE) !== 0) marked++;
  if (marked !== cached) violate(machine, 'P-COUNT');
  if (countUnused(machine) !== countFree(machine)) violate(machine, 'P-COUNT');
}

function countUnused({ swapCount, swapCache }: Machine): number {
  let unused = 0;
  for (let slot = 0; slot < swapCount.length; slot++) {
    if (swapCount[slot] === 0 && swapCache[slot] === NONE) unused++;
  }
  return unused;
}

/** Slots in the list of free ones, all of which must be unused. */
function countFree(machine: Machine): number {
  let free = 0;
  for (let slot = machine.swapFree[0]!; slot !== NONE; slot = machine.swapNext[slot]!) {
    if (machine.swapCount[slot] !== 0 || machine.swapCache[slot] !== NONE) return NONE;
    free++;
  }
  return free;
}
