/**
 * Where a page of hugetlb, or a piece of one, is mapped: an entry, or on arm64 a run of entries that
 * stand for one, and how much it spans.
 *
 * @source HGM v2, include/linux/hugetlb.h struct hugetlb_pte: pointer, shift, level and lock
 */
import { isContiguousAt } from '../../mm/hugetlb/huge_pte.ts';
import { isMappedAt, mappedFrameAt } from '../../mm/table/mapped_entry.ts';
import { checkTable, isNoneAt, isPresentAt, isTableAt, lockOf } from '../../mm/table/pgtable.ts';
import { Marker, SoftKind, softKindAt, softValueAt } from '../../mm/table/soft_entry.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import type { World } from '../../mm/world/world.ts';

/** A place that a walk moves down. */
export interface HugetlbPte {
  /** Of the first entry of a run. */
  slot: number;
  level: number;
  /** 1, or how many entries the run has. */
  entries: number;
  /** Small pages that it spans (1 << shift). */
  pages: number;
}

export function newHugetlbPte(): HugetlbPte {
  return { slot: 0, level: 0, entries: 1, pages: 1 };
}

/** What is there. */
export const Held = {
  NONE: 0,
  /** It maps a piece. */
  LEAF: 1,
  /** It refers to a table, or the entries of a run do not stand for one: smaller pieces may be mapped. */
  FINER: 2,
  /** Nothing is mapped, and userfaultfd-wp is to be told of the first write. */
  MARKER: 3,
  /** A page that is being moved, or one that is poisoned. */
  SOFT: 4,
} as const;
export type Held = (typeof Held)[keyof typeof Held];

/** Called with the entry announced. */
export function heldAt(world: World, { slot, level, entries }: HugetlbPte): Held {
  if (entries > 1) return heldByRun(world, slot, level, entries);
  if (isNoneAt(world, slot)) return Held.NONE;
  if (isMappedAt(world, slot, level)) return Held.LEAF;
  if (level > 0 && isPresentAt(world, slot) && isTableAt(world, slot, level)) return Held.FINER;
  return isWpMarker(world, slot) ? Held.MARKER : Held.SOFT;
}

function heldByRun(world: World, slot: number, level: number, entries: number): Held {
  if (isContiguousAt(world, slot, level)) return Held.LEAF;
  for (let at = slot; at < slot + entries; at++) if (!isNoneAt(world, at)) return Held.FINER;
  return Held.NONE;
}

function isWpMarker(world: World, slot: number): boolean {
  return softKindAt(world, slot) === SoftKind.MARKER && softValueAt(world, slot) === Marker.UFFD_WP;
}

/** Whether something can be mapped there: nothing is, or a marker. Called with the entry announced. */
export function isEmptyAt(world: World, at: HugetlbPte): boolean {
  if (!checkTable(world, at.slot)) return false;
  const held = heldAt(world, at);
  return held === Held.NONE || held === Held.MARKER;
}

/** The first frame that a leaf maps. */
export function frameOf(world: World, { slot, level }: HugetlbPte): number {
  return mappedFrameAt(world, slot, level);
}

/** The lock that guards it. Another level has another one. */
export function lockOfPiece(world: World, mm: Mm, { slot, level }: HugetlbPte): number {
  return lockOf(world, mm, slot, level);
}

/** The first page that is mapped where `page` is. */
export function firstOf({ pages }: HugetlbPte, page: number): number {
  return page - (page % pages);
}
