/**
 * Locks: spinlocks and mutexes held by one CPU, rw-semaphores held by one writer or many readers.
 *
 * Waiting is not spinning: the point before a lock is taken says which lock, and the scheduler gives
 * the CPU no turn while that lock is held. A CPU that holds a lock takes only locks of higher rank,
 * unless it only tries:
 *
 *    i_rwsem  <  mmap_lock  <  VMA lock  <  map_changing_lock  <  invalidate_lock  <  i_rwsem, fault
 *             mutex, VMA lock of hugetlb  <  folio lock  <  i_mmap_rwsem  <  anon_vma lock  <  page-table locks
 *             <  mmu_lock of KVM  <  swap lock  <  i_pages lock  <  resv maps  <  hugetlb_lock  <  zone lock
 *
 * @source mm/rmap.c "Lock ordering in mm", Documentation/mm/process_addrs.rst (Linux 6.18)
 * @omits  writer priority of rw-semaphores
 */
import { assert } from '../../base/assert.ts';
import { Mode } from '../../trace/index.ts';
import type { Op } from './op.ts';
import {
  downgrading,
  locking,
  lockingShared,
  tryingLock,
  tryingLockShared,
  unlocking,
  unlockingShared,
  writing,
} from './point.ts';
import { violate } from './property.ts';
import { NONE, type World } from './world.ts';

export const Rank = {
  INODE: 1 << 0,
  MMAP: 1 << 1,
  VMA: 1 << 2,
  MAP_CHANGING: 1 << 3,
  INVALIDATE: 1 << 4,
  HUGETLB_INODE: 1 << 5,
  FAULT_MUTEX: 1 << 6,
  HUGETLB_VMA: 1 << 7,
  FOLIO: 1 << 8,
  I_MMAP: 1 << 9,
  ANON_VMA: 1 << 10,
  PAGE_TABLE: 1 << 11,
  MMU: 1 << 12,
  SWAP: 1 << 13,
  PAGES: 1 << 14,
  RESV: 1 << 15,
  HUGETLB: 1 << 16,
  ZONE: 1 << 17,
} as const;
export type Rank = (typeof Rank)[keyof typeof Rank];

/** Ranks are bits in their order, so a rank may be taken while the mask of those held is below. */
export function hold(world: World, cpu: number, rank: Rank): void {
  if (world.heldRanks[cpu]! >= rank) violate(world, 'P-LOCK');
  holdAnyway(world, cpu, rank);
}

/** For a lock that was only tried: not waiting for it, the CPU cannot be part of a deadlock. */
export function holdAnyway(world: World, cpu: number, rank: Rank): void {
  world.heldRanks[cpu]! |= rank;
}

export function letGo(world: World, cpu: number, rank: Rank): void {
  assert((world.heldRanks[cpu]! & rank) !== 0, 'a lock that is released has been taken');
  world.heldRanks[cpu]! &= ~rank;
}

export function* lock(world: World, cpu: number, wanted: number, rank: Rank): Op<void> {
  yield locking(wanted);
  assert(world.lockHolder[wanted] === NONE, 'a lock is free when it is granted');
  assert(world.lockReaders[wanted] === 0, 'a lock has no readers when a writer gets it');
  world.lockHolder[wanted] = cpu;
  world.trace?.lockAcquired(wanted, Mode.exclusive);
  hold(world, cpu, rank);
}

export function* unlock(world: World, cpu: number, held: number, rank: Rank): Op<void> {
  yield unlocking(held);
  assert(world.lockHolder[held] === cpu, 'a lock is released by its holder');
  world.lockHolder[held] = NONE;
  world.trace?.lockReleased(held, Mode.exclusive);
  letGo(world, cpu, rank);
}

/** A second lock of a rank that is held: the caller knows why the two cannot deadlock. */
export function* lockNested(world: World, cpu: number, wanted: number, rank: Rank): Op<void> {
  assert((world.heldRanks[cpu]! & rank) !== 0, 'a nested lock has an outer one');
  yield locking(wanted);
  assert(world.lockHolder[wanted] === NONE, 'a lock is free when it is granted');
  assert(world.lockReaders[wanted] === 0, 'a lock has no readers when a writer gets it');
  world.lockHolder[wanted] = cpu;
  world.trace?.lockAcquired(wanted, Mode.exclusive);
}

/** As `lockNested()`, together with other readers. */
export function* lockSharedNested(world: World, cpu: number, wanted: number, rank: Rank): Op<void> {
  assert((world.heldRanks[cpu]! & rank) !== 0, 'a nested lock has an outer one');
  yield lockingShared(wanted);
  assert(world.lockHolder[wanted] === NONE, 'no writer holds a lock that a reader gets');
  world.lockReaders[wanted]!++;
  world.trace?.lockAcquired(wanted, Mode.shared);
}

/** Before the outer lock is released. */
export function* unlockSharedNested(world: World, held: number): Op<void> {
  yield unlockingShared(held);
  assert(world.lockReaders[held]! > 0, 'a read lock is released by a reader');
  world.lockReaders[held]!--;
  world.trace?.lockReleased(held, Mode.shared);
}

