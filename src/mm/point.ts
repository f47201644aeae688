/**
 * Synchronisation points: what an operation is about to do when it suspends.
 *
 * A point is one number, its kind above its object, so that a schedule of millions allocates none.
 */
import { assert } from '../base/assert.ts';

declare const pointBrand: unique symbol;
export type Point = number & { readonly [pointBrand]: true };

export const PointKind = {
  /** Takes a lock; the CPU waits while it is held. The object is the lock. */
  LOCK: 1,
  UNLOCK: 2,
  /** Reads or writes one shared word. The object is the word. */
  READ: 3,
  WRITE: 4,
} as const;
export type PointKind = (typeof PointKind)[keyof typeof PointKind];

const OBJECTS = 2 ** 26;

function point(kind: PointKind, object: number): Point {
  assert(object >= 0, 'an object id is not negative');
  assert(object < OBJECTS, 'an object id fits a point');
  return (kind * OBJECTS + object) as Point;
}

export const locking = (lock: number): Point => point(PointKind.LOCK, lock);
export const unlocking = (lock: number): Point => point(PointKind.UNLOCK, lock);
export const reading = (word: number): Point => point(PointKind.READ, word);
export const writing = (word: number): Point => point(PointKind.WRITE, word);

export function kindOf(at: Point): PointKind {
  return Math.floor(at / OBJECTS) as PointKind;
}

export function objectOf(at: Point): number {
  return at % OBJECTS;
}
