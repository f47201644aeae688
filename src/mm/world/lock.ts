/**
 * Locks: spinlocks and mutexes held by one CPU, rw-semaphores held by one writer or many readers.
 *
 * Waiting is not spinning: the point before a lock is taken says which lock, and the scheduler gives
 * the CPU no turn while that lock is held. A CPU that holds a lock takes only locks of higher rank:
 *
 *    mmap_lock  <  VMA lock  <  page-table locks  <  zone lock
 *
 * @source mm/rmap.c "Lock ordering in mm", Documentation/mm/process_addrs.rst (Linux 6.18)
 * @omits  writer priority of rw-semaphores, nested page-table locks
 */
import { assert } from '../base/assert.ts';
import { type Machine, NONE } from './machine.ts';
import type { Op } from './op.ts';
import { locking, lockingShared, unlocking, unlockingShared, writing } from './point.ts';
import { violate } from './property.ts';

export const Rank = { MMAP: 1, VMA: 2, PAGE_TABLE: 4, ZONE: 8 } as const;
export type Rank = (typeof Rank)[keyof typeof Rank];

/** Ranks are bits in their order, so a rank may be taken while the mask of those held is below. */
function hold(machine: Machine, cpu: number, rank: Rank): void {
  if (machine.heldRanks[cpu]! >= rank) violate(machine, 'P-LOCK');
  holdAnyway(machine, cpu, rank);
}

/** For a lock that was only tried: not waiting for it, the CPU cannot be part of a deadlock. */
export function holdAnyway(machine: Machine, cpu: number, rank: Rank): void {
  machine.heldRanks[cpu]! |= rank;
}

export function letGo(machine: Machine, cpu: number, rank: Rank): void {
  assert((machine.heldRanks[cpu]! & rank) !== 0, 'a lock that is released has been taken');
  machine.heldRanks[cpu]! &= ~rank;
}

export function* lock(machine: Machine, cpu: number, wanted: number, rank: Rank): Op<void> {
  yield locking(wanted);
  assert(machine.lockHolder[wanted] === NONE, 'a lock is free when it is granted');
  assert(machine.lockReaders[wanted] === 0, 'a lock has no readers when a writer gets it');
  machine.lockHolder[wanted] = cpu;
  hold(machine, cpu, rank);
}

export function* unlock(machine: Machine, cpu: number, held: number, rank: Rank): Op<void> {
  yield unlocking(held);
  assert(machine.lockHolder[held] === cpu, 'a lock is released by its holder');
  machine.lockHolder[held] = NONE;
  letGo(machine, cpu, rank);
}

export function* mmapReadLock(machine: Machine, cpu: number, mm: number): Op<void> {
  const wanted = machine.objects.mmapLock(mm);
  yield lockingShared(wanted);
  assert(machine.lockHolder[wanted] === NONE, 'no writer holds a lock that a reader gets');
  machine.lockReaders[wanted]!++;
  hold(machine, cpu, Rank.MMAP);
}

export function* mmapReadUnlock(machine: Machine, cpu: number, mm: number): Op<void> {
  const held = machine.objects.mmapLock(mm);
  yield unlockingShared(held);
  assert(machine.lockReaders[held]! > 0, 'a read lock is released by a reader');
  machine.lockReaders[held]!--;
  letGo(machine, cpu, Rank.MMAP);
}

export function* mmapWriteLock(machine: Machine, cpu: number, mm: number): Op<void> {
  yield* lock(machine, cpu, machine.objects.mmapLock(mm), Rank.MMAP);
}

/** Ends every VMA write lock taken since `mmapWriteLock()`, all at once, then lets writers in. */
export function* mmapWriteUnlock(machine: Machine, cpu: number, mm: number): Op<void> {
  yield* vmaEndWriteAll(machine, cpu, mm);
  yield* unlock(machine, cpu, machine.objects.mmapLock(mm), Rank.MMAP);
}

/** Goes on as a reader: VMA write locks end, faults elsewhere and other readers may run. */
export function* mmapWriteDowngrade(machine: Machine, cpu: number, mm: number): Op<void> {
  yield* vmaEndWriteAll(machine, cpu, mm);
  const held = machine.objects.mmapLock(mm);
  yield unlocking(held);
  assert(machine.lockHolder[held] === cpu, 'a lock is downgraded by its holder');
  machine.lockHolder[held] = NONE;
  machine.lockReaders[held] = 1;
}

/** Called under the mmap write lock. */
function* vmaEndWriteAll(machine: Machine, cpu: number, mm: number): Op<void> {
  assert(machine.lockHolder[machine.objects.mmapLock(mm)] === cpu, 'the writer ends VMA locks');
  yield writing(machine.objects.sequence(mm));
  machine.mmSequence[mm]!++;
}
