/**
 * What a walk of page tables calls, and what it needs to hold.
 *
 * @source include/linux/pagewalk.h struct mm_walk_ops, struct mm_walk (Linux 6.18)
 */
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';

/** What the caller holds, and the walk takes of each VMA. @source enum page_walk_lock */
export const WalkLock = {
  /** The mmap lock, either way. */
  RDLOCK: 0,
  /** The mmap lock for writing; the walk write-locks each VMA. */
  WRLOCK: 1,
  /** The same, of VMAs that are write-locked by now. */
  WRLOCK_VERIFY: 2,
  /** The lock of the one VMA that is walked. */
  VMA_RDLOCK_VERIFY: 3,
} as const;
export type WalkLock = (typeof WalkLock)[keyof typeof WalkLock];

/** What follows on an entry that was called for. @source enum page_walk_action */
export const WalkAction = {
  /** What is below the entry, for which a huge page is split. */
  SUBTREE: 0,
  /** The next entry. */
  CONTINUE: 1,
  /** The same entry again: it has changed. */
  AGAIN: 2,
} as const;
export type WalkAction = (typeof WalkAction)[keyof typeof WalkAction];

/**
 * How a walk meets hugetlb: by `hugetlbEntry` under the lock of the VMA, as Linux 6.18 does; or as
 * entries of the level that they are, like transparent huge pages, as was proposed.
 */
export const WalkForm = { LEGACY: 'legacy', UNIFIED: 'unified' } as const;
export type WalkForm = (typeof WalkForm)[keyof typeof WalkForm];

/** The level of a hole that may be of any. */
export const LEVEL_UNKNOWN = -1;

/** Of the pages `[page, end)`. @returns 0, or what ends the walk and is its result */
export type WalkEntry<State> = (
  walk: MmWalk<State>,
  slot: number,
  page: number,
  end: number,
) => Op<number>;

type WalkRange<State> = (walk: MmWalk<State>, page: number, end: number) => Op<number>;

/**
 * Called from the upper tables to the lower, in the order of addresses. Entries may be of huge pages,
 * or none that hardware knows; those of upper levels are not empty when it is called for them.
 */
export interface MmWalkOps<State> {
  readonly walkLock: WalkLock;
  /**
   * Whether it gives up tables that are shared: then i_mmap_rwsem is held, too, and both it and the
   * lock of a VMA of hugetlb for writing. No walk of Linux 6.18 does.
   */
  readonly unshares?: true;
  /** A level that the format does not have is called for with the entry of the one below. */
  readonly pgdEntry?: WalkEntry<State>;
  readonly p4dEntry?: WalkEntry<State>;
  readonly pudEntry?: WalkEntry<State>;
  readonly pmdEntry?: WalkEntry<State>;
  /** Also of empty entries, under the lock of their table. */
  readonly pteEntry?: WalkEntry<State>;
  /** Nothing is mapped, and no table below: at an entry of `level`, or where no VMA is. */
  readonly pteHole?: (walk: MmWalk<State>, page: number, end: number, level: number) => Op<number>;
  /**
   * The entry of a huge page, or the first one of its run, also if it is empty. Called under the lock
   * of the VMA. Without it, VMAs of hugetlb are passed over (legacy form only).
   */
  readonly hugetlbEntry?: WalkEntry<State>;
  /** Whether a VMA is walked: more than 0 if not. Otherwise all are, but for those of raw PFNs. */
  readonly testWalk?: WalkRange<State>;
  readonly preVma?: WalkRange<State>;
  readonly postVma?: (walk: MmWalk<State>) => Op<void>;
}

/** A walk under way. */
export interface MmWalk<State> {
  /** Who walks, and in which address space. */
  readonly task: Task;
  readonly ops: MmWalkOps<State>;
  readonly form: WalkForm;
  readonly state: State;
  /** Where the walk is; `undefined` where there is none. */
  vma: Vma | undefined;
  /** For an entry to say; `SUBTREE` until it does. */
  action: WalkAction;
}
