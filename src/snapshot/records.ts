/**
 * What a capture of one host holds: the records that `capture` writes, that a snapshot file stores,
 * and that the twin reads. Text of `/proc` is gone at this point; nothing is derived yet.
 *
 * Addresses and lengths are page numbers and pages. A *slot* is the span of one PTE table
 * (2 MiB with 4 KiB pages), numbered from virtual address 0.
 */

export interface HostSnapshot {
  readonly takenAt: string;
  readonly host: HostFacts;
  readonly coverage: Coverage;
  /** Mapped files and segments; `Vma.object` is an index into this list. */
  readonly objects: readonly MappedObject[];
  readonly mms: readonly Mm[];
}

export interface HostFacts {
  readonly hostname: string;
  /** `uname -r` and `uname -m`. */
  readonly kernelRelease: string;
  readonly machine: string;
  /** A `Geometry.id` of `arch/geometry.ts`. */
  readonly geometry: string;
  readonly memTotalBytes: number;
  /** `PageTables:` of /proc/meminfo, after stat_refresh where that was allowed. */
  readonly pageTablesBytes: number;
  /** Pages of a root table: 2 where page-table isolation doubles the PGD. */
  readonly rootPages: number;
  /** Whether per-CPU counter deltas were folded (`/proc/sys/vm/stat_refresh`) before reading. */
  readonly countersFolded: boolean;
  readonly hugetlbPools: readonly HugetlbPool[];
  readonly defaultHugetlbBytes: number;
  /** The bracketed word of the files in /sys/kernel/mm/transparent_hugepage, or 'absent'. */
  readonly thpEnabled: string;
  readonly shmemThpEnabled: string;
}

export interface HugetlbPool {
  readonly pageBytes: number;
  readonly total: number;
  readonly free: number;
  readonly reserved: number;
  readonly surplus: number;
}

/** What the capture could not see, said in numbers and in sentences. */
export interface Coverage {
  /** Processes listed in /proc with an address space. */
  readonly processes: number;
  /** Of those, seen only through `status`: no right to read maps or pagemap. */
  readonly statusOnly: number;
  /** Ended while they were read. */
  readonly vanished: number;
  /** Appeared, or changed their tables, while they were read. */
  readonly raced: number;
  /** Processes that share their mm with another one that was read (CLONE_VM). */
  readonly sharedMm: number;
  /** Not read because the time or process filter said so. */
  readonly skipped: number;
  /** Whether every process of the host can be seen: no pid namespace, hidepid or filter. */
  readonly wholeHost: boolean;
  /** Whether private tables that may be equal were compared (`Runs.content`), all of them. */
  readonly contentsCompared: boolean;
  readonly notes: readonly string[];
}

export const OBJECT_KINDS = [
  'file',
  'shmem',
  'sysv',
  'memfd',
  'shared-anon',
  'hugetlb',
  'device',
  'special',
] as const;
/** `shmem` is a file on tmpfs; `special` is kernel-made (`[vdso]`, rings, anonymous inodes). */
export type ObjectKind = (typeof OBJECT_KINDS)[number];

export interface MappedObject {
  readonly kind: ObjectKind;
  /** The path as maps prints it, without ` (deleted)`. */
  readonly name: string;
  /** `major:minor` and inode as maps prints them: the identity of the object. */
  readonly device: string;
  readonly inode: string;
  readonly deleted: boolean;
  /** Page size of a hugetlb object in bytes; the host's base page size otherwise. */
  readonly pageBytes: number;
}

/** How much of an address space was seen. */
export const VISIBILITIES = ['tables', 'status'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

/** One address space. Processes that share it (CLONE_VM) are one record. */
export interface Mm {
  /** The process it was read through, and its sharers if any. */
  readonly pid: number;
  readonly sharers: readonly number[];
  readonly parentPid: number;
  readonly uid: number;
  readonly comm: string;
  /** Command line, arguments joined by spaces; empty if it could not be read. */
  readonly commandLine: string;
  /** Unified or memory cgroup path, '' if unknown. */
  readonly cgroup: string;
  /** `tables`: maps and tables were scanned. `status`: only VmPTE is known, `vmas` is empty. */
  readonly visibility: Visibility;
  /** VmPTE in pages, read after the scan. */
  readonly vmPtePages: number;
  /** Whether VmPTE was the same before and after the scan. */
  readonly stable: boolean;
  readonly vmas: readonly Vma[];
  readonly runs: Runs;
}

export interface Vma {
  /** First page and first page behind it. */
  readonly start: number;
  readonly end: number;
  /** Any of `PROT_READ | PROT_WRITE | PROT_EXEC`. */
  readonly protection: number;
  /** `s` in maps: VM_MAYSHARE. */
  readonly shared: boolean;
  /** Page offset into the object, in base pages; 0 for anonymous memory. */
  readonly offset: number;
  /** Index into `HostSnapshot.objects`, or -1 for anonymous memory. */
  readonly object: number;
  /** `[heap]`, `[stack]`, `[anon:NAME]`, or '' . */
  readonly label: string;
}

/** What a run of slots holds for one VMA. Values are stored in files: never renumber. */
export const RunKind = {
  /** A PTE table with at least one entry that is not none. */
  PTE: 1,
  /** A PTE table whose entries, within this VMA, are all none. */
  EMPTY: 2,
  /** An anonymous huge page at PMD level: a PTE table is deposited for it. */
  THP_ANON: 3,
  /** A file or shmem huge page at PMD level: no deposit. */
  THP_FILE: 4,
  /** A hugetlb page mapped by a PMD entry. */
  HUGETLB_PMD: 5,
  /** No page, but the PMD table that would map it exists. */
  HUGETLB_HOLE: 6,
  /** A hugetlb page mapped by a PUD entry; the run counts slots, 512 a page. */
  HUGETLB_PUD: 7,
  /** VM_PFNMAP: never walked by the kernel for us, its tables are assumed. */
  PFNMAP: 8,
} as const;
export type RunKind = (typeof RunKind)[keyof typeof RunKind];
export const RUN_KIND_MAX = 8;

/**
 * Consecutive slots of one VMA that hold the same kind of thing, in columns, sorted by `slot` and
 * then by `vma`. A slot may stand in runs of several VMAs: they share that PTE table.
 */
export interface Runs {
  readonly length: number;
  /** Index into `Mm.vmas`. */
  readonly vma: Int32Array;
  readonly slot: Float64Array;
  readonly count: Int32Array;
  readonly kind: Uint8Array;
  /** Populated base pages in the run: present, swapped, or marker entries. */
  readonly pages: Float64Array;
  /**
   * Content id of the run's first slot, counting up by one per slot; 0 if not known. Two slots with
   * the same id have tables with the same frames in the same places, wherever they stand.
   */
  readonly content: Int32Array;
}

/** Columns for `length` runs, to be filled in. */
export function newRuns(length: number): Runs {
  return {
    length,
    vma: new Int32Array(length),
    slot: new Float64Array(length),
    count: new Int32Array(length),
    kind: new Uint8Array(length),
    pages: new Float64Array(length),
    content: new Int32Array(length),
  };
}
