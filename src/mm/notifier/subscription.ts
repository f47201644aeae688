/**
 * What a secondary MMU has to do for the address spaces that it follows: the callbacks of mmu notifiers.
 *
 * There are two kinds of users. Who keeps entries of its own (KVM) takes them away when a range begins
 * to be invalidated, and makes none until that has ended. Who walks the page tables of the CPUs itself
 * (an IOMMU) may look at any time, so both is of no use to it: it is flushed together with the CPUs
 * (`Design.invalidateSecondary`), under the lock of the table.
 *
 * @source include/linux/mmu_notifier.h struct mmu_notifier_ops (Linux 6.18)
 */
import type { Place } from '../file/filemap.ts';
import type { Mm } from '../vma/mm.ts';
import type { Op } from '../world/op.ts';

/** Who follows an address space: a design, and which of its objects. */
export interface Subscription {
  readonly design: string;
  readonly id: number;
}

/** Why a range is invalidated. @source enum mmu_notifier_event */
export const Notify = {
  /** A VMA goes, or is moved. */
  UNMAP: 0,
  /** Entries are cleared, or will map something else. */
  CLEAR: 1,
  /** The rights of a VMA change. */
  PROTECTION_VMA: 2,
  /** Those of entries do, and the VMA stays as it is. */
  PROTECTION_PAGE: 3,
} as const;
export type Notify = (typeof Notify)[keyof typeof Notify];

/** The pages `[start, end)` of an address space. */
export interface InvalidatedRange {
  readonly mm: Mm;
  readonly start: number;
  readonly end: number;
  readonly event: Notify;
  /** Whether who is told may sleep; if not, it may refuse. */
  readonly isBlockable: boolean;
}

/** What a design does when it is told. */
export interface NotifierOps {
  /**
   * Entries of the range are about to change: pages are mapped still, and have references. From the
   * return until the end nothing of the range may be mapped by the secondary MMU, nor be in its TLB.
   * Called under the mmap lock or under locks of rmap, never under page-table locks.
   *
   * @returns false if it would have to sleep, and may not. Who can say so is told of no ends.
   */
  readonly rangeStart?: (
    place: Place,
    subscription: Subscription,
    range: InvalidatedRange,
  ) => Op<boolean>;
  /** Entries of the range say now what they are to say; pages may be free by now, or soon. */
  readonly rangeEnd?: (
    place: Place,
    subscription: Subscription,
    range: InvalidatedRange,
  ) => Op<void>;
  /**
   * Forgets whether the pages `[start, end)` were accessed. Called under the lock of their table, when
   * the bit of the CPUs' entry was cleared; may not sleep.
   *
   * @returns whether they were
   */
  readonly clearFlushYoung?: (
    place: Place,
    subscription: Subscription,
    start: number,
    end: number,
  ) => Op<boolean>;
  /** Only asks that of `page`. */
  readonly testYoung?: (place: Place, subscription: Subscription, page: number) => Op<boolean>;
  /** The address space ends, before any of its pages go: everything is to be given up for good. */
  readonly release?: (place: Place, subscription: Subscription, mm: Mm) => Op<void>;
}
