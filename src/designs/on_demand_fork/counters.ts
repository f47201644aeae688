/**
 * Who counts the pages of a table that is shared.
 *
 * With an owner, the others count neither the table nor its pages; when the owner leaves, nobody does,
 * until the last one takes it over.
 */
import { headOf } from '../../mm/page/frame.ts';
import { disownLargeMaps, LARGE, ownLargeMaps } from '../../mm/rmap/large_mapcount.ts';
import { isAnonymousFrame } from '../../mm/rmap/map_count.ts';
import { isMappedAt, mappedFrameAt } from '../../mm/table/mapped_entry.ts';
import { SoftKind, softKindAt, softValueAt } from '../../mm/table/soft_entry.ts';
import { type Mm, Rss } from '../../mm/vma/mm.ts';
import type { Op } from '../../mm/world/op.ts';
import { writing } from '../../mm/world/point.ts';
import type { World } from '../../mm/world/world.ts';
import type { Options } from './options.ts';

/** Lets `mm` count the pages of `table` (`by` is 1), or no longer (-1). Called under its lock. */
export function countPages(world: World, mm: Mm, table: number, by: 1 | -1): void {
  const first = table * world.tableEntries;
  for (let slot = first; slot < first + 2 ** world.format.indexBits[0]!; slot++) {
    const kind = softKindAt(world, slot);
    if (kind === SoftKind.SWAP) mm.rss[Rss.SWAP]! += by;
    const isMigrating = kind === SoftKind.MIGRATION;
    if (!isMigrating && !isMappedAt(world, slot)) continue;
    const frame = isMigrating ? softValueAt(world, slot) : mappedFrameAt(world, slot);
    if (isAnonymousFrame(world, frame)) mm.rss[Rss.ANON]! += by;
  }
}

/**
 * What `table` maps of large folios is nobody's own while it is shared: it is that of `mm` alone from
 * now on (`isOwn`), or no longer. Called under its lock.
 */
export function* countOwner(world: World, mm: Mm, table: number, isOwn: boolean): Op<void> {
  const first = table * world.tableEntries;
  for (let slot = first; slot < first + 2 ** world.format.indexBits[0]!; slot++) {
    if (!isMappedAt(world, slot)) continue;
    const frame = mappedFrameAt(world, slot);
    if ((world.frameFlags[frame]! & LARGE) === 0) continue;
    const head = headOf(world, frame);
    yield writing(world.objects.frame(head));
    if (isOwn) ownLargeMaps(world, mm, head, 1);
    else disownLargeMaps(world, mm, head, 1);
  }
}

/** Whether `mm`, which shares `table`, counts it. */
export function isCounted(mm: Mm, table: number, { counts }: Options): boolean {
  return counts === 'each' || mm.ownedTables.has(table);
}
