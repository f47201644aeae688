/**
 * VMAs: a sorted list for each address space, and a lock for each VMA that faults take for reading.
 *
 * A fault finds its VMA in the tree without the mmap lock and joins its readers. A writer, who holds
 * the mmap lock, waits until they have left and stores the sequence number of the address space in
 * the VMA: until that number changes, which is when the mmap lock is dropped, the VMA is write-locked
 * and new readers step back. A VMA that was removed is detached: nobody can join it.
 *
 * @source mm/mmap_lock.c lock_vma_under_rcu(), include/linux/mmap_lock.h vma_start_read(),
 *         __vma_start_write() (Linux 6.18)
 * @omits  merging, splitting, and the RCU free of VMAs: the place of one is reused, not its memory
 */
import type { Vpn } from '../arch/index.ts';
import { assert } from '../base/assert.ts';
import { holdAnyway, letGo, Rank } from './lock.ts';
import { type Machine, NONE } from './machine.ts';
import type { Op } from './op.ts';
import { draining, reading, tryingShared, unlockingShared, writing } from './point.ts';

/**
 * Parts of the count of a VMA, above its readers: in the tree, and waited for by a writer. Nobody can
 * join unless it is attached, and a writer that waits puts the second in place of the first.
 */
const ATTACHED = 2 ** 20;
const WRITER = 2 ** 21;
const READERS = ATTACHED - 1;

/** The index in the sorted list of the first VMA that ends after `page`. */
export function indexOfVma(machine: Machine, mm: number, page: number): number {
  const base = mm * machine.size.vmas;
  let low = 0;
  let high = machine.vmaCount[mm]!;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (machine.vmaEnd[machine.vmaOrder[base + middle]!]! > page) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The VMA number `index` of the sorted list, or `NONE` beyond its ends. */
export function vmaAt(machine: Machine, mm: number, index: number): number {
  if (index < 0 || index >= machine.vmaCount[mm]!) return NONE;
  return machine.vmaOrder[mm * machine.size.vmas + index]!;
}

/** The VMA that contains `page`, or `NONE`. */
export function findVma(machine: Machine, mm: number, page: Vpn): number {
  const vma = vmaAt(machine, mm, indexOfVma(machine, mm, page));
  return vma !== NONE && machine.vmaStart[vma]! <= page ? vma : NONE;
}

/** Inserts a VMA for `[start, end)`, which is free; `NONE` if there are too many. */
export function* insertVma(
  machine: Machine,
  mm: number,
  start: number,
  end: number,
  writable: boolean,
): Op<number> {
  const vma = freeVma(machine, mm);
  if (vma === NONE) return NONE;
  machine.vmaUsed[vma] = 1;
  machine.vmaStart[vma] = start;
  machine.vmaEnd[vma] = end;
  machine.vmaWritable[vma] = writable ? 1 : 0;
  yield writing(machine.objects.vmaReferences(vma));
  machine.vmaReferences[vma] = ATTACHED;
  yield writing(machine.objects.tree(mm));
  const base = mm * machine.size.vmas;
  const index = indexOfVma(machine, mm, start);
  for (let at = machine.vmaCount[mm]!; at > index; at--) {
    machine.vmaOrder[base + at] = machine.vmaOrder[base + at - 1]!;
  }
  machine.vmaOrder[base + index] = vma;
  machine.vmaCount[mm]!++;
  return vma;
}

/** Called under the mmap write lock. */
function freeVma(machine: Machine, mm: number): number {
  const base = mm * machine.size.vmas;
  for (let vma = base; vma < base + machine.size.vmas; vma++) {
    if (machine.vmaUsed[vma] === 0) return vma;
  }
  return NONE;
}

/** Takes the VMA number `index` out of the tree. Called under its write lock. */
export function* removeVma(machine: Machine, mm: number, index: number): Op<void> {
  const vma = vmaAt(machine, mm, index);
  yield writing(machine.objects.tree(mm));
  const base = mm * machine.size.vmas;
  machine.vmaCount[mm]!--;
  for (let at = index; at < machine.vmaCount[mm]!; at++) {
    machine.vmaOrder[base + at] = machine.vmaOrder[base + at + 1]!;
  }
  yield* detachVma(machine, vma);
  machine.vmaUsed[vma] = 0;
}

function* detachVma(machine: Machine, vma: number): Op<void> {
  const count = machine.objects.vmaReferences(vma);
  yield writing(count);
  machine.vmaReferences[vma]! -= ATTACHED;
  // Readers that have joined since see the sequence and step back.
  yield draining(count);
  assert(machine.vmaReferences[vma] === 0, 'a detached VMA has no readers');
}

/**
 * Write-locks `vma` until the mmap lock is dropped, waiting for the faults that read it.
 *
 * Called under the mmap write lock.
 */
export function* vmaStartWrite(machine: Machine, mm: number, vma: number): Op<void> {
  if (machine.vmaSequence[vma] === machine.mmSequence[mm]) return;
  const count = machine.objects.vmaReferences(vma);
  yield writing(count);
  machine.vmaReferences[vma]! += WRITER - ATTACHED;
  yield draining(count);
  assert(machine.vmaReferences[vma] === WRITER, 'a VMA has no readers when it is write-locked');
  yield writing(machine.objects.vmaSequence(vma));
  machine.vmaSequence[vma] = machine.mmSequence[mm]!;
  yield writing(count);
  machine.vmaReferences[vma]! += ATTACHED - WRITER;
}

/** Whether all readers have left, for who waits at a `DRAIN`. */
export const isDrained = (machine: Machine, vma: number): boolean =>
  (machine.vmaReferences[vma]! & READERS) === 0;

/** Joins the readers of `vma`, or says that it could not. Never waits. */
export function* vmaStartRead(machine: Machine, cpu: number, mm: number, vma: number): Op<boolean> {
  const isLocked = yield* isWriteLocked(machine, mm, vma);
  if (isLocked) return false;
  yield tryingShared(machine.objects.vmaReferences(vma));
  if ((machine.vmaReferences[vma]! & ATTACHED) === 0) return false;
  machine.vmaReferences[vma]!++;
  holdAnyway(machine, cpu, Rank.VMA);
  const isLockedNow = yield* isWriteLocked(machine, mm, vma);
  if (isLockedNow) yield* vmaEndRead(machine, cpu, vma);
  return !isLockedNow;
}

function* isWriteLocked(machine: Machine, mm: number, vma: number): Op<boolean> {
  yield reading(machine.objects.vmaSequence(vma));
  const sequence = machine.vmaSequence[vma]!;
  yield reading(machine.objects.sequence(mm));
  return sequence === machine.mmSequence[mm];
}

export function* vmaEndRead(machine: Machine, cpu: number, vma: number): Op<void> {
  yield unlockingShared(machine.objects.vmaReferences(vma));
  machine.vmaReferences[vma]!--;
  letGo(machine, cpu, Rank.VMA);
}

/** The VMA that contains `page`, read-locked, or `NONE`: then the mmap lock is to be taken. */
export function* lockVmaUnderRcu(machine: Machine, cpu: number, mm: number, page: Vpn): Op<number> {
  yield reading(machine.objects.tree(mm));
  const vma = findVma(machine, mm, page);
  if (vma === NONE) return NONE;
  const isLocked = yield* vmaStartRead(machine, cpu, mm, vma);
  if (!isLocked) return NONE;
  // Its place may have been reused for another VMA since it was looked up.
  if (machine.vmaStart[vma]! <= page && page < machine.vmaEnd[vma]!) return vma;
  yield* vmaEndRead(machine, cpu, vma);
  return NONE;
}
