/**
 * Physical frames and folios: allocated with one reference, freed with the last.
 *
 * Single frames come from a list of each CPU, which is refilled from the buddy system in batches.
 * A folio of more frames counts its references at the first one, its head.
 *
 * @source mm/page_alloc.c rmqueue(), free_unref_page(); mm/swap.c __folio_put() (Linux 6.18)
 * @omits  lists of a CPU for orders above 0
 */
import { assert } from '../../base/assert.ts';
import { isHugetlbFolio } from '../hugetlb/folio.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { putting, writing } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { FrameFlag, NONE, ORDER_SHIFT, type World } from '../world/world.ts';
import { initBlocks, returnBlock, takeBlock } from './buddy.ts';

/** Content of a freed frame. */
export const POISON = 0x5a5a5a5a | 0;
/** The frame that all reads of untouched private memory see. */
export const ZERO_FRAME = 0;

/** All frames are free but the zero page. */
export function initFrames(world: World): void {
  world.frameFlags[ZERO_FRAME] = FrameFlag.RESERVED;
  world.frameReferences[ZERO_FRAME] = 1;
  initBlocks(world, ZERO_FRAME + 1, world.size.frames);
}

/** The first frame of the folio that `frame` belongs to. */
export function headOf({ frameFlags, frameIndex }: World, frame: number): number {
  return (frameFlags[frame]! & FrameFlag.TAIL) === 0 ? frame : frameIndex[frame]!;
}

/** The order of the folio that starts at `head`. */
export function orderOf({ frameFlags }: World, head: number): number {
  return frameFlags[head]! >>> ORDER_SHIFT;
}

/** A folio that was written to is not on its way out. @source mm/page-writeback.c folio_mark_dirty() */
export function markDirty({ frameFlags }: World, head: number): void {
  frameFlags[head]! &= ~FrameFlag.READAHEAD;
  frameFlags[head]! |= FrameFlag.DIRTY;
}

/** How many frames move between a CPU's list and the zone at a time: 63 unless memory is small. */
function batchOf({ size }: World): number {
  return Math.max(1, Math.min(63, Math.floor(size.frames / (4 * size.cpus))));
}

/**
 * A zeroed frame with one reference, or `NONE` if memory is exhausted.
 *
 * @locks the zone lock, if the CPU's list is empty
 */
export function* allocFrame(world: World, cpu: number): Op<number> {
  if (world.cpuFreeFrames[cpu] === NONE) yield* refill(world, cpu);
  const frame = world.cpuFreeFrames[cpu]!;
  if (frame === NONE) return NONE;
  // Lockless walkers may try to get any frame, free ones too.
  yield writing(world.objects.frame(frame));
  assert(world.frameReferences[frame] === 0, 'a free frame has no references');
  popFree(world, cpu);
  world.frameReferences[frame] = 1;
  if (world.size.contents) world.frameData[frame] = 0;
  world.trace?.folioAlloc(frame, 0);
  return frame;
}

/**
 * A zeroed folio of 2^order frames with one reference: its head, or `NONE` if there is no such block.
 *
 * @locks the zone lock
 */
export function* allocFolio(world: World, cpu: number, order: number): Op<number> {
  if (order === 0) return yield* allocFrame(world, cpu);
  yield* lock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  const head = takeBlock(world, order);
  yield* unlock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  if (head === NONE) return NONE;
  yield writing(world.objects.frame(head));
  assert(world.frameReferences[head] === 0, 'a free folio has no references');
  world.frameReferences[head] = 1;
  world.frameFlags[head] = order << ORDER_SHIFT;
  for (let frame = head + 1; frame < head + 2 ** order; frame++) {
    world.frameFlags[frame] = FrameFlag.TAIL;
    world.frameIndex[frame] = head;
  }
  if (world.size.contents) world.frameData.fill(0, head, head + 2 ** order);
  world.trace?.folioAlloc(head, order);
  return head;
}

function* refill(world: World, cpu: number): Op<void> {
  yield* lock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  for (let count = batchOf(world); count > 0; count--) {
    const frame = takeBlock(world, 0);
    if (frame === NONE) break;
    pushFree(world, cpu, frame);
  }
  yield* unlock(world, cpu, world.objects.zoneLock, Rank.ZONE);
}

/** Another reference to a frame, or its folio, that the caller knows to have one. */
export function* getFrame(world: World, frame: number): Op<void> {
  const head = headOf(world, frame);
  yield writing(world.objects.frame(head));
  assert(world.frameReferences[head]! > 0, 'a frame that gets a reference has one');
  world.frameReferences[head]!++;
}

/** Drops a reference; the last one frees the frame to the list of `cpu`, or the folio. */
export function* putFrame(world: World, cpu: number, frame: number): Op<void> {
  const head = headOf(world, frame);
  yield putting(world.objects.frame(head));
  assert(world.frameReferences[head]! > 0, 'a reference that is dropped was held');
  world.frameReferences[head]!--;
  if (world.frameReferences[head]! > 0) return;
  const flags = world.frameFlags[head]!;
  assert((flags & FrameFlag.RESERVED) === 0, 'a reserved frame is never freed');
  world.trace?.folioFree(head, orderOf(world, head));
  if (isHugetlbFolio(world, head)) {
    yield* world.freeHugetlb(cpu, head);
    return;
  }
  if ((flags & FrameFlag.HEAD) !== 0) {
    yield* freeFolio(world, cpu, head, flags >>> ORDER_SHIFT);
    return;
  }
  forget(world, head);
  pushFree(world, cpu, head);
  if (world.cpuFreeCount[cpu]! >= 2 * batchOf(world)) yield* drain(world, cpu);
}

function* freeFolio(world: World, cpu: number, head: number, order: number): Op<void> {
  for (let frame = head; frame < head + 2 ** order; frame++) forget(world, frame);
  yield* lock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  returnBlock(world, head, order);
  yield* unlock(world, cpu, world.objects.zoneLock, Rank.ZONE);
}

/** Nobody may reach a frame any more that is to be free. */
function forget(world: World, frame: number): void {
  if (world.ledger.holdsFrame(frame) || world.frameMapcount[frame]! > 0) {
    violate(world, 'P-UAF-PAGE');
  }
  if (world.size.contents) world.frameData[frame] = POISON;
  world.frameMapping[frame] = 0;
  if ((world.frameFlags[frame]! & FrameFlag.MLOCKED) !== 0) world.mlockCounts.delete(frame);
  world.frameFlags[frame] = 0;
}

function* drain(world: World, cpu: number): Op<void> {
  yield* lock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  for (let count = batchOf(world); count > 0; count--) returnBlock(world, popFree(world, cpu), 0);
  yield* unlock(world, cpu, world.objects.zoneLock, Rank.ZONE);
}

/** A frame in the list of a CPU keeps the next one where a used one keeps its index. */
const END = 0xffffffff;

function pushFree(world: World, cpu: number, frame: number): void {
  const first = world.cpuFreeFrames[cpu]!;
  world.frameIndex[frame] = first === NONE ? END : first;
  world.cpuFreeFrames[cpu] = frame;
  world.cpuFreeCount[cpu]!++;
}

function popFree(world: World, cpu: number): number {
  const frame = world.cpuFreeFrames[cpu]!;
  assert(frame !== NONE, 'a list that a frame is taken from has one');
  const next = world.frameIndex[frame]!;
  world.cpuFreeFrames[cpu] = next === END ? NONE : next;
  world.cpuFreeCount[cpu]!--;
  return frame;
}
