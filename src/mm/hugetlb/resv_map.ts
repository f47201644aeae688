/**
 * Which huge pages are reserved: sorted ranges of their indexes.
 *
 * In the map of an inode, for shared mappings, a range says that reservations exist. In the map of a
 * private mapping it says that they were used up.
 *
 * @source mm/hugetlb.c struct resv_map, region_chg(), region_add(), region_del() (Linux 6.18)
 * @omits  the cache of ranges that lets region_add() succeed without memory; cgroups
 */
import type { VmaLock } from './vma_lock.ts';

/** All guarded by the lock of resv maps. */
export interface ResvMap {
  regions: readonly (readonly [number, number])[];
  /** VMAs that have it; 1 of an inode's. */
  references: number;
  /** What serialises faults and MADV_DONTNEED of the owner of a private map. */
  readonly lock: VmaLock | undefined;
}

export function newResvMap(lock?: VmaLock): ResvMap {
  return { regions: [], references: 1, lock };
}

/** How many of `[from, to)` are in it. */
export function countRegions({ regions }: ResvMap, from: number, to: number): number {
  let count = 0;
  for (const [start, end] of regions)
    count += Math.max(0, Math.min(end, to) - Math.max(start, from));
  return count;
}

/** How many of `[from, to)` are missing. */
export function missingRegions(map: ResvMap, from: number, to: number): number {
  return to - from - countRegions(map, from, to);
}

/** Adds `[from, to)`. @returns how many were missing */
export function addRegion(map: ResvMap, from: number, to: number): number {
  const added = missingRegions(map, from, to);
  const touching = map.regions.filter(([start, end]) => start <= to && end >= from);
  const start = Math.min(from, ...touching.map(([first]) => first));
  const end = Math.max(to, ...touching.map(([, last]) => last));
  const rest = map.regions.filter((region) => !touching.includes(region));
  map.regions = [...rest, [start, end] as const].sort(([one], [other]) => one - other);
  return added;
}

/** Removes `[from, to)`. @returns how many were there */
export function deleteRegion(map: ResvMap, from: number, to: number): number {
  const removed = countRegions(map, from, to);
  map.regions = map.regions.flatMap(([start, end]) => {
    const parts: [number, number][] = [
      [start, Math.min(end, from)],
      [Math.max(start, to), end],
    ];
    return parts.filter(([first, last]) => first < last);
  });
  return removed;
}
