/**
 * The lock of each VMA, which faults take for reading instead of the mmap lock.
 *
 * A fault finds its VMA in the tree without the mmap lock and joins its readers. A writer, who holds
 * the mmap lock, waits until they have left and stores the sequence number of the address space in
 * the VMA: until that number changes, which is when the mmap lock is dropped, the VMA is write-locked
 * and new readers step back. A VMA that was removed is detached: nobody can join it.
 *
 * @source mm/mmap_lock.c lock_vma_under_rcu(), include/linux/mmap_lock.h vma_start_read(),
 *         __vma_start_write() (Linux 6.18)
 * @omits  the reuse of a VMA's memory by another while a reader looks at it
 */
import { assert } from '../../base/assert.ts';
import { Mode } from '../../trace/index.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import { holdAnyway, letGo, Rank } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { draining, reading, tryingShared, unlockingShared, writing } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { VMA_READERS } from '../world/world.ts';
import type { Mm } from './mm.ts';
import type { Vma } from './vma.ts';

/**
 * Parts of the count of a VMA, above its readers: in the tree, and waited for by a writer. Nobody can
 * join unless it is attached, and a writer that waits puts the second in place of the first.
 */
const ATTACHED = VMA_READERS + 1;
const WRITER = 2 * ATTACHED;

/** Gives a new VMA its number and puts it into the tree. Called under the mmap write lock. */
export function* attachVma(machine: Machine, cpu: number, mm: Mm, vma: Vma): Op<void> {
  machine.vmas.add(cpu, (id) => {
    vma.id = id;
    return vma;
  });
  // Nobody knows it yet, but lookups by its number may still come from who knew the last one.
  yield writing(machine.objects.vmaReferences(vma.id));
  machine.vmaReferences[vma.id] = ATTACHED;
  yield writing(machine.objects.vmaSequence(vma.id));
  machine.vmaSequence[vma.id] = machine.mmSequence[mm.id]!;
  yield writing(machine.objects.tree(mm.id));
  mm.vmas.insert(vma);
}

/** Takes a VMA out of the tree. Called under its write lock. */
export function* detachVma(machine: Machine, cpu: number, mm: Mm, vma: Vma): Op<void> {
  yield writing(machine.objects.tree(mm.id));
  mm.vmas.remove(vma);
  const count = machine.objects.vmaReferences(vma.id);
  yield writing(count);
  machine.vmaReferences[vma.id]! -= ATTACHED;
  // Readers that have joined since see the sequence and step back.
  yield draining(count);
  assert(machine.vmaReferences[vma.id] === 0, 'a detached VMA has no readers');
  machine.trace?.lockAcquired(count, Mode.exclusive);
  machine.trace?.lockReleased(count, Mode.exclusive);
  machine.vmas.remove(cpu, vma.id);
}

/**
 * Write-locks `vma` until the mmap lock is dropped, waiting for the faults that read it.
 *
 * Called under the mmap write lock.
 */
export function* vmaStartWrite(machine: Machine, mm: Mm, vma: Vma): Op<void> {
  touchVma(machine, vma);
  if (machine.vmaSequence[vma.id] === machine.mmSequence[mm.id]) return;
  const count = machine.objects.vmaReferences(vma.id);
  yield writing(count);
  machine.vmaReferences[vma.id]! += WRITER - ATTACHED;
  yield draining(count);
  assert(machine.vmaReferences[vma.id] === WRITER, 'a VMA has no readers when it is write-locked');
  machine.trace?.lockAcquired(count, Mode.exclusive);
  yield writing(machine.objects.vmaSequence(vma.id));
  machine.vmaSequence[vma.id] = machine.mmSequence[mm.id]!;
  yield writing(count);
  machine.vmaReferences[vma.id]! += ATTACHED - WRITER;
  machine.trace?.lockReleased(count, Mode.exclusive);
}

/** `vma`, which is in no list any more, goes: whoever still knows it may not use it. */
export function freeVma(vma: Vma): void {
  vma.isFreed = true;
}

/** Called by who is about to use `vma`: the locks that keep it are not taken for granted. */
export function touchVma(machine: Machine, vma: Vma): void {
  if (vma.isFreed === true) violate(machine, 'P-UAF-VMA');
}

/** Joins the readers of `vma`, or says that it could not. Never waits. */
function* vmaStartRead({ machine, cpu, mm }: Task, vma: Vma, id: number): Op<boolean> {
  const isLocked = yield* isWriteLocked(machine, mm, id);
  if (isLocked) return false;
  yield tryingShared(machine.objects.vmaReferences(id));
  // Another VMA has its number now.
  if ((machine.vmaReferences[id]! & ATTACHED) === 0 || machine.vmas.find(id) !== vma) return false;
  machine.vmaReferences[id]!++;
  holdAnyway(machine, cpu, Rank.VMA);
  machine.trace?.lockAcquired(machine.objects.vmaReferences(id), Mode.shared);
  const isLockedNow = yield* isWriteLocked(machine, mm, id);
  if (isLockedNow) yield* vmaEndRead(machine, cpu, vma);
  return !isLockedNow;
}

/** Whether anybody reads a VMA that is attached. */
export function isReadLocked({ vmaReferences }: Machine, { id }: Vma): boolean {
  return vmaReferences[id]! % ATTACHED > 0;
}

export function* isWriteLocked(machine: Machine, mm: Mm, id: number): Op<boolean> {
  yield reading(machine.objects.vmaSequence(id));
  const sequence = machine.vmaSequence[id]!;
  yield reading(machine.objects.sequence(mm.id));
  return sequence === machine.mmSequence[mm.id];
}

export function* vmaEndRead(machine: Machine, cpu: number, vma: Vma): Op<void> {
  touchVma(machine, vma);
  yield unlockingShared(machine.objects.vmaReferences(vma.id));
  machine.vmaReferences[vma.id]!--;
  letGo(machine, cpu, Rank.VMA);
  machine.trace?.lockReleased(machine.objects.vmaReferences(vma.id), Mode.shared);
}

/** The VMA that contains `page`, read-locked, or `undefined`: then the mmap lock is to be taken. */
export function* lockVmaUnderRcu(task: Task, page: number): Op<Vma | undefined> {
  const { machine, cpu, mm } = task;
  yield reading(machine.objects.tree(mm.id));
  const vma = mm.vmas.at(page);
  if (vma === undefined) return undefined;
  const isLocked = yield* vmaStartRead(task, vma, vma.id);
  if (!isLocked) return undefined;
  // It may have been cut since it was looked up.
  if (vma.start <= page && page < vma.end) return vma;
  yield* vmaEndRead(machine, cpu, vma);
  return undefined;
}
