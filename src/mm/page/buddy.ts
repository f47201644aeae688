/**
 * The buddy system: free blocks of 2^order frames, halved for who needs less, joined again when both
 * halves are free. All under the zone lock.
 *
 * The lists are doubly linked through what a free frame has no use for: `frameIndex` of the first
 * frame of a block is the next block, `frameReferences`, as -1 - frame, the previous one: what is free
 * has no references, or less than none.
 *
 * @source mm/page_alloc.c __rmqueue_smallest(), __free_one_page() (Linux 6.18)
 * @omits  zones, NUMA nodes, watermarks, migration types, compaction
 */
import { assert } from '../../base/assert.ts';
import { FrameFlag, NONE, ORDER_SHIFT, type World } from '../world/world.ts';

/** The largest order of a block. @source include/linux/mmzone.h MAX_PAGE_ORDER */
export const ORDER_MAX = 10;
/** The end of a list. */
const END = 0xffffffff;

/** The first frame of a block of 2^order, or `NONE`. */
export function takeBlock(world: World, order: number): number {
  for (let from = order; from <= ORDER_MAX; from++) {
    const frame = world.freeAreas[from]!;
    if (frame === NONE) continue;
    unlinkBlock(world, frame, from);
    for (let half = from - 1; half >= order; half--) linkBlock(world, frame + 2 ** half, half);
    return frame;
  }
  return NONE;
}

/** Takes a certain free block. */
export function takeBlockAt(world: World, frame: number, order: number): void {
  unlinkBlock(world, frame, order);
}

/** Frees 2^order frames, with all free neighbours that make larger blocks with them. */
export function returnBlock(world: World, frame: number, order: number): void {
  let start = frame;
  let size = order;
  for (; size < ORDER_MAX; size++) {
    const buddy = start ^ (1 << size);
    if (!isFreeBlock(world, buddy, size)) break;
    unlinkBlock(world, buddy, size);
    start = Math.min(start, buddy);
  }
  linkBlock(world, start, size);
}

function isFreeBlock({ frameFlags, size }: World, frame: number, order: number): boolean {
  return frame < size.frames && frameFlags[frame] === (FrameFlag.BUDDY | (order << ORDER_SHIFT));
}

function linkBlock(
  { freeAreas, frameFlags, frameIndex, frameReferences }: World,
  frame: number,
  order: number,
): void {
  const next = freeAreas[order]!;
  frameFlags[frame] = FrameFlag.BUDDY | (order << ORDER_SHIFT);
  frameIndex[frame] = next === NONE ? END : next;
  frameReferences[frame] = 0;
  if (next !== NONE) frameReferences[next] = -1 - frame;
  freeAreas[order] = frame;
}

function unlinkBlock(
  { freeAreas, frameFlags, frameIndex, frameReferences }: World,
  frame: number,
  order: number,
): void {
  assert((frameFlags[frame]! & FrameFlag.BUDDY) !== 0, 'a block that is taken is free');
  const next = frameIndex[frame]!;
  const previous = frameReferences[frame]!;
  if (previous === 0) freeAreas[order] = next === END ? NONE : next;
  else frameIndex[-1 - previous] = next;
  if (next !== END) frameReferences[next] = previous;
  frameFlags[frame] = 0;
  frameReferences[frame] = 0;
}

/** Frees the frames `[start, end)` for the first time, in the largest blocks that are aligned. */
export function initBlocks(world: World, start: number, end: number): void {
  for (let frame = start; frame < end; ) {
    let order = 0;
    while (order < ORDER_MAX && frame % 2 ** (order + 1) === 0 && frame + 2 ** (order + 1) <= end) {
      order++;
    }
    linkBlock(world, frame, order);
    frame += 2 ** order;
  }
}
