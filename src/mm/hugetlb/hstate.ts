/** Sizes of huge pages that hugetlb knows, with the pool of each. */
import type { PteFormat } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import type { Inode } from '../file/inode.ts';
import type { Machine } from '../machine.ts';
import { Registry } from '../registry.ts';
import type { Vma } from '../vma/vma.ts';
import { VM } from '../vma/vma.ts';
import type { ResvMap } from './resv_map.ts';
import type { Subpool } from './subpool.ts';
import type { VmaLock } from './vma_lock.ts';

/** @source include/linux/hugetlb.h struct hstate (Linux 6.18). All guarded by hugetlb_lock. */
export interface Hstate {
  /** Of the entry that maps such a page. */
  readonly level: number;
  /** Entries that map it: 1, or on arm64 those of a contiguous run. */
  readonly entries: number;
  readonly order: number;
  /** Small pages of a page. */
  readonly pages: number;
  /** The heads of free pages; the last one is the next to be taken. */
  readonly free: number[];
  /** HugePages_Total, HugePages_Rsvd, HugePages_Surp. */
  total: number;
  reserved: number;
  surplus: number;
  /** How many pages beyond the pool may be had from the buddy system (nr_overcommit_hugepages). */
  overcommit: number;
}

/** What hugetlb keeps in a machine. */
export interface Hugetlb {
  /** The first one is what calls get that ask for no size. */
  readonly hstates: readonly Hstate[];
  readonly vmaLocks: Registry<VmaLock>;
  /** Of pages in use: whose subpool they count in. */
  readonly subpools: Map<number, Subpool>;
  /** Frames of which the memory has failed. */
  readonly poisoned: Set<number>;
  /** Pages that address spaces which are gone counted as theirs, for the audit. */
  departedPages: number;
}

/** What an inode of hugetlbfs has besides. */
export interface HugetlbInode {
  readonly hstate: Hstate;
  readonly resv: ResvMap;
  readonly subpool: Subpool | undefined;
}

/** @param sizes in small pages; none for those that one entry of level 1 or 2 maps */
export function newHugetlb(
  format: PteFormat,
  vmas: number,
  cpus: number,
  sizes: readonly number[],
): Hugetlb {
  const usual = [1, 2]
    .filter((level) => level < format.levels && format.mayHoldLeaf(level))
    .map((level) => format.entryPages[level]!);
  const hstates = (sizes.length === 0 ? usual : sizes).map((pages) => newHstate(format, pages));
  const vmaLocks = new Registry<VmaLock>(vmas, cpus);
  return { hstates, vmaLocks, subpools: new Map(), poisoned: new Set(), departedPages: 0 };
}

function newHstate(format: PteFormat, pages: number): Hstate {
  const level = format.entryPages.findLastIndex((span) => span <= pages);
  const counts = { total: 0, reserved: 0, surplus: 0, overcommit: 0 };
  const entries = pages / format.entryPages[level]!;
  assert(
    entries === 1 || entries === format.contiguousEntries(level),
    'a size of huge pages is one that an entry, or a run of entries, can map',
  );
  return { level, entries, order: Math.log2(pages), pages, free: [], ...counts };
}

/** How many small pages a page has, of each size that there is. */
export function hugetlbSizes({ hugetlb }: Pick<Machine, 'hugetlb'>): number[] {
  return hugetlb.hstates.map(({ pages }) => pages);
}

/**
 * The size that bits of a call's flags ask for: 0 for the default, or the binary logarithm.
 *
 * @source include/linux/hugetlb.h hstate_sizelog() (Linux 6.18)
 */
export function hstateBySizeLog(machine: Machine, flags: number): Hstate | undefined {
  const log = Math.floor(flags / 2 ** 26) % 64;
  if (log === 0) return machine.hugetlb.hstates[0];
  return machine.hugetlb.hstates.find(({ order }) => order + 12 === log);
}

export function isHugetlb(vma: Vma): boolean {
  return (vma.flags & VM.HUGETLB) !== 0;
}

/** The pages of a VMA of hugetlbfs. */
export function hstateOf(vma: Vma): Hstate {
  return hugetlbOf(vma.file!.inode).hstate;
}

export function hugetlbOf(inode: Inode): HugetlbInode {
  return inode.hugetlb!;
}

/** Which huge page of the file is mapped at `page`. @source vma_hugecache_offset() */
export function hugeIndexAt(vma: Vma, page: number): number {
  return Math.floor((vma.pgoff + page - vma.start) / hstateOf(vma).pages);
}

/** The pools of pages that one entry of `level` maps. */
export function hstateAt(machine: Pick<Machine, 'hugetlb'>, wanted: number): Hstate | undefined {
  return machine.hugetlb.hstates.find(({ level, entries }) => level === wanted && entries === 1);
}

/** Behind the pages that one table of a huge page's level maps. @source hugetlb_mask_last_page() */
export function nextBlock(machine: Machine, { level }: Hstate, page: number): number {
  const span = machine.format.entryPages[level + 1] ?? Number.POSITIVE_INFINITY;
  return (Math.floor(page / span) + 1) * span;
}
