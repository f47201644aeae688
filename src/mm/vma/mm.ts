/** An address space: the `mm_struct` that the threads of a process share. */
import type { Subscription } from '../notifier/subscription.ts';
import { VmaTree } from './vma_tree.ts';

/** Where things are to be, in pages unless a name says bytes. */
export interface Layout {
  /** Below it mappings are placed, the highest first. */
  readonly mmapBase: number;
  /** From it on mappings are placed, the lowest first, instead (ADDR_COMPAT_LAYOUT, `setarch -L`). */
  readonly isBottomUp?: boolean;
  readonly taskSize: number;
  readonly brkStartBytes: number;
  /** The larger of vm.mmap_min_addr and the limit of the security modules. */
  readonly minAddress: number;
  /** What one call may be promised at most: memory and swap (vm.overcommit_memory is 0). */
  readonly commitLimit: number;
  /** vm.max_map_count */
  readonly mapCountMax: number;
  /** RLIMIT_STACK */
  readonly stackLimit: number;
  /** RLIMIT_FSIZE, in bytes; none without. */
  readonly fileLimit?: number;
  /** RLIMIT_AS, in bytes; none without. */
  readonly addressSpaceLimit?: number;
  /** RLIMIT_DATA, in bytes; none without. */
  readonly dataLimit?: number;
}

/** Pages whose tables are being changed by a CPU: nobody may begin to share them meanwhile. */
export interface Transition {
  readonly cpu: number;
  readonly start: number;
  readonly end: number;
}

/** Counters of resident pages, by kind. @source include/linux/mm_types_task.h */
export const Rss = { FILE: 0, ANON: 1, SWAP: 2, SHMEM: 3 } as const;
export type Rss = (typeof Rss)[keyof typeof Rss];

export class Mm {
  /** Number of its locks; 0 is the first. */
  readonly id: number;
  /** The root table. */
  readonly root: number;
  /** Replaced as a whole where a limit changes. */
  layout: Layout;
  readonly vmas = new VmaTree();
  /** Added to every new VMA: VM_LOCKED after mlockall(MCL_FUTURE). */
  defaultFlags = 0;
  brkBytes: number;
  /** Resident pages by `Rss`. Counters are atomic: nobody decides by them. */
  readonly rss = new Int32Array(4);
  /** locked_vm: pages of VMAs that were locked, as the kernel counts them (VmLck of status). */
  lockedPages = 0;
  /** Page tables but the root, and tables that are deposited (`pgtables_bytes` over the page size). */
  tables = 0;
  /** Small pages of huge ones of hugetlb that it has mapped (HugetlbPages of status). */
  hugetlbPages = 0;
  /** Processes and threads that use it. */
  users = 1;
  /** Threads that it has had so far. */
  threads = 1;
  /** Whether a page of it was ever pinned (MMF_HAS_PINNED). */
  hasPinned = false;
  /** Of designs that share tables by looking for them: see `designs/shared_2006`. */
  transitions: Transition[] = [];
  /** Who is told of changes (notifier_subscriptions). Object: `notifiers`. */
  subscriptions: Subscription[] = [];
  /** Of COW-PTE: shared tables whose pages count here. */
  readonly ownedTables = new Set<number>();

  constructor(id: number, root: number, layout: Layout) {
    this.id = id;
    this.root = root;
    this.layout = layout;
    this.brkBytes = layout.brkStartBytes;
  }

  /** Whether no more VMAs may come to be by splitting. */
  get isFull(): boolean {
    return this.vmas.size >= this.layout.mapCountMax;
  }

  /** Whether `pages` more can be promised. */
  canCommit(pages: number): boolean {
    return pages <= this.layout.commitLimit;
  }
}

/** The 47-bit layout of a process of x86-64 without randomisation. @source Linux 6.18, measured */
export const DEFAULT_LAYOUT: Layout = {
  mmapBase: 0x7ffff7fff,
  taskSize: 0x7fffffff0 + 0xf,
  brkStartBytes: 0x555555559000,
  minAddress: 16,
  commitLimit: 2 ** 22,
  mapCountMax: 65530,
  stackLimit: 2048,
};
