/** Where a mapping is placed. All in pages. */

import { ENOMEM } from '../errno.ts';
import type { AddressSpace } from './address_space.ts';
import { type MemoryObject, startWithGap, VM } from './vma.ts';

const HUGE_PAGES = 512;
/** Where MAP_32BIT searches: from 1 GiB to 2 GiB. */
const LOW_START = 0x40000;
const LOW_END = 0x80000;

export interface Placement {
  /** A wish, or 0 for none; with `isFixed` an order. */
  readonly address: number;
  readonly pages: number;
  readonly object: MemoryObject | undefined;
  /** Shared anonymous memory has no object before it is mapped, but is placed as if it had. */
  readonly isShared: boolean;
  readonly pgoff: number;
  readonly isFixed: boolean;
  readonly is32Bit: boolean;
}

/** @returns a page, or a negative errno */
export function unmappedArea(space: AddressSpace, placement: Placement): number {
  const { taskSize } = space.layout;
  const { pages } = placement;
  if (pages > taskSize) return ENOMEM;
  const found = (isHugeWanted(placement) && hugeArea(space, placement)) || area(space, placement);
  return found > taskSize - pages ? ENOMEM : found;
}

function isHugeWanted({ address, pages, object, isShared }: Placement): boolean {
  if (object !== undefined) return object.placement === 'huge';
  return !isShared && address === 0 && pages % HUGE_PAGES === 0;
}

/** Where pages of 2 MiB could be used; 0 if nowhere. */
function hugeArea(space: AddressSpace, placement: Placement): number {
  const pgoff = placement.object === undefined ? 0 : placement.pgoff;
  const aligned = Math.ceil(pgoff / HUGE_PAGES) * HUGE_PAGES;
  if (pgoff + placement.pages - aligned < HUGE_PAGES) return 0;
  const found = area(space, { ...placement, pages: placement.pages + HUGE_PAGES });
  if (found < 0) return 0;
  // A wish that is granted stays as it is.
  if (found === placement.address) return found;
  const distance = (((pgoff - found) % HUGE_PAGES) + HUGE_PAGES) % HUGE_PAGES;
  // The highest such place, not the first.
  return found + (distance === 0 ? HUGE_PAGES : distance);
}

function area(space: AddressSpace, placement: Placement): number {
  const { address, pages, isFixed, is32Bit } = placement;
  const { taskSize, mmapBase, minAddress } = space.layout;
  if (pages > taskSize) return ENOMEM;
  if (isFixed) return address;
  const end = is32Bit ? LOW_END : taskSize;
  if (pages > end) return ENOMEM;
  if (address !== 0 && address <= end - pages) {
    const next = space.vmas.find(address);
    if (next === undefined || address + pages <= startWithGap(next)) return address;
  }
  if (is32Bit) return lowestArea(space, pages, LOW_START, LOW_END);
  const found = highestArea(space, pages, minAddress, mmapBase);
  return found < 0 ? lowestArea(space, pages, Math.ceil(taskSize / 3), taskSize) : found;
}

/** A gap that ends within a stack's guard is passed over with all gaps in that guard. */
function highestArea(space: AddressSpace, pages: number, low: number, high: number): number {
  for (let limit = high; ; ) {
    const end = space.vmas.highestGap(pages, low, limit);
    if (end === undefined) return ENOMEM;
    const above = space.vmas.find(end);
    if (above === undefined || startWithGap(above) >= end) return end - pages;
    limit = startWithGap(above);
  }
}

function lowestArea(space: AddressSpace, pages: number, low: number, high: number): number {
  for (let limit = low; ; ) {
    const start = space.vmas.lowestGap(pages, limit, high);
    if (start === undefined) return ENOMEM;
    const above = space.vmas.find(start);
    const isStack = above !== undefined && (above.flags & VM.GROWSDOWN) !== 0;
    if (!isStack || startWithGap(above) >= start + pages) return start;
    limit = above.end;
  }
}
