/** Where a mapping is placed. All in pages. */

import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import type { Inode } from '../file/inode.ts';
import type { Mm } from './mm.ts';
import { startWithGap, VM } from './vma.ts';

const HUGE_PAGES = 512;
/** Where MAP_32BIT searches: from 1 GiB to 2 GiB. */
const LOW_START = 0x40000;
const LOW_END = 0x80000;

export interface Placement {
  /** A wish, or 0 for none; with `isFixed` an order. */
  readonly address: number;
  readonly pages: number;
  readonly inode: Inode | undefined;
  /** Shared anonymous memory has no inode before it is mapped, but is placed as if it had. */
  readonly isShared: boolean;
  readonly pgoff: number;
  readonly isFixed: boolean;
  readonly is32Bit: boolean;
}

/** @returns a page, or a negative errno */
export function unmappedArea(mm: Mm, placement: Placement): number {
  const { taskSize } = mm.layout;
  const { pages } = placement;
  if (pages > taskSize) return ENOMEM;
  const isAligned =
    placement.address % alignOf(placement) === 0 && pages % alignOf(placement) === 0;
  if (placement.isFixed && !isAligned) return EINVAL;
  const found = (isHugeWanted(placement) && hugeArea(mm, placement)) || area(mm, placement);
  return found > taskSize - pages ? ENOMEM : found;
}

/** What a place has to be a multiple of. @source mm/hugetlb.c hugetlb_get_unmapped_area() */
function alignOf({ inode }: Placement): number {
  return inode?.hugetlb?.hstate.pages ?? 1;
}

function isHugeWanted({ address, pages, inode, isShared }: Placement): boolean {
  if (inode !== undefined) return inode.placement === 'huge';
  return !isShared && address === 0 && pages % HUGE_PAGES === 0;
}

/** Where pages of 2 MiB could be used; 0 if nowhere. */
function hugeArea(mm: Mm, placement: Placement): number {
  const pgoff = placement.inode === undefined ? 0 : placement.pgoff;
  const aligned = Math.ceil(pgoff / HUGE_PAGES) * HUGE_PAGES;
  if (pgoff + placement.pages - aligned < HUGE_PAGES) return 0;
  const found = area(mm, { ...placement, pages: placement.pages + HUGE_PAGES });
  if (found < 0) return 0;
  // A wish that is granted stays as it is.
  if (found === placement.address) return found;
  const distance = (((pgoff - found) % HUGE_PAGES) + HUGE_PAGES) % HUGE_PAGES;
  if (distance > 0) return found + distance;
  return mm.layout.isBottomUp ? found : found + HUGE_PAGES;
}

function area(mm: Mm, placement: Placement): number {
  const { pages, isFixed, is32Bit } = placement;
  const align = alignOf(placement);
  const address = isFixed ? placement.address : Math.ceil(placement.address / align) * align;
  const { taskSize, mmapBase, minAddress, isBottomUp } = mm.layout;
  if (pages > taskSize) return ENOMEM;
  if (isFixed) return address;
  const end = is32Bit ? LOW_END : taskSize;
  if (pages > end) return ENOMEM;
  if (address !== 0 && address <= end - pages) {
    const next = mm.vmas.find(address);
    if (next === undefined || address + pages <= startWithGap(next)) return address;
  }
  const room = pages + align - 1;
  if (is32Bit) return alignUp(lowestArea(mm, room, LOW_START, LOW_END), align);
  if (isBottomUp) return alignUp(lowestArea(mm, room, mmapBase, taskSize), align);
  const found = highestArea(mm, room, minAddress, mmapBase);
  if (found >= 0) return Math.floor((found + align - 1) / align) * align;
  return alignUp(lowestArea(mm, room, Math.ceil(taskSize / 3), taskSize), align);
}

const alignUp = (found: number, align: number): number =>
  found < 0 ? found : Math.ceil(found / align) * align;

/** A gap that ends within a stack's guard is passed over with all gaps in that guard. */
export function highestArea(mm: Mm, pages: number, low: number, high: number): number {
  for (let limit = high; ; ) {
    const end = mm.vmas.highestGap(pages, low, limit);
    if (end === undefined) return ENOMEM;
    const above = mm.vmas.find(end);
    if (above === undefined || startWithGap(above) >= end) return end - pages;
    limit = startWithGap(above);
  }
}

export function lowestArea(mm: Mm, pages: number, low: number, high: number): number {
  for (let limit = low; ; ) {
    const start = mm.vmas.lowestGap(pages, limit, high);
    if (start === undefined) return ENOMEM;
    const above = mm.vmas.find(start);
    const isStack = above !== undefined && (above.flags & VM.GROWSDOWN) !== 0;
    if (!isStack || startWithGap(above) >= start + pages) return start;
    limit = above.end;
  }
}
