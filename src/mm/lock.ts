/**
 * A lock that one CPU holds at a time: spinlocks, mutexes.
 *
 * Waiting is not spinning: the point before a lock is taken says which lock, and the scheduler gives
 * the CPU no turn while that lock is held.
 */
import { assert } from '../base/assert.ts';
import type { Op } from './op.ts';
import { locking, unlocking } from './point.ts';

/** Nobody holds it. */
export const FREE = -1;

export interface Lock {
  readonly id: number;
  /** The CPU that holds it, or `FREE`. */
  holder: number;
}

export function* lock(cpu: number, wanted: Lock): Op<void> {
  yield locking(wanted.id);
  assert(wanted.holder === FREE, 'a lock is free when it is granted');
  wanted.holder = cpu;
}

export function* unlock(cpu: number, held: Lock): Op<void> {
  yield unlocking(held.id);
  assert(held.holder === cpu, 'a lock is released by its holder');
  held.holder = FREE;
}
