/**
 * Synchronisation points: what an operation is about to do when it suspends.
 *
 * A point is one number, its kind above its object, so that a schedule of millions allocates none.
 * Above both, a search may note what else the step depends on (`footprint.ts`).
 */
import { assert } from '../../base/assert.ts';

declare const pointBrand: unique symbol;
export type Point = number & { readonly [pointBrand]: true };

export const PointKind = {
  /** Takes a lock; the CPU waits while it is held. The object is the lock. */
  LOCK: 1,
  UNLOCK: 2,
  /** Reads or writes one shared word. The object is the word. */
  READ: 3,
  WRITE: 4,
  /** Takes a lock together with other readers; waits while a writer holds it. */
  LOCK_SHARED: 5,
  UNLOCK_SHARED: 6,
  /** A reader joins if it can, without waiting. */
  TRY_SHARED: 7,
  /** Waits until the readers of a VMA have left. The object is its reference count. */
  DRAIN: 8,
  /** Fills an empty page-table entry. The object is the entry, as in `CLEAR`. */
  SET: 9,
  /** Takes a translation away: TLBs may go on using it until they are flushed. */
  CLEAR: 10,
  /** Drops a reference to a frame, which may free it. */
  PUT: 11,
  /** Frees a page table. */
  FREE_TABLE: 12,
  /** A CPU flushes its own TLB. The object is the CPU's TLB. */
  INVALIDATE: 13,
  /** An interrupt handler runs. The object is the CPU. */
  INTERRUPT: 14,
  /** Waits until a CPU has handled the interrupt that was sent to it. The object is that CPU. */
  ACKNOWLEDGED: 15,
  /** Waits until a CPU is outside of RCU read sections and irq-off sections. */
  QUIESCENT: 16,
  /** Waits until a CPU has RCU callbacks, and takes them. The object is its list. */
  CALLBACKS: 17,
  /** A program's access, through any translation that its CPU may hold. The object is the TLB. */
  LOAD: 18,
  STORE: 19,
  /** Takes a lock if it is free, without waiting. The object is the lock. */
  TRY_LOCK: 20,
  /** Takes the lock of a folio, which is a flag of its first frame; the object is that lock. */
  LOCK_FOLIO: 21,
  UNLOCK_FOLIO: 22,
  TRY_LOCK_FOLIO: 23,
  /** The kernel, or a device, reads or writes what is in a frame. The object is the frame. */
  READ_CONTENT: 24,
  WRITE_CONTENT: 25,
  /** Waits until nobody reads a swap slot past the swap cache. The object is the slot. */
  SLOT_READ: 26,
  /**
   * Links or unlinks a table that others have, too: everything below comes, or goes, at once. The
   * object is the entry. Or makes, or takes away, an entry of a second-level table; the object is that.
   */
  LINK: 27,
  /** Waits until somebody wakes the fault, or takes note of the event. The object is the queue. */
  SLEEP: 28,
} as const;
export type PointKind = (typeof PointKind)[keyof typeof PointKind];

const OBJECTS = 2 ** 26;
const KINDS = 2 ** 5;
/** A point with a note below this is an exact integer. */
export const NOTES_MAX = 2 ** 53 / (OBJECTS * KINDS);

function point(kind: PointKind, object: number): Point {
  assert(object >= 0, 'an object id is not negative');
  assert(object < OBJECTS, 'an object id fits a point');
  return (kind * OBJECTS + object) as Point;
}

/** What steps of one kind do, where some do different things: their note. */
export const Note = {
  /** Of `LOCK`: it only waits until the lock is free. */
  AWAIT: 1,
  /** Of `UNLOCK`: the writer goes on as a reader. */
  DOWNGRADE: 2,
  /** Of `TRY_LOCK`: together with other readers. */
  SHARED: 3,
  /** Of `WRITE`, the object a CPU. */
  IRQS_OFF: 4,
  IRQS_ON: 5,
  SEND: 6,
  RCU_LOCK: 7,
  RCU_UNLOCK: 8,
} as const;
export type Note = (typeof Note)[keyof typeof Note];

