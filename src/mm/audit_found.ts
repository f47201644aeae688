/** What an audit finds in the page tables, as it counts it. */
import type { Machine } from './machine.ts';
import type { LargeMaps } from './rmap/audit_large.ts';

export interface Found {
  /** Entries that map each frame. */
  readonly maps: Int32Array;
  /** Entries above level 0 that map each folio, or any that map one of hugetlb, at its head. */
  readonly hugeMaps: Int32Array;
  /** Entries that map each large folio, by address space. */
  readonly largeMaps: LargeMaps;
  /** 1 for each frame that an entry of level 0 says was written to. */
  readonly dirty: Uint8Array;
  /** Entries that refer to each table. */
  readonly links: Int32Array;
  /** Entries that stand for each slot of the swap device. */
  readonly swapEntries: Int32Array;
  /** Of each address space: pages, four kinds each, and tables below the root. */
  readonly rss: Int32Array;
  readonly tables: Int32Array;
  /** For each address space one of those that it shares tables with pages with. */
  readonly groups: Int32Array;
  /** Of each group: pages that were found and are not counted, by kind. */
  readonly owed: Int32Array;
  /** References of each folio, at its head. */
  readonly references: Int32Array;
  /** How many small pages of huge ones of hugetlb are mapped, each table once. */
  readonly hugetlbPages: Int32Array;
  /** What each folio is to count as maps of the whole, at its head. */
  readonly entire: Int32Array;
}

/** What audits of a machine count in: making it anew takes as long as the rest of a small one. */
const counts = new WeakMap<Machine, Found>();

export function nothingFound(machine: Machine): Found {
  const known = counts.get(machine);
  const found = known ?? newFound(machine.size);
  if (known === undefined) counts.set(machine, found);
  else clear(found);
  for (let mm = 0; mm < found.groups.length; mm++) found.groups[mm] = mm;
  return found;
}

function newFound({ frames, tables, mms, swapSlots }: Machine['size']): Found {
  return {
    maps: new Int32Array(frames),
    hugeMaps: new Int32Array(frames),
    largeMaps: new Map(),
    dirty: new Uint8Array(frames),
    links: new Int32Array(tables),
    swapEntries: new Int32Array(swapSlots),
    rss: new Int32Array(4 * mms),
    tables: new Int32Array(mms),
    hugetlbPages: new Int32Array(1),
    entire: new Int32Array(frames),
    groups: new Int32Array(mms),
    owed: new Int32Array(4 * mms),
    references: new Int32Array(frames),
  };
}

function clear(found: Found): void {
  for (const part of Object.values(found)) {
    if (part instanceof Map) part.clear();
    else part.fill(0);
  }
}
