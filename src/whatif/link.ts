/** Ranges of tables that an address space has, and arithmetic on them. */

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
