/**
 * Counting who maps a folio by one entry of level 1. Called under the lock of that entry's table.
 *
 * @source mm/rmap.c folio_add_anon_rmap_pmd(), folio_remove_rmap_pmd() (Linux 6.18)
 */
import { addLargeMaps, countEntireMaps, dropLargeMaps } from '../rmap/large_mapcount.ts';
import { rssKindOf } from '../rmap/map_count.ts';
import type { Mm } from '../vma/mm.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import type { World } from '../world/world.ts';

/** One more entry of level 1 maps the `pages` frames from `head` on. */
export function* addHugeRmap(world: World, mm: Mm, head: number, pages: number): Op<void> {
  yield writing(world.objects.frame(head));
  countEntireMaps(world, head, 1);
  addLargeMaps(world, mm, head, 1);
  mm.rss[rssKindOf(world, head)]! += pages;
}

/** One entry of level 1 less maps them. */
export function* removeHugeRmap(world: World, mm: Mm, head: number, pages: number): Op<void> {
  yield writing(world.objects.frame(head));
  countEntireMaps(world, head, -1);
  dropLargeMaps(world, mm, head, 1);
  mm.rss[rssKindOf(world, head)]! -= pages;
}
