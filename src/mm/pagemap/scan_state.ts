/**
 * What a scan of pages is asked for, and what it has found.
 *
 * Regions are collected in a buffer of at most 512 that is emptied when it is full: neighbours that
 * would be one region are not joined over its edge.
 *
 * @source include/uapi/linux/fs.h struct pm_scan_arg, PAGE_IS_WPALLOWED to PAGE_IS_GUARD;
 *         fs/proc/task_mmu.c pagemap_scan_output(), pagemap_scan_push_range(),
 *         pagemap_scan_backout_range() (Linux 6.18)
 * @omits  PAGE_IS_SOFT_DIRTY, which no page is
 */
import { PageIs, PmScan } from '../../uapi/pagemap.ts';

/** In bytes. */
export interface PmScanArg {
  readonly flags: number;
  readonly start: number;
  readonly end: number;
  /** How many regions there is room for; without any, pages are not looked for, but protected. */
  readonly vecLength: number;
  /** 0 for any number. */
  readonly maxPages: number;
  /** Categories that count as the opposite for the two masks. */
  readonly categoryInverted: number;
  /** All of these a page must be, */
  readonly categoryMask: number;
  /** and one of these, if there are any. */
  readonly categoryAnyofMask: number;
  /** What is told of a page. */
  readonly returnMask: number;
}

/** In pages, here and below. */
export interface PageRegion {
  readonly start: number;
  readonly end: number;
  readonly categories: number;
}

const BUFFER_REGIONS = 512;

export class PmScanState {
  readonly arg: PmScanArg;
  readonly regions: PageRegion[] = [];
  /** Where a walk had to stop last, or 0: it stays so though another one came to the end. */
  walkEnd = 0;
  foundPages = 0;
  /** What all pages of a VMA are. */
  vmaCategories = 0;
  /** Where the buffer begins in `regions`, and how many it has room for. */
  #from = 0;
  #room: number;

  constructor(arg: PmScanArg) {
    this.arg = arg;
    this.#room = Math.min(BUFFER_REGIONS, arg.vecLength);
  }

  get isProtecting(): boolean {
    return (this.arg.flags & PmScan.WP_MATCHING) !== 0;
  }

  get isFull(): boolean {
    const { vecLength, maxPages } = this.arg;
    return this.regions.length >= vecLength || (maxPages > 0 && this.foundPages === maxPages);
  }

  matches(categories: number): boolean {
    const { categoryInverted, categoryMask, categoryAnyofMask } = this.arg;
    const seen = categories ^ categoryInverted;
    if ((seen & categoryMask) !== categoryMask) return false;
    return categoryAnyofMask === 0 || (seen & categoryAnyofMask) !== 0;
  }

  /** A VMA of which no page can match is passed over. */
  matchesVma(categories: number): boolean {
    const required = this.arg.categoryMask & PageIs.WPALLOWED;
    return ((categories ^ this.arg.categoryInverted) & required) === required;
  }

  /** Before another walk goes on where one had no room left. */
  empty(): void {
    this.#from = this.regions.length;
    this.#room = Math.min(BUFFER_REGIONS, this.arg.vecLength - this.#from);
  }

  /**
   * Tells of the pages `[start, end)`, or of as many as there is room for.
   *
   * @returns where it stopped; `walkEnd` is then set
   */
  output(categories: number, start: number, end: number): number {
    if (this.arg.vecLength === 0) return end;
    const { maxPages, returnMask } = this.arg;
    const left = maxPages === 0 ? Number.POSITIVE_INFINITY : maxPages - this.foundPages;
    let last = Math.min(end, start + left);
    if (last > start && !this.#push(categories & returnMask, start, last)) last = start;
    this.foundPages += last - start;
    if (last < end) this.walkEnd = last;
    return last;
  }

  #push(categories: number, start: number, end: number): boolean {
    const last = this.regions.length > this.#from ? this.regions.at(-1) : undefined;
    if (last?.end === start && last.categories === categories) {
      this.regions[this.regions.length - 1] = { ...last, end };
      return true;
    }
    if (this.regions.length - this.#from >= this.#room) return false;
    this.regions.push({ start, end, categories });
    return true;
  }

  /** Takes back what was told of `[start, end)` last. */
  backOut(start: number, end: number): void {
    if (this.arg.vecLength === 0) return;
    this.foundPages -= end - start;
    const last = this.regions.at(-1)!;
    if (last.start === start) this.regions.pop();
    else this.regions[this.regions.length - 1] = { ...last, end: start };
  }
}
