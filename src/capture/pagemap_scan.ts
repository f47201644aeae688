/**
 * Reads page tables with the PAGEMAP_SCAN ioctl (Linux 6.7): the kernel walks them and reports
 * regions of pages, so the cost follows what is mapped and not the size of the address space.
 *
 * One call covers all VMAs of a process. It ends early when the vector is full, or when it has
 * found as many pages as the kernel can walk in a few milliseconds: the call holds the mmap lock
 * of the process, which must not notice that it is read.
 *
 * @source linux fs/proc/task_mmu.c do_pagemap_scan(), Documentation/admin-guide/mm/pagemap.rst
 */
import { assert } from '../base/assert.ts';
import { ESRCH } from '../uapi/errno.ts';
import { PageIs } from '../uapi/pagemap.ts';
import type { Layout } from './layout.ts';
import type { Native } from './native.ts';
import type { Pacer } from './pacer.ts';
import { ProcessGone } from './proc_files.ts';
import type { RegionSink, TableSource } from './table_source.ts';

const PAGEMAP_SCAN = 0xc0606610;

/** Indexes of the 64-bit fields of `struct pm_scan_arg`. */
const Field = {
  SIZE: 0,
  START: 2,
  END: 3,
  WALK_END: 4,
  VECTOR: 5,
  VECTOR_LENGTH: 6,
  MAX_PAGES: 7,
  CATEGORY_MASK: 9,
  CATEGORY_ANYOF: 10,
  RETURN_MASK: 11,
} as const;
const FIELDS = 12;

/** `struct page_region` is three 64-bit numbers: start, end, categories. */
const LANES_PER_REGION = 6;
const REGIONS_MAX = 65_536;
/** 1 GiB of small pages takes the kernel 3 ms (measured). */
const PAGES_MAX = 262_144;

/** Which pages to report, and what of them. */
interface Query {
  readonly mask: number;
  readonly anyOf: number;
  readonly returned: number;
}

/** Swapped is also said of every marker: guard regions, userfaultfd write protection. */
const POPULATED: Query = {
  mask: 0,
  anyOf: PageIs.PRESENT | PageIs.SWAPPED | PageIs.HUGE,
  returned: PageIs.PRESENT | PageIs.SWAPPED | PageIs.HUGE,
};

/**
 * Entries not write-protected by userfaultfd. Asked for nothing else, the kernel takes a path that
 * looks at no more than this bit, so that it also reports none entries, but never a missing table.
 */
const EXISTING: Query = { mask: PageIs.WRITTEN, anyOf: 0, returned: PageIs.WRITTEN };

export class PagemapScan implements TableSource {
  readonly #native: Native;
  readonly #pageBytes: number;
  /** Small typed arrays live in movable memory; one over its own buffer does not. */
  readonly #argument = new Uint32Array(new ArrayBuffer(FIELDS * 8));
  readonly #regions = new Uint32Array(new ArrayBuffer(REGIONS_MAX * LANES_PER_REGION * 4));

  constructor(native: Native, pageBytes: number) {
    this.#native = native;
    this.#pageBytes = pageBytes;
    const address = native.addressOf(this.#regions);
    this.#argument[Field.VECTOR * 2] = Number(address & 0xffff_ffffn);
    this.#argument[Field.VECTOR * 2 + 1] = Number(address >> 32n);
    this.#set(Field.SIZE, FIELDS * 8);
    this.#set(Field.VECTOR_LENGTH, REGIONS_MAX);
    this.#set(Field.MAX_PAGES, PAGES_MAX);
  }

  /** Whether the kernel answers the ioctl on this pagemap. */
  isSupported(pagemap: number): boolean {
    this.#ask(POPULATED);
    this.#set(Field.START, 0);
    this.#set(Field.END, 0);
    return this.#native.ioctl(pagemap, PAGEMAP_SCAN, this.#argument) >= 0;
  }

  async populated(pagemap: number, layout: Layout, sink: RegionSink, pacer: Pacer): Promise<void> {
    await this.#scan(pagemap, layout, POPULATED, sink, pacer);
  }

  async existing(pagemap: number, layout: Layout, sink: RegionSink, pacer: Pacer): Promise<void> {
    await this.#scan(pagemap, layout, EXISTING, sink, pacer);
  }

  async #scan(
    pagemap: number,
    layout: Layout,
    query: Query,
    sink: RegionSink,
    pacer: Pacer,
  ): Promise<void> {
    if (layout.length === 0) return;
    const end = layout.end[layout.length - 1]!;
    this.#ask(query);
    this.#set(Field.END, end * this.#pageBytes);
    let at = layout.start[0]!;
    while (at < end) {
      this.#set(Field.START, at * this.#pageBytes);
      const regions = this.#native.ioctl(pagemap, PAGEMAP_SCAN, this.#argument);
      if (regions === ESRCH) throw new ProcessGone('The process has no address space any more');
      assert(regions >= 0, 'a kernel that knows PAGEMAP_SCAN takes its arguments');
      const delivered = this.#deliver(regions, sink);
      // Linux returns a walk end from before the last regions if it had to empty its own buffer of
      // 512 regions on the way, and then came to the end.
      const next = Math.max(delivered, this.#page(this.#argument, Field.WALK_END * 2));
      assert(next > at, 'a scan makes progress');
      at = next;
      if (pacer.isDue) await pacer.pauseWithinBudget();
    }
  }

  /** Returns the page behind the last region; 0 without regions. */
  #deliver(regions: number, sink: RegionSink): number {
    const lanes = this.#regions;
    let end = 0;
    for (let lane = 0; lane < regions * LANES_PER_REGION; lane += LANES_PER_REGION) {
      end = this.#page(lanes, lane + 2);
      sink.add(this.#page(lanes, lane), end, lanes[lane + 4]!);
    }
    return end;
  }

  #ask(query: Query): void {
    this.#set(Field.CATEGORY_MASK, query.mask);
    this.#set(Field.CATEGORY_ANYOF, query.anyOf);
    this.#set(Field.RETURN_MASK, query.returned);
  }

  #set(field: number, value: number): void {
    this.#argument[field * 2] = value >>> 0;
    this.#argument[field * 2 + 1] = Math.floor(value / 2 ** 32);
  }

  /** The page of the 64-bit address in `lanes[lane]` and the lane behind it. */
  #page(lanes: Uint32Array, lane: number): number {
    return (lanes[lane + 1]! * 4_294_967_296 + lanes[lane]!) / this.#pageBytes;
  }
}