export const locking = (lock: number): Point => point(PointKind.LOCK, lock);
export const unlocking = (lock: number): Point => point(PointKind.UNLOCK, lock);
export const reading = (word: number): Point => point(PointKind.READ, word);
export const writing = (word: number): Point => point(PointKind.WRITE, word);
export const lockingShared = (lock: number): Point => point(PointKind.LOCK_SHARED, lock);
export const unlockingShared = (lock: number): Point => point(PointKind.UNLOCK_SHARED, lock);
export const tryingShared = (word: number): Point => point(PointKind.TRY_SHARED, word);
export const draining = (word: number): Point => point(PointKind.DRAIN, word);
export const setting = (entry: number): Point => point(PointKind.SET, entry);
export const clearing = (entry: number): Point => point(PointKind.CLEAR, entry);
/** Waits for a lock that is not taken then. */
export const awaiting = (lock: number): Point => withNote(locking(lock), Note.AWAIT);
export const downgrading = (lock: number): Point => withNote(unlocking(lock), Note.DOWNGRADE);
export const tryingLockShared = (lock: number): Point => withNote(tryingLock(lock), Note.SHARED);
/** Changes what decides whether interrupts and grace periods wait for a CPU. */
export const changingCpu = (cpu: number, note: Note): Point => withNote(writing(cpu), note);
export const putting = (frame: number): Point => point(PointKind.PUT, frame);
export const freeingTable = (table: number): Point => point(PointKind.FREE_TABLE, table);
export const invalidating = (tlb: number): Point => point(PointKind.INVALIDATE, tlb);
export const interrupting = (cpu: number): Point => point(PointKind.INTERRUPT, cpu);
export const acknowledged = (cpu: number): Point => point(PointKind.ACKNOWLEDGED, cpu);
export const quiescent = (cpu: number): Point => point(PointKind.QUIESCENT, cpu);
export const takingCallbacks = (list: number): Point => point(PointKind.CALLBACKS, list);
export const loading = (tlb: number): Point => point(PointKind.LOAD, tlb);
export const tryingLock = (lock: number): Point => point(PointKind.TRY_LOCK, lock);
export const lockingFolio = (lock: number): Point => point(PointKind.LOCK_FOLIO, lock);
export const unlockingFolio = (lock: number): Point => point(PointKind.UNLOCK_FOLIO, lock);
export const tryingFolio = (lock: number): Point => point(PointKind.TRY_LOCK_FOLIO, lock);
export const slotRead = (slot: number): Point => point(PointKind.SLOT_READ, slot);
export const sleeping = (queue: number): Point => point(PointKind.SLEEP, queue);
export const linking = (entry: number): Point => point(PointKind.LINK, entry);
export const storing = (tlb: number): Point => point(PointKind.STORE, tlb);

export const readingContent = (frame: number): Point => point(PointKind.READ_CONTENT, frame);
export const writingContent = (frame: number): Point => point(PointKind.WRITE_CONTENT, frame);

export function kindOf(at: Point): PointKind {
  return (Math.floor(at / OBJECTS) & (KINDS - 1)) as PointKind;
}

/** Of numbers beyond 32 bits `&` sees the lowest 32: many times faster than `%`. */
export function objectOf(at: Point): number {
  return at & (OBJECTS - 1);
}

/** What was noted of a point, or 0. */
export function noteOf(at: Point): number {
  return Math.floor(at / (OBJECTS * KINDS));
}

/** The same point with a note, which is at least 1. */
export function withNote(at: Point, note: number): Point {
  return (note * OBJECTS * KINDS + at) as Point;
}

/** `LOCK` and so on, to show. */
export function kindName(kind: PointKind): string {
  return Object.entries(PointKind).find(([, value]) => value === kind)![0];
}
