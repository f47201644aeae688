/**
 * How many entries map a large folio, and for private ones, of whose tables.
 *
 * A folio keeps these where its frames behind the first one, which are no heads, would count references:
 *
 *   1  entries above level 0 that map all of it (the *entire mapcount*)
 *   2  pins (`dup_rmap.ts`); 3  flags of hugetlb (`hugetlb/folio.ts`)
 *   4  all entries that map it or a page of it (the *large mapcount*)
 *   5  an address space, and 6 how many of these entries are its own; 7, 8 the same for another one
 *   9  whether others may map it besides one address space
 *
 * Two address spaces are remembered, so that of three that map a folio one is not. It follows that
 * `isMaybeMappedShared()` says no only if all entries are of one address space, and may say yes though
 * they are, after three had it at a time. Changed with the folio announced, which stands for the bit
 * lock of these counts, and under the lock of the entry's table.
 *
 * @source include/linux/rmap.h folio_add_return_large_mapcount(), folio_sub_return_large_mapcount();
 *         include/linux/mm.h folio_maybe_mapped_shared() (Linux 6.18, CONFIG_MM_ID)
 * @omits  address spaces that map large folios of files: nobody asks
 */
import { assert } from '../../base/assert.ts';
import { orderOf } from '../page/frame.ts';
import type { Mm } from '../vma/mm.ts';
import { FrameFlag, type World } from '../world/world.ts';

const ENTIRE = 1;
const TOTAL = 4;
const FIRST = 5;
const SECOND = 7;
/** Of a slot: behind the address space, 1 + its number or 0 for none, its entries. */
const MAPS = 1;
const SHARED = 9;
/** So many frames are needed for the counts. */
const ORDER_MIN = 4;

/** A frame with any of these belongs to a large folio. */
export const LARGE = FrameFlag.HEAD | FrameFlag.TAIL;

/** Entries above level 0 that map the folio `head`, which is large. */
export function entireMapcount({ frameReferences }: World, head: number): number {
  return frameReferences[head + ENTIRE]!;
}

/** As many entries above level 0 more, or less, map it. */
export function countEntireMaps({ frameReferences }: World, head: number, change: 1 | -1): void {
  frameReferences[head + ENTIRE]! += change;
  assert(frameReferences[head + ENTIRE]! >= 0, 'a folio that is unmapped was mapped');
}

/** Entries that map a private folio, or a page of it. */
export function privateMapcount(world: World, head: number): number {
  const isLarge = (world.frameFlags[head]! & FrameFlag.HEAD) !== 0;
  return isLarge ? world.frameReferences[head + TOTAL]! : world.frameMapcount[head]!;
}

/** Whether others than one address space may map a private folio. */
export function isMaybeMappedShared(world: World, head: number): boolean {
  if (privateMapcount(world, head) <= 1) return false;
  const isLarge = (world.frameFlags[head]! & FrameFlag.HEAD) !== 0;
  return !isLarge || world.frameReferences[head + SHARED] !== 0;
}

/** How many of these entries are known to be of `mm`. */
export function mapsOf(world: World, mm: Mm, head: number): number {
  const slot = slotOf(world, mm, head);
  return slot === 0 ? 0 : world.frameReferences[slot + MAPS]!;
}

/** How many of them are known to be somebody's. */
export function ownedMaps({ frameReferences }: World, head: number): number {
  return frameReferences[head + FIRST + MAPS]! + frameReferences[head + SECOND + MAPS]!;
}

/** `maps` more entries of `mm` map the large folio `head`. */
export function addLargeMaps(world: World, mm: Mm, head: number, maps: number): void {
  if (world.frameMapping[head]! >= 0) return;
  assert(orderOf(world, head) >= ORDER_MIN, 'a large private folio has frames for its counts');
  world.frameReferences[head + TOTAL]! += maps;
  remember(world, mm, head, maps);
}

/** `maps` entries of `mm` less map it. */
export function dropLargeMaps(world: World, mm: Mm, head: number, maps: number): void {
  const { frameMapping, frameReferences } = world;
  if (frameMapping[head]! >= 0) return;
  frameReferences[head + TOTAL]! -= maps;
  assert(frameReferences[head + TOTAL]! >= 0, 'a folio that is unmapped was mapped');
  const slot = slotOf(world, mm, head);
  if (slot !== 0) {
    frameReferences[slot + MAPS]! -= maps;
    if (frameReferences[slot + MAPS]! > 0) return;
    // There may be less than none: some of its entries came when both slots were taken.
    frameReferences[slot + MAPS] = 0;
    frameReferences[slot] = 0;
  }
  noticeOwner(world, head);
}

/** `maps` entries of `mm`, of a table that is shared from now on, are no longer known to be its own. */
export function disownLargeMaps(world: World, mm: Mm, head: number, maps: number): void {
  if (world.frameMapping[head]! >= 0) return;
  dropLargeMaps(world, mm, head, maps);
  world.frameReferences[head + TOTAL]! += maps;
  world.frameReferences[head + SHARED] = 1;
}

/** `maps` entries that nobody is known to have, of a table that was shared, are those of `mm`. */
export function ownLargeMaps(world: World, mm: Mm, head: number, maps: number): void {
  if (world.frameMapping[head]! >= 0) return;
  remember(world, mm, head, maps);
  noticeOwner(world, head);
}

/** Counts `maps` entries, which the large mapcount has already, as those of `mm` if a slot is free. */
function remember(world: World, mm: Mm, head: number, maps: number): void {
  const { frameReferences } = world;
  let slot = slotOf(world, mm, head);
  if (slot === 0 && frameReferences[head + FIRST] === 0) slot = head + FIRST;
  if (slot === 0 && frameReferences[head + SECOND] === 0) slot = head + SECOND;
  if (slot !== 0) {
    frameReferences[slot] = 1 + mm.id;
    frameReferences[slot + MAPS]! += maps;
  }
  const isOwner = slot !== 0 && frameReferences[slot + MAPS] === frameReferences[head + TOTAL];
  if (!isOwner) frameReferences[head + SHARED] = 1;
}

/** Nobody is shared with if one address space has all entries, or there are none. */
function noticeOwner({ frameReferences }: World, head: number): void {
  const total = frameReferences[head + TOTAL]!;
  const isOwned =
    frameReferences[head + FIRST + MAPS] === total ||
    frameReferences[head + SECOND + MAPS] === total;
  if (isOwned) frameReferences[head + SHARED] = 0;
}

/** Which of the slots `mm` has: the frame that it begins with, or 0. */
function slotOf({ frameReferences }: World, { id }: Mm, head: number): number {
  if (frameReferences[head + FIRST] === 1 + id) return head + FIRST;
  return frameReferences[head + SECOND] === 1 + id ? head + SECOND : 0;
}
