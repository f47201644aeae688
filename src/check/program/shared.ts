/** What threads share: the base of words, locks and conditions, and the points they announce. */
import { assert } from '../../base/assert.ts';

/** Code of a thread, or a part of it: `yield*` runs it, and gives its result. */
export type Task<Result = void> = Generator<number, Result, void>;

export const Kind = {
  READ: 1,
  WRITE: 2,
  /** Waits until a word has a value that the thread wants. */
  UNTIL: 3,
  LOCK: 4,
  TRY_LOCK: 5,
  UNLOCK: 6,
  LOCK_SHARED: 7,
  TRY_LOCK_SHARED: 8,
  UNLOCK_SHARED: 9,
  DOWNGRADE: 10,
  /** Joins those who wait for a condition. */
  ENQUEUE: 11,
  /** Waits to be woken. */
  WOKEN: 12,
  SIGNAL: 13,
  BROADCAST: 14,
  /** A compare-and-exchange that stores. */
  CAS: 15,
  /** One that only reads: the word has another value. */
  CAS_FAILED: 16,
} as const;
export type Kind = (typeof Kind)[keyof typeof Kind];

const NAMES = Object.keys(Kind).map((name) => name.toLowerCase().replaceAll('_', ' '));

/** Kinds whose steps commute with each other, as far as they are of different threads. */
const COMMUTING: ReadonlySet<number> = new Set([
  Kind.READ,
  Kind.UNTIL,
  Kind.LOCK_SHARED,
  Kind.TRY_LOCK_SHARED,
  Kind.UNLOCK_SHARED,
  Kind.CAS_FAILED,
]);
const OF_WAITERS: ReadonlySet<number> = new Set([Kind.ENQUEUE, Kind.WOKEN]);
const WAITING: ReadonlySet<number> = new Set([Kind.UNTIL, Kind.LOCK, Kind.LOCK_SHARED, Kind.WOKEN]);

const OBJECTS = 2 ** 20;

export function pointOf(kind: Kind, object: number): number {
  return kind * OBJECTS + object;
}

export function kindOf(point: number): Kind {
  return Math.floor(point / OBJECTS) as Kind;
}

export function objectOf(point: number): number {
  return point % OBJECTS;
}

export function kindName(kind: Kind): string {
  return NAMES[kind - 1]!;
}

export function canWait(point: number): boolean {
  return WAITING.has(kindOf(point));
}

export function canChange(point: number): boolean {
  return kindOf(point) >= Kind.CAS;
}

export function isOfLock(point: number): boolean {
  const kind = kindOf(point);
  return kind >= Kind.LOCK && kind <= Kind.DOWNGRADE;
}

export function areDependent(one: number, other: number): boolean {
  if (objectOf(one) !== objectOf(other)) return false;
  const [kind, itsKind] = [kindOf(one), kindOf(other)];
  if (COMMUTING.has(kind) && COMMUTING.has(itsKind)) return false;
  return !(OF_WAITERS.has(kind) && OF_WAITERS.has(itsKind));
}

/** Who runs, and what has gone wrong: what a shared object has to know of its world. */
export interface Surroundings {
  /** The thread whose step this is. */
  readonly running: number;
  violate(property: string): void;
}

export abstract class Shared {
  readonly name: string;
  readonly id: number;
  protected readonly world: Surroundings;

  constructor(world: Surroundings, name: string, id: number) {
    assert(id < OBJECTS, 'a point has room for the number of an object');
    this.name = name;
    this.id = id;
    this.world = world;
  }

  /** What it is like now, to show. */
  abstract state(): string;

  /** Back to the state in which every execution begins. */
  abstract reset(): void;

  /** Whether `thread` may take a step of this kind now. */
  abstract mayGo(thread: number, kind: Kind): boolean;
}