/** Takes a second lock of a rank that is held, if nobody holds it. */
export function* tryLockNested(world: World, cpu: number, wanted: number): Op<boolean> {
  yield tryingLock(wanted);
  if (world.lockHolder[wanted] !== NONE || world.lockReaders[wanted]! > 0) {
    world.trace?.lockBusy(wanted, Mode.exclusive);
    return false;
  }
  world.lockHolder[wanted] = cpu;
  world.trace?.lockAcquired(wanted, Mode.exclusive);
  return true;
}

/** Before the outer lock is released. */
export function* unlockNested(world: World, cpu: number, held: number): Op<void> {
  yield unlocking(held);
  assert(world.lockHolder[held] === cpu, 'a lock is released by its holder');
  world.lockHolder[held] = NONE;
  world.trace?.lockReleased(held, Mode.exclusive);
}

/** Takes a lock alone if nobody holds it. */
export function* tryLock(world: World, cpu: number, wanted: number, rank: Rank): Op<boolean> {
  yield tryingLock(wanted);
  if (world.lockHolder[wanted] !== NONE || world.lockReaders[wanted]! > 0) {
    world.trace?.lockBusy(wanted, Mode.exclusive);
    return false;
  }
  world.lockHolder[wanted] = cpu;
  world.trace?.lockAcquired(wanted, Mode.exclusive);
  holdAnyway(world, cpu, rank);
  return true;
}

export function* lockShared(world: World, cpu: number, wanted: number, rank: Rank): Op<void> {
  yield lockingShared(wanted);
  assert(world.lockHolder[wanted] === NONE, 'no writer holds a lock that a reader gets');
  world.lockReaders[wanted]!++;
  world.trace?.lockAcquired(wanted, Mode.shared);
  hold(world, cpu, rank);
}

export function* unlockShared(world: World, cpu: number, held: number, rank: Rank): Op<void> {
  yield unlockingShared(held);
  assert(world.lockReaders[held]! > 0, 'a read lock is released by a reader');
  world.lockReaders[held]!--;
  world.trace?.lockReleased(held, Mode.shared);
  letGo(world, cpu, rank);
}

/** Takes a lock together with other readers, unless a writer holds it. */
export function* tryLockShared(world: World, cpu: number, wanted: number, rank: Rank): Op<boolean> {
  yield tryingLockShared(wanted);
  if (world.lockHolder[wanted] !== NONE) {
    world.trace?.lockBusy(wanted, Mode.shared);
    return false;
  }
  world.lockReaders[wanted]!++;
  world.trace?.lockAcquired(wanted, Mode.shared);
  holdAnyway(world, cpu, rank);
  return true;
}

export function* mmapReadLock(world: World, cpu: number, mm: number): Op<void> {
  yield* lockShared(world, cpu, world.objects.mmapLock(mm), Rank.MMAP);
}

export function* mmapReadUnlock(world: World, cpu: number, mm: number): Op<void> {
  yield* unlockShared(world, cpu, world.objects.mmapLock(mm), Rank.MMAP);
}

export function* mmapWriteLock(world: World, cpu: number, mm: number): Op<void> {
  yield* lock(world, cpu, world.objects.mmapLock(mm), Rank.MMAP);
}

/** Ends every VMA write lock taken since `mmapWriteLock()`, all at once, then lets writers in. */
export function* mmapWriteUnlock(world: World, cpu: number, mm: number): Op<void> {
  yield* vmaEndWriteAll(world, cpu, mm);
  yield* unlock(world, cpu, world.objects.mmapLock(mm), Rank.MMAP);
}

/** The lock of a new address space, besides that of its parent: nobody else knows it yet. */
export function* mmapWriteLockNested(world: World, cpu: number, mm: number): Op<void> {
  yield* lockNested(world, cpu, world.objects.mmapLock(mm), Rank.MMAP);
}

/** Before the lock of the parent is dropped. */
export function* mmapWriteUnlockNested(world: World, cpu: number, mm: number): Op<void> {
  yield* vmaEndWriteAll(world, cpu, mm);
  yield* unlockNested(world, cpu, world.objects.mmapLock(mm));
}

/** The lock of the host of a region, besides that of a guest (SINGLE_DEPTH_NESTING). */
export function* mmapReadLockNested(world: World, cpu: number, mm: number): Op<void> {
  yield* lockSharedNested(world, cpu, world.objects.mmapLock(mm), Rank.MMAP);
}

export function* mmapReadUnlockNested(world: World, mm: number): Op<void> {
  yield* unlockSharedNested(world, world.objects.mmapLock(mm));
}

/** Goes on as a reader: VMA write locks end, faults elsewhere and other readers may run. */
export function* mmapWriteDowngrade(world: World, cpu: number, mm: number): Op<void> {
  yield* vmaEndWriteAll(world, cpu, mm);
  const held = world.objects.mmapLock(mm);
  yield downgrading(held);
  assert(world.lockHolder[held] === cpu, 'a lock is downgraded by its holder');
  world.lockHolder[held] = NONE;
  world.lockReaders[held] = 1;
  world.trace?.lockDowngraded(held);
}

/** Called under the mmap write lock. */
function* vmaEndWriteAll(world: World, cpu: number, mm: number): Op<void> {
  assert(world.lockHolder[world.objects.mmapLock(mm)] === cpu, 'the writer ends VMA locks');
  yield writing(world.objects.sequence(mm));
  world.mmSequence[mm]!++;
}
