/**
 * What an address space maps and has populated after a change: of its mappings, by interval arithmetic.
 *
 * What is still mapped counts as populated where it was: programs touch again what they use. Whether
 * it is in the same tables is told by `life.ts`.
 */
import { assert } from '../base/assert.ts';
import { type Mm, RunKind, type Vma } from '../snapshot/records.ts';
import { PROT } from '../uapi/mman.ts';
import { isPmdLeaf, type Part, partsOf, type RunRow, withParts } from './rewrite.ts';

/** Pages `[start, end)`. */
export interface Range {
  readonly start: number;
  readonly end: number;
}

export const overlaps = (one: Range, other: Range): boolean =>
  one.start < other.end && other.start < one.end;

/** What a process does to a range of its pages; `mm` is an index of `HostSnapshot.mms`. */
export type RangeChange = Range & { readonly mm: number } & (
    | { readonly what: 'unmap' }
    /** MADV_DONTNEED. */
    | { readonly what: 'discard' }
    /** Pages that may not be written where they are: private ones, which fork made common. */
    | { readonly what: 'store' }
    | { readonly what: 'protect'; readonly protection: number }
    /** mremap(2) to where nothing is mapped, as far from a boundary of huge pages as before. */
    | { readonly what: 'move'; readonly to: number }
  );

/** Whether fork copies the tables of `vma`: faults could not bring its pages back. */
export function isCopiedByFork({ object, shared, protection }: Vma): boolean {
  return object < 0 || (!shared && (protection & PROT.WRITE) !== 0);
}

/**
 * `mm` after a change, with its tables' contents as they were. Hugetlb changes in whole pages only, and
 * its mappings never grow together again (VM_DONTEXPAND).
 */
export function changed(
  mm: Mm,
  change: RangeChange,
  slotPages: number,
  isHugetlb: (vma: Vma) => boolean,
): Mm {
  const parts = partsOf(mm).flatMap((part) => cut(part, change, slotPages));
  const isWithin = ({ vma }: Part): boolean => change.start <= vma.start && vma.end <= change.end;
  switch (change.what) {
    case 'discard':
    case 'store':
      return mm;
    case 'unmap':
      return withParts(
        mm,
        parts.filter((part) => !isWithin(part)),
      );
    case 'protect': {
      const { protection } = change;
      const rights = (part: Part): Part =>
        isWithin(part) ? { ...part, vma: { ...part.vma, protection } } : part;
      return withParts(mm, joined(parts.map(rights), change, isHugetlb));
    }
    case 'move': {
      const distance = change.to - change.start;
      assert(distance % slotPages === 0, 'a move keeps the place within a table');
      const moved = (part: Part): Part =>
        isWithin(part) ? shifted(part, distance, slotPages) : part;
      return withParts(mm, parts.map(moved));
    }
  }
}

/** `part` in pieces that end where `range` starts and ends. */
function cut(part: Part, { start, end }: Range, slotPages: number): Part[] {
  const { vma } = part;
  const bounds = [vma.start, start, end, vma.end].filter(
    (page, index, all) => vma.start <= page && page <= vma.end && all.indexOf(page) === index,
  );
  if (bounds.length === 2) return [part];
  const pieces: Part[] = [];
  for (let i = 1; i < bounds.length; i++) {
    pieces.push(clipped(part, { start: bounds[i - 1]!, end: bounds[i]! }, slotPages));
  }
  return pieces;
}

/** The part of `part` within `range`, at the edges of which huge pages are divided. */
function clipped({ vma, rows }: Part, { start, end }: Range, slotPages: number): Part {
  const offset = vma.object < 0 ? vma.offset : vma.offset + start - vma.start;
  const whole = { start: Math.ceil(start / slotPages), end: Math.floor(end / slotPages) };
  const kept = rows.flatMap((row): RunRow[] => {
    const within = (first: number, last: number): RunRow[] =>
      subrow(row, Math.max(first, row.slot), Math.min(last, row.slot + row.count));
    if (!isPmdLeaf(row.kind))
      return within(Math.floor(start / slotPages), Math.ceil(end / slotPages));
    const isDivided = row.kind === RunKind.THP_ANON || row.kind === RunKind.THP_FILE;
    assert(isDivided || whole.start * slotPages === start, 'hugetlb pages are not divided');
    const small = (edge: readonly RunRow[]): RunRow[] =>
      edge.map((one) => ({ ...one, kind: RunKind.PTE }));
    const first = Math.floor(start / slotPages);
    const last = Math.ceil(end / slotPages);
    if (whole.start > whole.end) return small(within(first, last));
    return [
      ...small(within(first, whole.start)),
      ...within(whole.start, whole.end),
      ...small(within(whole.end, last)),
    ];
  });
  return { vma: { ...vma, start, end, offset }, rows: kept };
}

/** The slots `[first, end)` of a row, none if there are none. */
export function subrow(row: RunRow, first: number, end: number): RunRow[] {
  if (first >= end) return [];
  const count = end - first;
  const pages = Math.max(1, Math.floor((row.pages * count) / row.count));
  const content = row.content === 0 ? 0 : row.content + first - row.slot;
  return [{ ...row, slot: first, count, pages, content }];
}

function shifted({ vma, rows }: Part, distance: number, slotPages: number): Part {
  const [start, end] = [vma.start + distance, vma.end + distance];
  const slots = distance / slotPages;
  return {
    vma: { ...vma, start, end },
    rows: rows.map((row) => ({ ...row, slot: row.slot + slots })),
  };
}

/** Mappings that meet at an end of `range`, or within, and go on in the same way, are one. */
function joined(
  parts: readonly Part[],
  { start, end }: Range,
  isHugetlb: (vma: Vma) => boolean,
): Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const last = result.at(-1);
    const meets = start <= part.vma.start && part.vma.start <= end;
    if (last !== undefined && meets && !isHugetlb(part.vma) && isGoingOn(last.vma, part.vma)) {
      const vma = { ...last.vma, end: part.vma.end };
      result[result.length - 1] = { vma, rows: joinedRows(last.rows, part.rows) };
    } else result.push(part);
  }
  return result;
}

/** Whether the kernel would merge two neighbours (vma_merge). */
export function isGoingOn(last: Vma, vma: Vma): boolean {
  if (last.end !== vma.start || last.object !== vma.object) return false;
  if (last.protection !== vma.protection || last.shared !== vma.shared) return false;
  return vma.object < 0 || last.offset + last.end - last.start === vma.offset;
}

/** A slot that both have a part in is in a row once: a table is there if one of them had one. */
function joinedRows(rows: readonly RunRow[], more: readonly RunRow[]): RunRow[] {
  const [last, first] = [rows.at(-1), more[0]];
  if (last === undefined || first === undefined) return [...rows, ...more];
  if (last.slot + last.count <= first.slot) return [...rows, ...more];
  const both = { ...first, count: 1, kind: RunKind.PTE, pages: last.pages + first.pages };
  return [
    ...rows.slice(0, -1),
    ...subrow(last, last.slot, last.slot + last.count - 1),
    both,
    ...subrow(first, first.slot + 1, first.slot + first.count),
    ...more.slice(1),
  ];
}
