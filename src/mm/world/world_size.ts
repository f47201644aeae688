/** How large a world is: all its memory is laid out when it is made. */
import type { PteFormat } from '../../arch/index.ts';
import type { MmuShape } from '../../mmu/index.ts';

export interface WorldSize {
  readonly format: PteFormat;
  readonly cpus: number;
  /** Address spaces at a time. */
  readonly mms: number;
  /** Guests of KVM at a time, each with a second-level table of its own. */
  readonly guests: number;
  /** Devices behind an IOMMU that walks the tables of processes. */
  readonly devices: number;
  /** Physical frames for data; page tables have their own. */
  readonly frames: number;
  readonly tables: number;
  /** VMAs, anon_vmas and inodes at a time, of all address spaces together. */
  readonly vmas: number;
  readonly anonVmas: number;
  readonly inodes: number;
  /** Descriptors of userfaultfd(2) at a time. */
  readonly userfaultfds: number;
  /** Slots of the swap device; 0 for none. */
  readonly swapSlots: number;
  /** Whether reading a slot takes no waiting, as of zram (SWP_SYNCHRONOUS_IO). */
  readonly swapIsSynchronous: boolean;
  /** Most pages, and most tables, that an unmapping collects before it flushes. */
  readonly gather: number;
  /** How a CPU flushes the TLBs of others: by interrupt, or by an instruction that reaches all. */
  readonly flush: 'interrupt' | 'broadcast';
  /** Whether CPUs switch between address spaces (`switch_mm.ts`): who flushes looks what they run. */
  readonly switches: boolean;
  /** The TLBs and walk caches of each CPU, at full speed; without, an access walks the tables. */
  readonly tlb: MmuShape | undefined;
  /**
   * By what TLBs tell translations of different address spaces apart: a number for each, or one for each
   * table of level 1, which all who share it have in common (segments of ppc64).
   */
  readonly tlbTags: 'mm' | 'segment';
  /** Whether a frame has content: one word. */
  readonly contents: boolean;
  /** Where faults on private memory use huge pages (transparent_hugepage/enabled). */
  readonly thp: 'always' | 'madvise' | 'never';
  /** How much more of a disk than was missed a fault reads (read_ahead_kb), in pages. */
  readonly readAheadPages: number;
  /** Pages of 2 MiB and of 1 GiB that hugetlb sets aside at boot. */
  readonly hugePages: number;
  readonly gigantic: number;
  /** The sizes that hugetlb knows, in small pages; none for those of one entry of level 1 or 2. */
  readonly hugeSizes: readonly number[];
  /** Whether most `struct page`s of huge pages are given back (hugetlb_free_vmemmap, HVO). */
  readonly hvo: boolean;
  /** The kernel's way to wait when shared tables of hugetlb are given up: for each, or for all. */
  readonly hugetlbUnshare: '6.18' | '6.19';
  /**
   * By what a write knows that a private page is its process's own: by its mark, too, or, as until Linux
   * 5.18, by references only.
   */
  readonly wpReuse: '6.18' | '5.9';
}

/** What is enough for two small address spaces, unless told otherwise. */
export function worldSize(size: Partial<WorldSize> & Pick<WorldSize, 'format'>): WorldSize {
  return {
    cpus: 1,
    mms: 1,
    guests: 0,
    devices: 0,
    frames: 16,
    tables: 12,
    vmas: 16,
    anonVmas: 16,
    inodes: 4,
    userfaultfds: 2,
    swapSlots: 0,
    swapIsSynchronous: false,
    gather: 8,
    flush: 'interrupt',
    switches: false,
    tlb: undefined,
    tlbTags: 'mm',
    contents: true,
    thp: 'madvise',
    readAheadPages: 0,
    hugePages: 0,
    gigantic: 0,
    hugeSizes: [],
    hvo: false,
    hugetlbUnshare: '6.18',
    wpReuse: '6.18',
    ...size,
  };
}
