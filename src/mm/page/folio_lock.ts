/**
 * The lock of a folio, which any of its frames names: a flag of its first frame, waited for like any
 * lock. Who waits holds a reference, so that the folio is not split meanwhile.
 *
 * @source mm/filemap.c __folio_lock(), folio_unlock(); include/linux/pagemap.h folio_trylock()
 *         (Linux 6.18)
 */
import { assert } from '../../base/assert.ts';
import { Mode } from '../../trace/index.ts';
import { hold, holdAnyway, letGo, Rank } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { lockingFolio, tryingFolio, unlockingFolio } from '../world/point.ts';
import { FrameFlag, type World } from '../world/world.ts';
import { headOf } from './frame.ts';

/** Called with a reference to the folio of `frame`. */
export function* lockFolio(world: World, cpu: number, frame: number): Op<void> {
  const head = headOf(world, frame);
  yield lockingFolio(world.objects.folioLock(head));
  assert((world.frameFlags[head]! & FrameFlag.LOCKED) === 0, 'a lock is free when it is granted');
  world.frameFlags[head]! |= FrameFlag.LOCKED;
  hold(world, cpu, Rank.FOLIO);
  world.trace?.lockAcquired(world.objects.folioLock(head), Mode.exclusive);
}

/** Locks the folio of `frame` unless that is locked. Called with a reference to it. */
export function* tryLockFolio(world: World, cpu: number, frame: number): Op<boolean> {
  const head = headOf(world, frame);
  yield tryingFolio(world.objects.folioLock(head));
  if ((world.frameFlags[head]! & FrameFlag.LOCKED) !== 0) {
    world.trace?.lockBusy(world.objects.folioLock(head), Mode.exclusive);
    return false;
  }
  world.frameFlags[head]! |= FrameFlag.LOCKED;
  holdAnyway(world, cpu, Rank.FOLIO);
  world.trace?.lockAcquired(world.objects.folioLock(head), Mode.exclusive);
  return true;
}

/** Locks the folio `head`, which nobody else knows yet, while another folio lock is held. */
export function* lockFolioNested(world: World, cpu: number, frame: number): Op<void> {
  const head = headOf(world, frame);
  assert((world.heldRanks[cpu]! & Rank.FOLIO) !== 0, 'a nested folio lock has an outer one');
  yield tryingFolio(world.objects.folioLock(head));
  assert((world.frameFlags[head]! & FrameFlag.LOCKED) === 0, 'a new folio is not locked');
  world.frameFlags[head]! |= FrameFlag.LOCKED;
  world.trace?.lockAcquired(world.objects.folioLock(head), Mode.exclusive);
}

/** Before the outer folio lock is released. */
export function* unlockFolioNested(world: World, frame: number): Op<void> {
  const head = headOf(world, frame);
  yield unlockingFolio(world.objects.folioLock(head));
  assert((world.frameFlags[head]! & FrameFlag.LOCKED) !== 0, 'a folio that is unlocked is locked');
  world.frameFlags[head]! &= ~FrameFlag.LOCKED;
  world.trace?.lockReleased(world.objects.folioLock(head), Mode.exclusive);
}

export function* unlockFolio(world: World, cpu: number, frame: number): Op<void> {
  const head = headOf(world, frame);
  yield unlockingFolio(world.objects.folioLock(head));
  assert((world.frameFlags[head]! & FrameFlag.LOCKED) !== 0, 'a folio that is unlocked is locked');
  world.frameFlags[head]! &= ~FrameFlag.LOCKED;
  letGo(world, cpu, Rank.FOLIO);
  world.trace?.lockReleased(world.objects.folioLock(head), Mode.exclusive);
}

/** Locks one more folio unless that is locked. Called under the lock of another, with a reference. */
export function* tryLockFolioNested(world: World, frame: number): Op<boolean> {
  const head = headOf(world, frame);
  yield tryingFolio(world.objects.folioLock(head));
  if ((world.frameFlags[head]! & FrameFlag.LOCKED) !== 0) return false;
  world.frameFlags[head]! |= FrameFlag.LOCKED;
  world.trace?.lockAcquired(world.objects.folioLock(head), Mode.exclusive);
  return true;
}
