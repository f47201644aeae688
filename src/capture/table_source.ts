/** What the two ways of reading page tables have in common. */
import type { Layout } from './layout.ts';
import type { Pacer } from './pacer.ts';

/**
 * What is known of the pages of a region, in the kernel's own bits.
 *
 * @source linux include/uapi/linux/fs.h
 */
export const PAGE_IS_WRITTEN = 1 << 1;
export const PAGE_IS_PRESENT = 1 << 3;
export const PAGE_IS_SWAPPED = 1 << 4;
/** Mapped above the PTE table; in a hugetlb VMA alone: not mapped, but its table exists. */
export const PAGE_IS_HUGE = 1 << 6;

/** Receives regions of pages in ascending order; one may span several VMAs. */
export interface RegionSink {
  add(start: number, end: number, categories: number): void;
}

/** Reads the tables of one process at a time through its open `/proc/PID/pagemap`. */
export interface TableSource {
  /** Reports every entry that is not none. */
  populated(pagemap: number, layout: Layout, sink: RegionSink, pacer: Pacer): Promise<void>;
  /**
   * Reports every entry of every existing table, none entries included; undefined if this way of
   * reading cannot tell them from holes. No way can where a VMA has userfaultfd write protection.
   */
  readonly existing?: TableSource['populated'];
}
