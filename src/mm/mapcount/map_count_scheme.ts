/**
 * How folios count who maps them: each scheme as a rule of its own, of one folio, apart from the engine.
 *
 * The schemes differ in what an entry changes, and so in what they can tell: how often a page is mapped,
 * whether more than one address space maps it, and which of its `struct page`s have to be there.
 */

/** The counts of one folio. */
export interface MapCountScheme {
  readonly name: string;
  /** An entry of address space `mm` begins to map the `pages` small pages from `first` on. */
  map(mm: number, first: number, pages: number): void;
  /** It ceases to. */
  unmap(mm: number, first: number, pages: number): void;
  /** What the folio says of how often it is mapped (folio_mapcount). */
  mapcount(): number;
  /** Whether smaps counts the small page as shared, for who maps it. */
  isShared(page: number): boolean;
  /** Whether pagemap says that nobody else maps it (PM_MMAP_EXCLUSIVE). */
  isExclusive(page: number): boolean;
  /** The last `struct page` of the folio that is written to for such an entry. */
  lastStructPage(first: number, pages: number): number;
}

/**
 * How many `struct page`s of a huge page are memory of their own with HVO: those of one page of the
 * vmemmap. All others are this page once more, read-only.
 *
 * @source mm/hugetlb_vmemmap.c HUGETLB_VMEMMAP_RESERVE_PAGES (Linux 6.18): 4096 bytes of 64 each
 */
export const HVO_STRUCT_PAGES = 64;

/** Whether an entry can be counted while the vmemmap of the folio is optimised. */
export function fitsHvo(scheme: MapCountScheme, first: number, pages: number): boolean {
  return scheme.lastStructPage(first, pages) < HVO_STRUCT_PAGES;
}
