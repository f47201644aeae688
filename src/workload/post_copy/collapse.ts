/**
 * The end of post-copy with high-granularity mapping: what was mapped in pieces is mapped by larger ones
 * again (MADV_COLLAPSE), and the tables of the pieces go.
 *
 * While a piece is collapsed, KVM keeps all vCPUs from it: between the two calls of its mmu notifier. So
 * pages of 1 GiB are better collapsed in two rounds, first to 2 MiB. How long each takes depends on what
 * is counted: with a count at each small page, as transparent huge pages have, all of a page of 1 GiB
 * are counted down again in the second round, too.
 *
 * @source James Houghton and Peter Xu, LKML, January 2023, on "[PATCH 21/46] hugetlb: use struct
 *         hugetlb_pte for walk_hugetlb_range": about 1 s for each 1 GiB from 4 KiB at once, 30 % of it
 *         by counts at small pages; in two rounds, the second is 100 to 500 times as long with them
 * @omits  flushes, and unmapping in KVM: 10 to 30 ms for each 1 GiB there
 */
import { formatById } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { PostCopy } from './post_copy.ts';

/** How a guest is mapped, and with what it is counted who maps a page. */
export interface PostCopyDesign {
  readonly id: string;
  readonly title: string;
  /** Of hugetlb. */
  readonly pageBytes: number;
  /** What is fetched, and mapped, at once. */
  readonly pieceBytes: number;
  /**
   * Of pages in pieces: entries of whole pages that are not empty, or all entries, both at the head; or
   * whole pages there, and small ones at each.
   */
  readonly counting?: 'top' | 'entries' | 'subpages';
}

/** What a collapse has done. Times in microseconds. */
export interface Collapse {
  readonly totalUs: number;
  /** The longest that a vCPU waits for what it touches. */
  readonly longestUs: number;
  /** Entries that were changed. */
  readonly entries: number;
  /** Counts of small pages that were changed. */
  readonly counts: number;
  /** Page tables that are left. */
  readonly tables: number;
}

const GIB_PAGES = 2 ** 18;
const ENTRY_PAGES = formatById('x86_64-4level')!.entryPages;

/** What is measured of a collapse of 1 GiB at once, and that it is 1.3 times that without counts. */
const COLLAPSE_US = 1e6;
const COUNTS_TAKE = 1.3;

/** To change an entry, its reference included, and that of a table; and the count of a small page. */
export const COLLAPSE_COST = {
  entryUs: COLLAPSE_US / COUNTS_TAKE / entriesOf(PAGE_BYTES, GIB_PAGES * PAGE_BYTES),
  countUs: (COLLAPSE_US - COLLAPSE_US / COUNTS_TAKE) / GIB_PAGES,
} as const;

/**
 * @param rounds to which size, in bytes, the smallest first; each is a multiple of what was before
 */
export function collapse(
  { guestBytes }: Pick<PostCopy, 'guestBytes'>,
  { pageBytes, pieceBytes, counting }: PostCopyDesign,
  rounds: readonly number[],
): Collapse {
  const { entryUs, countUs } = COLLAPSE_COST;
  let from = pieceBytes;
  let [totalUs, longestUs, entries, counts] = [0, 0, 0, 0];
  for (const to of rounds) {
    assert(to > from && to % from === 0, 'a round makes larger pieces of smaller ones');
    const pieces = guestBytes / to;
    const changed = entriesOf(from, to);
    // What becomes of the whole page is counted at its head.
    const mapped = to === pageBytes ? 0 : to / PAGE_BYTES;
    const counted = counting === 'subpages' ? to / PAGE_BYTES + mapped : 0;
    const us = changed * entryUs + counted * countUs;
    totalUs += pieces * us;
    longestUs = Math.max(longestUs, us);
    entries += pieces * changed;
    counts += pieces * counted;
    from = to;
  }
  return { totalUs, longestUs, entries, counts, tables: tablesOf(guestBytes, from) };
}

/** All that are emptied, of tables too, and the one that takes their place. */
function entriesOf(from: number, to: number): number {
  return to / from + (tablesOf(to, from) - tablesOf(to, to)) + 1;
}

/** Page tables of a guest that lies on 512 GiB and is mapped by entries of one size, the root included. */
export function tablesOf(guestBytes: number, pieceBytes: number): number {
  const [pages, entryPages] = [guestBytes / PAGE_BYTES, pieceBytes / PAGE_BYTES];
  let tables = 1;
  for (let level = 1; level < ENTRY_PAGES.length; level++) {
    const span = ENTRY_PAGES[level]!;
    if (span > entryPages) tables += Math.ceil(pages / span);
  }
  return tables;
}
