/** What the kernel did with a program. */

/** What became of one step. */
export type Outcome =
  | {
      readonly kind: 'returned';
      readonly value: number;
      readonly resident?: readonly number[];
      /** Regions, and at last an empty one where the scan ended. */
      readonly scanned?: readonly PageRun[];
    }
  | { readonly kind: 'failed'; readonly errno: number }
  /** A touch that a signal ended: `code` is its si_code, `address` the byte it names. */
  | {
      readonly kind: 'signalled';
      readonly signal: number;
      readonly code: number;
      readonly address: number;
    }
  /** Its process did not exist, or the call would have reached the executor itself. */
  | { readonly kind: 'not run' };

/** What a VMA maps: files and segments by the `id` of the step that made them. */
export type Backing =
  | { readonly kind: 'anonymous' }
  | { readonly kind: 'file'; readonly step: number }
  | { readonly kind: 'segment'; readonly step: number }
  /** Shared anonymous memory, numbered as it appears in the states of a program. */
  | { readonly kind: 'shared'; readonly number: number };

export interface Vma {
  /** In pages, as is `offset`. */
  readonly start: number;
  readonly end: number;
  /** Read 1, write 2, execute 4. */
  readonly protection: number;
  readonly shared: boolean;
  readonly offset: number;
  readonly backing: Backing;
  /** The two-letter names of smaps, in its order: rd wr ... ac nr dc lo gd nh. */
  readonly flags: readonly string[];
}

/** Pages of one kind in a row. */
export interface PageRun {
  readonly start: number;
  readonly end: number;
  /** Some of `PAGE_IS`. */
  readonly categories: number;
}

/** @source uapi/linux/fs.h of Linux 6.18 */
export const PAGE_IS = {
  written: 1 << 1,
  file: 1 << 2,
  present: 1 << 3,
  swapped: 1 << 4,
  zero: 1 << 5,
  huge: 1 << 6,
  guard: 1 << 8,
} as const;

export const COUNTERS = [
  'VmSize',
  'VmLck',
  'VmData',
  'VmStk',
  'VmPTE',
  'RssAnon',
  'RssFile',
  'RssShmem',
  'HugetlbPages',
] as const;

/** Of /proc/meminfo: huge pages of the host's pool. */
export const POOL = ['HugePages_Free', 'HugePages_Rsvd', 'HugePages_Surp'] as const;

/** Of /proc/PID/status, in pages, the executor's own included. */
export type Counters = Readonly<Record<(typeof COUNTERS | typeof POOL)[number], number>>;

/** An address space, without what belongs to the executor. */
export interface State {
  readonly process: number;
  /** Index of the step that asked for it; at the end, how many steps there are. */
  readonly step: number;
  readonly vmas: readonly Vma[];
  readonly pages: readonly PageRun[];
  /**
   * Pages with an entry at the lowest level, be it empty, and those of huge pages: where a PTE table
   * or a huge page is. Empty tables of higher levels show in VmPTE only.
   */
  readonly entries: readonly PageRun[];
  readonly counters: Counters;
  /** Only of the kernel, if it was asked for them. */
  readonly files?: ReadonlyMap<WholeFile, Uint8Array>;
}

/** Files of /proc; FRAMES are words of pagemap, kpagecount and kpageflags (`executor/report.h`). */
export const WHOLE_FILES = [
  'MAPS',
  'SMAPS',
  'ROLLUP',
  'STATUS',
  'STATM',
  'STAT',
  'NUMA_MAPS',
  'FRAMES',
] as const;
export type WholeFile = (typeof WHOLE_FILES)[number];

/** The address space in which process 0 starts. Nothing is mapped but the executor's own slot. */
export interface InitialState {
  /** In bytes: the 2 MiB that no program may touch. */
  readonly ownStart: number;
  readonly ownEnd: number;
  readonly own: readonly Vma[];
  /** In bytes: below this, mmap(2) searches downwards. */
  readonly mmapBase: number;
  /** In bytes: where the heap, still empty, starts. */
  readonly brkStart: number;
  readonly taskSize: number;
  readonly counters: Counters;
}

export interface KernelReport {
  readonly initial: InitialState;
  /** One for each step, in order. */
  readonly outcomes: readonly Outcome[];
  /** After each `observe`; then of each process that is left, in order. */
  readonly states: readonly State[];
}
