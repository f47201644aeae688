/**
 * What mm offers to a design of shared page tables, all in one place.
 *
 * A design has no state of its own: what it knows lies in the machine, so that a state of the machine
 * is all there is. It plugs in where tables come and go: who finds one for an empty upper entry, who
 * gives one up that others have too, who is told before rights or places change, who must be flushed.
 * Each seam is called where the kernel's own code would, under the locks that are held there.
 */
import type { Access, Fault, FaultLock } from '../fault/result.ts';
import type { Place } from '../file/filemap.ts';
import type { Inode } from '../file/inode.ts';
import type { Granular } from '../hugetlb/granular.ts';
import type { Machine } from '../machine.ts';
import type { NotifierOps } from '../notifier/subscription.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import type { MappedFile, Vma } from '../vma/vma.ts';
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

  /** It maps pages of hugetlb in pieces. */
  readonly granular?: Granular;

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
    held: FaultLock,
  ) => Op<Fault>;

  /**
   * Pages are to be taken out of `task.mm`, or tables to be freed, and the entry of `level` at `slot`,
   * for `page`, refers to a shared table: it is to be given up, or, if the others have left meanwhile,
   * kept as an own one. Called under the mmap lock, or under locks of rmap that keep the VMA where
   * it is, with a gather begun and without page-table locks.
   *
   * @param isFreeing whether it is tables that go: pages have gone before
   * @returns whether the entry is empty now
   */
  readonly giveUp?: (
    task: Task,
    page: number,
    slot: number,
    level: number,
    isFreeing: boolean,
  ) => Op<boolean>;

  /**
   * What lies below the entry of `level` at `slot` is free, and so is the range that it spans: whether
   * the table that it refers to is kept even so, since others refer to it. Called as `giveUp()`.
   */
  readonly keepsTable?: (task: Task, slot: number, level: number) => Op<boolean>;

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

  /** What must hold of its own data when no operation is under way. */
  readonly audit?: (machine: Machine) => void;
  /** What its subscriptions to address spaces do when they are told (mmu notifiers). */
  readonly notifier?: NotifierOps;

  /**
   * A call on `[address, address + length)` of `task`, in bytes, before any lock is taken: one on what
   * another address space has may be made there, by `call`.
   *
   * @returns the result of the call, or `undefined` if it is to be made here
   */
  readonly passCall?: (
    task: Task,
    address: number,
    length: number,
    call: (task: Task, address: number) => Op<number>,
  ) => Op<number | undefined>;

  /** ftruncate(2) of a file of its own, under the inode lock. @returns 0 or a negative errno */
  readonly truncate?: (task: Task, inode: Inode, length: number) => Op<number>;
  /** fallocate(2) of a file of its own. @returns 0 or a negative errno */
  readonly allocate?: (
    place: Place,
    inode: Inode,
    mode: number,
    offset: number,
    length: number,
  ) => Op<number>;
  /** Nobody refers any more to an inode that has no pages of its own (`Inode.design`). */
  readonly evictInode?: (place: Place, inode: Inode) => void;
  /** A call of `task` is about to return: what was put off until no lock is held (task_work). */
  readonly taskWork?: (place: Place) => Op<void>;
  /** A thread has ended, and left its address space. Called without locks. */
  readonly exitTask?: (task: Task) => Op<void>;
  /** A thread goes on in another address space (execve). */
  readonly execTask?: (from: Task, to: Task) => void;
  /** A CPU begins to use an address space. */
  readonly loadMm?: (machine: Machine, cpu: number, mm: Mm) => void;
}

/** Where mmap(2) and mremap(2) are asked to place a file of a design. */
export interface PlaceRequest {
  /** In bytes, a wish unless `isFixed`; 0 for none. */
  readonly address: number;
  readonly pages: number;
  readonly isFixed: boolean;
  readonly isPrivate: boolean;
}

/** What a VMA does otherwise than others (struct vm_operations_struct). */
export interface VmOps {
  /** A program's fault on it, in place of all that mm would do. Called as `handleMmFault()`. */
  readonly fault: (
    task: Task,
    vma: Vma,
    page: number,
    access: Access,
    held: FaultLock,
  ) => Op<Fault>;
  /**
   * A program's fault, where that is not served as `fault` is. Called under the mmap lock for reading,
   * never under the VMA lock alone.
   */
  readonly userFault?: (task: Task, vma: Vma, page: number, access: Access) => Op<Fault>;
  /** GUP of a page without GUP-fast; `follow` looks it up in an address space. As GUP is called. */
  readonly gup?: (
    task: Task,
    vma: Vma,
    page: number,
    follow: (task: Task, vma: Vma, page: number) => Op<number>,
  ) => Op<number>;
  /** Where it is mapped (get_unmapped_area). @returns a page, or a negative errno */
  readonly place?: (task: Task, file: MappedFile, request: PlaceRequest) => Op<number>;
  /** Flags that each of its VMAs has. */
  readonly vmFlags?: number;
  /** Whether it may be divided (may_split); not unless told so. */
  readonly maySplit: boolean;
  /** Whether its rights may be changed (mprotect). */
  readonly mayProtect: boolean;
  /** Whether its pages may be moved by their tables; they may unless told otherwise. */
  readonly mayMove?: boolean;
  /** Whether it takes advice (madvise); it does unless told otherwise. */
  readonly mayAdvise?: boolean;
  /** Takes the pages `[start, end)` out, with a gather begun, in place of `unmapPageRange()`. */
  readonly unmap: (task: Task, vma: Vma, start: number, end: number, zap: number) => Op<void>;
}

/** The design whose file an inode is, if it is one's. */
export function designOf(
  { designs }: { readonly designs: readonly Design[] },
  inode: Inode,
): Design | undefined {
  return inode.design === undefined ? undefined : designs.find(({ name }) => name === inode.design);
}

/** The operations of a VMA of a design's own files; `undefined` of all others. */
export function vmOpsOf(
  { designs }: { readonly designs: readonly Design[] },
  { file }: { readonly file: MappedFile | undefined },
): VmOps | undefined {
  const name = file?.design;
  if (name === undefined) return undefined;
  return designs.find((design) => design.name === name)?.vmOps;
}
