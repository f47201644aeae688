/**
 * Counting who maps a folio by one entry of level 1, its *entire mapcount*: kept where the second
 * frame, which is no head, would count references. Called under the lock of that entry's table.
 */
import { assert } from '../../base/assert.ts';
import { rssKindOf } from '../rmap/map_count.ts';
import type { Mm } from '../vma/mm.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import type { World } from '../world/world.ts';

export function entireMapcount(world: World, head: number): number {
  return world.frameReferences[head + 1]!;
}

/** One more entry of level 1 maps the `pages` frames from `head` on. */
export function* addHugeRmap(world: World, mm: Mm, head: number, pages: number): Op<void> {
  yield writing(world.objects.frame(head));
  world.frameReferences[head + 1]!++;
  mm.rss[rssKindOf(world, head)]! += pages;
}

/** One entry of level 1 less maps them. */
export function* removeHugeRmap(world: World, mm: Mm, head: number, pages: number): Op<void> {
  yield writing(world.objects.frame(head));
  assert(world.frameReferences[head + 1]! > 0, 'a folio that is unmapped was mapped');
  world.frameReferences[head + 1]!--;
  mm.rss[rssKindOf(world, head)]! -= pages;
}
