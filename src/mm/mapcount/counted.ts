/** Schemes that count entries: at the folio, at each small page, or at both. */
import { assert } from '../../base/assert.ts';
import type { MapCountScheme } from './map_count_scheme.ts';

/** Where a large folio keeps what it counts of all of itself: not in its first `struct page`. */
const OF_FOLIO = 1;

/**
 * Transparent huge pages: one entry for all of it counts at the folio, others at each small page that they
 * map; and v2 of high-granularity mapping, which does the same for hugetlb.
 *
 * @source mm/rmap.c __folio_add_rmap() (Linux 6.14); HGM v2, hugetlb_add_file_rmap()
 */
export class PerPageCount implements MapCountScheme {
  readonly name: string = 'per page';
  readonly #own: Int32Array;
  #entire = 0;

  constructor(pages: number) {
    this.#own = new Int32Array(pages);
  }

  map(_mm: number, first: number, pages: number): void {
    this.#change(first, pages, 1);
  }

  unmap(_mm: number, first: number, pages: number): void {
    this.#change(first, pages, -1);
  }

  #change(first: number, pages: number, change: number): void {
    if (pages === this.#own.length) this.#entire += change;
    else for (let page = first; page < first + pages; page++) this.#own[page]! += change;
    assert(this.#entire >= 0, 'a folio that is unmapped was mapped');
  }

  /** Of a small page: by the whole, and by itself. */
  pageMapcount(page: number): number {
    return this.#entire + this.#own[page]!;
  }

  mapcount(): number {
    return this.#entire + this.#own.reduce((sum, count) => sum + count, 0);
  }

  isShared(page: number): boolean {
    return this.pageMapcount(page) > 1;
  }

  isExclusive(page: number): boolean {
    return this.pageMapcount(page) === 1;
  }

  lastStructPage(first: number, pages: number): number {
    return pages === this.#own.length ? OF_FOLIO : first + pages - 1;
  }
}

/** HGM v2: as transparent huge pages. */
export class HgmSubpageCount extends PerPageCount {
  override readonly name = 'HGM v2: subpages';
}

/**
 * Hugetlb: each entry counts one at the folio. Of an entry in a shared table others have it, too, which
 * only the table knows: smaps asks both. RFC v2 and v1 of high-granularity mapping count alike, where one
 * process that maps a page by 512 entries looks like 512 that share it.
 *
 * @source include/linux/rmap.h hugetlb_add_file_rmap(); fs/proc/task_mmu.c smaps_hugetlb_range() (Linux 6.18)
 */
export class HeadCount implements MapCountScheme {
  readonly name: string = 'hugetlb: head';
  /** Whether the entry that is asked about lies in a shared table (hugetlb_pmd_shared). */
  isTableShared = false;
  #count = 0;

  map(_mm: number, _first: number, _pages: number): void {
    this.#count++;
  }

  unmap(_mm: number, _first: number, _pages: number): void {
    this.#count--;
    assert(this.#count >= 0, 'a folio that is unmapped was mapped');
  }

  mapcount(): number {
    return this.#count;
  }

  isShared(_page: number): boolean {
    return this.#count > 1 || this.isTableShared;
  }

  isExclusive(_page: number): boolean {
    return this.#count === 1 && !this.isTableShared;
  }

  lastStructPage(_first: number, _pages: number): number {
    return OF_FOLIO;
  }
}

/** HGM RFC v2 and v1. */
export class HgmEntryCount extends HeadCount {
  override readonly name = 'HGM RFC v2, v1: entries';
}

/**
 * RFC v1 of high-granularity mapping: an address space counts one as long as its entry for the whole page
 * is not empty, whether that maps the page, or refers to a table with any number of entries, or none.
 *
 * @source James Houghton, LKML, 27 June 2022
 */
export class HgmTopCount implements MapCountScheme {
  readonly name = 'HGM RFC v1: top';
  readonly #pages: number;
  readonly #tops = new Set<number>();

  constructor(pages: number) {
    this.#pages = pages;
  }

  /** The first small entry comes with a table. */
  map(mm: number, _first: number, _pages: number): void {
    this.#tops.add(mm);
  }

  /** A small entry that goes leaves its table behind. */
  unmap(mm: number, _first: number, pages: number): void {
    if (pages === this.#pages) this.#tops.delete(mm);
  }

  /** The table that the entry refers to is freed, and the entry emptied. */
  empty(mm: number): void {
    this.#tops.delete(mm);
  }

  mapcount(): number {
    return this.#tops.size;
  }

  isShared(_page: number): boolean {
    return this.#tops.size > 1;
  }

  isExclusive(_page: number): boolean {
    return this.#tops.size === 1;
  }

  lastStructPage(_first: number, _pages: number): number {
    return OF_FOLIO;
  }
}
