/**
 * Physical frames: a free list for each CPU, refilled from the zone in batches.
 *
 * @source mm/page_alloc.c rmqueue_pcplist(), free_unref_page() (Linux 6.18)
 * @omits  the buddy system, orders above 0, watermarks, migration types
 */
import { assert } from '../base/assert.ts';
import { lock, Rank, unlock } from './lock.ts';
import { type Machine, NONE } from './machine.ts';
import type { Op } from './op.ts';
import { putting, writing } from './point.ts';
import { violate } from './property.ts';

/** Content of a freed frame. */
export const POISON = 0x5a5a5a5a | 0;

/**
 * A zeroed frame with one reference, or `NONE` if memory is exhausted.
 *
 * @locks the zone lock, if the CPU's list is empty
 */
export function* allocFrame(machine: Machine, cpu: number): Op<number> {
  if (machine.cpuFreeFrames[cpu] === NONE) yield* refill(machine, cpu);
  const frame = machine.cpuFreeFrames[cpu]!;
  if (frame === NONE) return NONE;
  // Lockless walkers may try to get any frame, free ones too.
  yield writing(machine.objects.frame(frame));
  assert(machine.frameReferences[frame] === 0, 'a free frame has no references');
  machine.cpuFreeFrames[cpu] = machine.frameNext[frame]!;
  machine.cpuFreeCount[cpu]!--;
  machine.frameReferences[frame] = 1;
  machine.frameData[frame] = 0;
  return frame;
}

function* refill(machine: Machine, cpu: number): Op<void> {
  yield* lock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
  for (let count = 0; count < machine.batch; count++) {
    const frame = machine.zoneFreeFrames[0]!;
    if (frame === NONE) break;
    machine.zoneFreeFrames[0] = machine.frameNext[frame]!;
    pushFree(machine, cpu, frame);
  }
  yield* unlock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
}

/** Drops a reference; the last one frees the frame to the list of `cpu`. */
export function* putFrame(machine: Machine, cpu: number, frame: number): Op<void> {
  yield putting(machine.objects.frame(frame));
  assert(machine.frameReferences[frame]! > 0, 'a reference that is dropped was held');
  machine.frameReferences[frame]!--;
  if (machine.frameReferences[frame]! > 0) return;
  if (machine.ledger.holdsFrame(frame)) violate(machine, 'P-UAF-PAGE');
  machine.frameData[frame] = POISON;
  pushFree(machine, cpu, frame);
  if (machine.cpuFreeCount[cpu]! >= 2 * machine.batch) yield* drain(machine, cpu);
}

function* drain(machine: Machine, cpu: number): Op<void> {
  yield* lock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
  for (let count = 0; count < machine.batch; count++) {
    const frame = machine.cpuFreeFrames[cpu]!;
    machine.cpuFreeFrames[cpu] = machine.frameNext[frame]!;
    machine.cpuFreeCount[cpu]!--;
    machine.frameNext[frame] = machine.zoneFreeFrames[0]!;
    machine.zoneFreeFrames[0] = frame;
  }
  yield* unlock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
}

function pushFree(machine: Machine, cpu: number, frame: number): void {
  machine.frameNext[frame] = machine.cpuFreeFrames[cpu]!;
  machine.cpuFreeFrames[cpu] = frame;
  machine.cpuFreeCount[cpu]!++;
}
