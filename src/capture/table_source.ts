/** What the two ways of reading page tables have in common. */
import type { Layout } from './layout.ts';
import type { Pacer } from './pacer.ts';

/** Receives regions of pages in ascending order; one may span several VMAs. */
export interface RegionSink {
  /**
   * @param categories `PageIs` bits: WRITTEN, PRESENT and SWAPPED. HUGE is mapped above the PTE table;
   *   alone, in a hugetlb VMA: not mapped, but its table exists
   */
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
