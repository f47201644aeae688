/**
 * What mm offers to a design of shared page tables, all in one place.
 *
 * A design has no state of its own: what it knows lies in the machine, so that a state of the machine
 * is all there is. It plugs in where tables come and go: who finds one for an empty upper entry, who
 * gives one up that others have too, who is told before rights or places change, who must be flushed.
 * Each seam is called where the kernel's own code would, under the locks that are held there.
 */
import type { Access, Fault } from '../fault/result.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import type { World } from '../world/world.ts';

/** What is about to happen to pages. */
export const Change = {
  /** Their rights change (mprotect). */
  RIGHTS: 0,
  /** Other flags of their VMA do (mlock, madvise), which may divide it. */
  FLAGS: 1,
  /** They are moved from here (mremap), and to here. */
  MOVE_FROM: 2,
  MOVE_TO: 3,
  /** They are unmapped: by munmap, by a mapping in their place, by the end of the process. */
  UNMAP: 4,
  /** Entries are changed as madvise was told. */
  ADVICE: 5,
} as const;
export type Change = (typeof Change)[keyof typeof Change];

export interface Design {
  readonly name: string;

  /** What happens to VMAs of files of its own (`MappedFile.design`). */
  readonly vmOps?: VmOps;

  /**
   * A fault is about to look for the tables of `page` of `vma`: shared ones may be linked, or be
   * replaced by own ones. Called under the VMA lock or the mmap lock, for reading.
   *
   * @returns DONE to go on, or how the fault ends
   */
  readonly prepareFault?: (
    task: Task,
    vma: Vma,
    page: number,
    access: Access,
    isVmaLocked: boolean,
  ) => Op<Fault>;

  /**
   * Pages are to be taken out of `task.mm`, or tables to be freed, and the entry of `level` at `slot`,
   * for `page`, refers to a shared table: it is to be given up, or, if the others have left meanwhile,
   * kept as an own one. Called under the mmap lock, or under locks of rmap that keep the VMA where
   * it is, with a gather begun and without page-table locks.
   *
   * @returns whether the entry is empty now
   */
  readonly giveUp?: (task: Task, page: number, slot: number, level: number) => Op<boolean>;

  /**
   * The pages `[start, end)` of `vma` are about to change, under the mmap lock or, for an advice, the
   * VMA lock: tables that others have, too, may not change with them.
   */
  readonly beforeChange?: (
    task: Task,
    vma: Vma,
    start: number,
    end: number,
    change: Change,
  ) => Op<void>;
  /**
   * That is done, or was refused; `vma` may be gone. Changes nest: this ends the last that the CPU
   * has begun.
   */
  readonly afterChange?: (task: Task, vma: Vma) => Op<void>;

  /**
   * An entry for `page` of `mm` has lost a translation, under the lock of its table, and is to be
   * flushed by who came by the reverse map: from all who see it, if its table is shared.
   *
   * @returns whether that was done
   */
  readonly flushShared?: (world: World, cpu: number, mm: Mm, page: number) => Op<boolean>;

  /**
   * Whether counters of address spaces say what they have (P-ACCT). Where the design leaves that
   * open, the audit does not compare them.
   */
  readonly keepsCounters?: boolean;

  /**
   * Fork copies `from` to `to`, of `child`. Called under both mmap locks.
   *
   * @returns whether there is nothing left to copy, or a negative errno
   */
  readonly copyRange?: (task: Task, child: Mm, to: Vma, from: Vma) => Op<boolean | number>;

  /**
   * Fork is about to copy the table below the parent's entry of level 1 at `slot`, for the pages
   * `[start, end)` of `from`. Called as `copyRange()`, with the child's tables above there.
   *
   * @returns whether that is done with
   */
  readonly copyTable?: (
    task: Task,
    child: Mm,
    from: Vma,
    slot: number,
    start: number,
    end: number,
  ) => Op<boolean>;

  /**
   * Who comes by the reverse map is about to look at, and change, the entry of level 0 for `page`.
   * Called under the lock of the list of VMAs.
   *
   * @returns false if the entry may not be changed, and is passed over
   */
  readonly beforeMapped?: (task: Task, page: number) => Op<boolean>;

  /** Whether the pages of a shared table count with each address space that it is charged to. */
  readonly countsForEach?: boolean;

  /**
   * The pages `[start, end)` of the address space number `mm` were flushed from the TLBs of its CPUs:
   * who else walks its tables, or holds what they said, is to be flushed, too
   * (mmu_notifier_arch_invalidate_secondary_tlbs). Called under any locks; may not sleep.
   */
  readonly invalidateSecondary?: (
    world: World,
    cpu: number,
    mm: number,
    start: number,
    end: number,
  ) => Op<void>;
}

/** What a VMA does otherwise than others (struct vm_operations_struct). */
export interface VmOps {
  /** A program's fault on it, in place of all that mm would do. Called as `handleMmFault()`. */
  readonly fault: (
    task: Task,
    vma: Vma,
    page: number,
    access: Access,
    isVmaLocked: boolean,
  ) => Op<Fault>;
  /** Whether it may be divided. */
  readonly maySplit: boolean;
  /** Whether its rights may be changed. */
  readonly mayProtect: boolean;
  /** Takes the pages `[start, end)` out, with a gather begun, in place of `unmapPageRange()`. */
  readonly unmap: (task: Task, vma: Vma, start: number, end: number) => Op<void>;
}

/** The operations of a VMA of a design's own files; `undefined` of all others. */
export function vmOpsOf(
  { designs }: { readonly designs: readonly Design[] },
  vma: Vma,
): VmOps | undefined {
  const name = vma.file?.design;
  if (name === undefined) return undefined;
  return designs.find((design) => design.name === name)?.vmOps;
}
