/** Ranges of tables that an address space has, and arithmetic on them. */
import { slotPages, slotsPerTable } from '../arch/geometry.ts';
import { IntervalList } from '../base/interval.ts';
import type { HostSnapshot, Runs } from '../snapshot/records.ts';
import { geometryOf } from '../twin/count_tables.ts';
import { lowestLevel } from '../twin/tables.ts';
import type { Range } from './change.ts';

/** Tables `[first, end)` of an address space are those of pool `key` from `index` on. */
export interface Link {
  readonly first: number;
  readonly end: number;
  readonly key: string;
  readonly index: number;
}

/** Tables without a link. */
export interface Gap {
  readonly first: number;
  readonly count: number;
}

/** Tables that could be linked: places `[from, to)` of a mapping, which `mm` has as `link`. */
export interface Offer {
  readonly mm: number;
  readonly link: Link;
  readonly from: number;
  readonly to: number;
}

/** Pages that a table of `level` spans. */
export function spanPages(snapshot: HostSnapshot, level: number): number {
  const geometry = geometryOf(snapshot);
  return slotPages(geometry) * slotsPerTable(geometry, level);
}

/** By what `keyOf` says, in their order. */
export function groupBy<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) {
    const group = groups.get(keyOf(one));
    if (group === undefined) groups.set(keyOf(one), [one]);
    else group.push(one);
  }
  return groups;
}

/** In pieces, each below one table of the next level. */
export function cutAtTables({ first, count }: Gap, span: number): Gap[] {
  const parts: Gap[] = [];
  for (let at = first; at < first + count; ) {
    const next = Math.min(first + count, (Math.floor(at / span) + 1) * span);
    parts.push({ first: at, count: next - at });
    at = next;
  }
  return parts;
}

/** The part of `link` within `[first, end)`, none if there is none. */
export function slice(link: Link, first: number, end: number): Link[] {
  const from = Math.max(first, link.first);
  const to = Math.min(end, link.end);
  return from < to
    ? [{ ...link, first: from, end: to, index: link.index + from - link.first }]
    : [];
}

/** What of the tables `[first, end)` has no link. */
export function gapsIn(
  { first, end }: { readonly first: number; readonly end: number },
  links: readonly Link[],
): Gap[] {
  const gaps: Gap[] = [];
  let at = first;
  for (const link of links) {
    if (link.end <= at || link.first >= end) continue;
    if (link.first > at) gaps.push({ first: at, count: link.first - at });
    at = link.end;
  }
  if (at < end) gaps.push({ first: at, count: end - at });
  return gaps;
}

/** Pages that were moved: from where, and how far. */
export interface Move extends Range {
  readonly distance: number;
}

/**
 * Tables of `level` without a link where pages were moved to whose tables are still `links`.
 *
 * mremap(2) makes a table wherever there was one, whatever is in it: others may have filled it while
 * it was shared. For huge pages it makes one where there is a page.
 *
 * @param runs  afterwards
 * @param below tables of the level below that are still where they were
 * @source mm/mremap.c move_page_tables(); mm/hugetlb.c move_hugetlb_page_tables(); where Linux hangs,
 *         what the engine does
 */
export function tablesForMoved(
  template: HostSnapshot,
  runs: Runs,
  links: readonly Link[],
  below: readonly Link[],
  { start, end, distance }: Move,
  level: number,
): Gap[] {
  const table = spanPages(template, level);
  const used = level === 0 ? [{ start, end }] : usedBelow(template, runs, below, distance, level);
  const wanted = new IntervalList();
  for (const link of links) {
    for (const part of used) {
      const from = Math.max(start, part.start, link.first * table) + distance;
      const to = Math.min(end, part.end, link.end * table) + distance;
      if (from < to) wanted.add(Math.floor(from / table), Math.ceil(to / table));
    }
  }
  const union = wanted.union();
  const gaps: Gap[] = [];
  for (let i = 0; i < union.length; i += 2) {
    gaps.push(...gapsIn({ first: union[i]!, end: union[i + 1]! }, links));
  }
  return gaps;
}

/** Pages for which tables of `level` have entries, before they are moved. */
function usedBelow(
  template: HostSnapshot,
  runs: Runs,
  below: readonly Link[],
  distance: number,
  level: number,
): Range[] {
  const [slot, span] = [spanPages(template, 0), spanPages(template, level - 1)];
  const used = below.map(({ first, end }) => ({ start: first * span, end: end * span }));
  for (let i = 0; i < runs.length; i++) {
    if (lowestLevel(runs.kind[i]!) !== level) continue;
    const start = runs.slot[i]! * slot - distance;
    used.push({ start, end: start + runs.count[i]! * slot });
  }
  return used;
}
