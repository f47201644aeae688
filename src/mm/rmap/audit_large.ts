/** What large private folios say of who maps them, against the tables. */
import { isHugetlbFolio } from '../hugetlb/folio.ts';
import type { Mm } from '../vma/mm.ts';
import { violate } from '../world/property.ts';
import { FrameFlag, type World } from '../world/world.ts';
import { isMaybeMappedShared, mapsOf, ownedMaps, privateMapcount } from './large_mapcount.ts';

/** Of each large folio: how many entries each address space has that map it, or a page of it. */
export type LargeMaps = Map<number, Map<Mm, number>>;

/** An entry of `mm` maps the folio `head`, or a page of it. */
export function noteLargeMap(world: World, maps: LargeMaps, mm: Mm, head: number): void {
  if (!isLargePrivate(world, head)) return;
  const entries = maps.get(head) ?? new Map<Mm, number>();
  maps.set(head, entries.set(mm, (entries.get(mm) ?? 0) + 1));
}

function isLargePrivate(world: World, head: number): boolean {
  const { frameFlags, frameMapping } = world;
  if ((frameFlags[head]! & FrameFlag.HEAD) === 0 || frameMapping[head]! >= 0) return false;
  return !isHugetlbFolio(world, head);
}

/** Called when no operation is under way. */
export function auditLargeMaps(world: World, maps: LargeMaps): void {
  for (let head = 0; head < world.size.frames; head++) {
    if (!isLargePrivate(world, head)) continue;
    const entries = maps.get(head) ?? new Map<Mm, number>();
    let [total, known] = [0, 0];
    for (const [mm, count] of entries) {
      // Entries that came when no slot was free are known to be nobody's.
      const own = mapsOf(world, mm, head);
      if (own > count) violate(world, 'P-COUNT');
      total += count;
      known += own;
    }
    if (total !== privateMapcount(world, head)) violate(world, 'P-COUNT');
    if (known !== ownedMaps(world, head)) violate(world, 'P-COUNT');
    if (total <= 1 || isMaybeMappedShared(world, head)) continue;
    if (entries.size > 1) violate(world, 'P-COW');
    if (known !== total) violate(world, 'P-COUNT');
  }
}
