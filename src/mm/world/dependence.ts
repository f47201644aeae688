/**
 * Which points depend on each other: in which pairs the order of two steps can make a difference.
 *
 * Steps on one object do, unless both only read it. Three things are not seen from the object:
 * a table and its entries; the flush ledger; and a program's access, which reads entries, the
 * ledger and frames at once. All three are told apart by the kind of the point.
 */

import { PointKind as Kind, kindOf, objectOf, type Point } from './point.ts';
import type { World } from './world.ts';

/** What a step does besides its object. Bits, so that a pair is one test. */
const FILLS = 1;
const OPENS = 2;
const DISCHARGES = 4;
const FREES = 8;
const LOADS = 16;
const STORES = 32;
const LINKS = 64;
const ACCESSES = LOADS | STORES;

const ROLES: Readonly<Partial<Record<Kind, number>>> = {
  [Kind.SET]: FILLS,
  [Kind.CLEAR]: OPENS,
  [Kind.INVALIDATE]: DISCHARGES,
  [Kind.INTERRUPT]: DISCHARGES,
  [Kind.PUT]: FREES,
  [Kind.FREE_TABLE]: FREES,
  [Kind.LOAD]: LOADS,
  [Kind.STORE]: STORES,
  [Kind.READ_CONTENT]: LOADS,
  [Kind.WRITE_CONTENT]: STORES,
  [Kind.LINK]: LINKS,
};

/** Roles that may not change places with a role. */
const CONFLICTS: Readonly<Record<number, number>> = {
  0: 0,
  [FILLS]: ACCESSES | LINKS,
  [OPENS]: DISCHARGES | FREES | ACCESSES | LINKS,
  [DISCHARGES]: OPENS | FREES | ACCESSES | LINKS,
  [FREES]: OPENS | DISCHARGES | ACCESSES | LINKS,
  [LOADS]: FILLS | OPENS | DISCHARGES | FREES | STORES | LINKS,
  [STORES]: FILLS | OPENS | DISCHARGES | FREES | ACCESSES | LINKS,
  [LINKS]: FILLS | OPENS | DISCHARGES | FREES | ACCESSES | LINKS,
};

const READERS: ReadonlySet<Kind> = new Set([
  Kind.READ,
  Kind.LOCK_SHARED,
  Kind.UNLOCK_SHARED,
  Kind.TRY_SHARED,
  Kind.ACKNOWLEDGED,
  Kind.QUIESCENT,
  Kind.READ_CONTENT,
]);

export function areDependent(world: World, one: Point, other: Point): boolean {
  const kinds = [kindOf(one), kindOf(other)] as const;
  const objects = [objectOf(one), objectOf(other)] as const;
  if (objects[0] === objects[1]) return !kinds.every((kind) => READERS.has(kind));
  const roles = ROLES[kinds[1]] ?? 0;
  if ((CONFLICTS[ROLES[kinds[0]] ?? 0]! & roles) !== 0) return true;
  return isEntryOf(world, objects[0], objects[1]) || isEntryOf(world, objects[1], objects[0]);
}

/** Whether `entry` is an entry of the table that the object `table` stands for. */
function isEntryOf({ objects, size }: World, entry: number, table: number): boolean {
  const number = objects.numberOf('table', table);
  if (number < 0 || number >= size.tables) return false;
  return objects.tableOfEntry(entry) === number;
}
