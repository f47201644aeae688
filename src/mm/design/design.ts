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
   * Rights or places of the pages `[start, end)` of `vma` are about to change, under the mmap write
   * lock: shared tables may not change with them.
   */
  readonly beforeChange?: (task: Task, vma: Vma, start: number, end: number) => Op<void>;
  /** That is done, or was refused. */
  readonly afterChange?: (task: Task) => Op<void>;

  /**
   * Fork copies `from` to `to`, of `child`. Called under both mmap locks.
   *
   * @returns whether there is nothing left to copy, or a negative errno
   */
  readonly copyRange?: (task: Task, child: Mm, to: Vma, from: Vma) => Op<boolean | number>;

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
