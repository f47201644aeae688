/**
 * Which points depend on each other: in which pairs the order of two steps can make a difference.
 *
 * Steps on one object do, unless both only read it. Three things are not seen from the object:
 * a table and its entries; the flush ledger; and a program's access, which reads entries, the
 * ledger and frames at once. All three are told apart by the kind of the point; of an access it may
 * be known what it cannot touch (`footprint.ts`).
 */
import { canMeet } from './footprint.ts';

import { PointKind as Kind, kindOf, objectOf, type Point } from './point.ts';
import type { World } from './world.ts';

/** What a step does besides its object. Bits, so that a pair is one test. */
const FILLS = 1;
const OPENS = 2;
const DISCHARGES = 4;
const FREES = 8;
const LOADS = 16;
const STORES = 32;
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
};

/** Roles that may not change places with a role. */
const CONFLICTS: Readonly<Record<number, number>> = {
  0: 0,
  [FILLS]: ACCESSES,
  [OPENS]: DISCHARGES | FREES | ACCESSES,
  [DISCHARGES]: OPENS | FREES | ACCESSES,
  [FREES]: OPENS | DISCHARGES | ACCESSES,
  [LOADS]: FILLS | OPENS | DISCHARGES | FREES | STORES,
  [STORES]: FILLS | OPENS | DISCHARGES | FREES | ACCESSES,
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
  const roles = [ROLES[kinds[0]] ?? 0, ROLES[kinds[1]] ?? 0] as const;
  if ((CONFLICTS[roles[0]]! & roles[1]) !== 0) {
    if ((roles[0] & ACCESSES) !== 0) return isAccessChanged(world, one, other);
    if ((roles[1] & ACCESSES) !== 0) return isAccessChanged(world, other, one);
    return true;
  }
  return isEntryOf(world, objects[0], objects[1]) || isEntryOf(world, objects[1], objects[0]);
}

/** Whether a step whose role conflicts with that of an access can make a difference to it. */
function isAccessChanged(world: World, access: Point, other: Point): boolean {
  const { objects, size } = world;
  // The kernel goes to a frame itself: whatever the tables say, and however TLBs are flushed.
  const isDirect = !isProgram(access);
  switch (kindOf(other)) {
    case Kind.SET:
    case Kind.CLEAR:
      return !isDirect && canMeet(world, access, other);
    case Kind.INTERRUPT:
      // A CPU that flushes drops nothing of what others hold.
      return (
        !isDirect && objects.tlb(objects.numberOf('cpu', objectOf(other))) === objectOf(access)
      );
    case Kind.INVALIDATE:
      return !isDirect && size.flush === 'broadcast';
    case Kind.FREE_TABLE:
      return !isDirect;
    case Kind.PUT:
      // What can be reached is not freed: that would have been a violation at the free.
      return false;
    default:
      return true;
  }
}

function isProgram(access: Point): boolean {
  return kindOf(access) === Kind.LOAD || kindOf(access) === Kind.STORE;
}

/** Whether `entry` is an entry of the table that the object `table` stands for. */
function isEntryOf({ objects, size }: World, entry: number, table: number): boolean {
  const number = objects.numberOf('table', table);
  if (number < 0 || number >= size.tables) return false;
  return objects.tableOfEntry(entry) === number;
}
