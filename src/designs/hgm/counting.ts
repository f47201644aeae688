/**
 * Counting who maps a folio that may be mapped in pieces (`HugetlbCounting`). Called under the lock of
 * the entry, with the folio announced.
 *
 * @source HGM v2, mm/hugetlb.c hugetlb_add_file_rmap(), hugetlb_remove_rmap(); the covers of the others
 */
import { assert } from '../../base/assert.ts';
import type { HugetlbCounting } from '../../mm/hugetlb/granular.ts';
import { countMap } from '../../mm/hugetlb/rmap.ts';
import { headOf, orderOf } from '../../mm/page/frame.ts';
import type { World } from '../../mm/world/world.ts';

/**
 * An entry begins to map the `pages` frames from `frame` on, or ceases to.
 *
 * @param change     1 or -1
 * @param isTop whether the entry of the huge page was empty before, or is from now on
 */
export function countPiece(
  world: World,
  counting: HugetlbCounting,
  frame: number,
  pages: number,
  change: number,
  isTop: boolean,
): void {
  const head = headOf(world, frame);
  switch (counting) {
    case 'entries':
      countMap(world, head, change);
      return;
    case 'top':
      if (isTop) countMap(world, head, change);
      return;
    case 'subpages':
      if (pages === 2 ** orderOf(world, head)) countMap(world, head, change);
      else countSmall(world, frame, pages, change);
  }
}

/** All of the pages are gone through: 2^18 of them for a page of 1 GiB that is mapped by 2 MiB. */
function countSmall({ frameMapcount }: World, first: number, pages: number, change: number): void {
  for (let frame = first; frame < first + pages; frame++) {
    assert(frameMapcount[frame]! + change >= 0, 'a page that is unmapped was mapped');
    frameMapcount[frame]! += change;
  }
}
