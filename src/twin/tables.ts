/**
 * Which tables an address space must have, as spans of consecutive tables.
 *
 * A table of a level exists exactly where a run of populated slots lies under it (or a table that
 * was emptied and kept, which the capture reports as a run too). Runs are few, however many pages
 * they hold, so the cost here does not grow with the number of pages.
 *
 * @source measured on Linux 6.18: tables walked in the kernel equal these for every process
 */
import { type Geometry, slotsPerTable } from '../arch/geometry.ts';
import { assert } from '../base/assert.ts';
import { type Mm, RunKind } from '../snapshot/records.ts';

/** Consecutive tables of one level. */
export interface TableSpan {
  /** Table number: the table's first virtual address divided by its span. */
  first: number;
  count: number;
  /** Index of the one VMA that has entries in them, or -1: see `owners`. */
  vma: number;
  /** VMAs with entries in the table; more than one only where `vma` is -1 and `count` is 1. */
  owners: readonly number[];
  /** Content id of the first table (level 0), as in `Runs.content`; 0 if unknown. */
  content: number;
}

/** The lowest table level that a run needs: hugetlb at PUD level needs no PMD table. */
export function lowestLevel(kind: number): number {
  switch (kind) {
    case RunKind.PTE:
    case RunKind.EMPTY:
    case RunKind.PFNMAP:
      return 0;
    case RunKind.HUGETLB_PUD:
      return 2;
    default:
      return 1;
  }
}

/**
 * The tables of `level` in `mm`, ascending and disjoint. A table in which several VMAs have entries
 * is a span of its own.
 */
export function tableSpans(mm: Mm, geometry: Geometry, level: number): TableSpan[] {
  const { runs } = mm;
  const slots = slotsPerTable(geometry, level);
  const spans: TableSpan[] = [];
  for (let i = 0; i < runs.length; i++) {
    if (lowestLevel(runs.kind[i]!) > level) continue;
    const first = Math.floor(runs.slot[i]! / slots);
    const last = Math.floor((runs.slot[i]! + runs.count[i]! - 1) / slots);
    const content = level === 0 ? runs.content[i]! : 0;
    addSpan(spans, first, last, runs.vma[i]!, content);
  }
  return spans;
}

/** Adds tables `first..last`. Of those added before, only the last can belong to another VMA. */
function addSpan(
  spans: TableSpan[],
  first: number,
  last: number,
  vma: number,
  content: number,
): void {
  const previous = spans.at(-1);
  let next = first;
  if (previous !== undefined) {
    const end = previous.first + previous.count;
    if (end > first) {
      joinLastTable(spans, previous, first, vma, content);
      next = end;
    } else if (end === first && previous.vma === vma && content === 0 && previous.content === 0) {
      previous.count += last - first + 1;
      return;
    }
  }
  if (next > last) return;
  spans.push({
    first: next,
    count: last - next + 1,
    vma,
    owners: [vma],
    content: content === 0 ? 0 : content + (next - first),
  });
}

/** Records that `vma` too has entries in the last table of `previous`, which is `table`. */
function joinLastTable(
  spans: TableSpan[],
  previous: TableSpan,
  table: number,
  vma: number,
  content: number,
): void {
  if (previous.owners.at(-1) === vma) return;
  assert(table === previous.first + previous.count - 1, 'runs are sorted by slot, VMAs disjoint');
  if (previous.count === 1) {
    previous.owners = [...previous.owners, vma];
    previous.vma = -1;
    if (previous.content === 0) previous.content = content;
    return;
  }
  previous.count--;
  spans.push({
    first: table,
    count: 1,
    vma: -1,
    owners: [...previous.owners, vma],
    content: previous.content === 0 ? content : previous.content + previous.count,
  });
}

/** PTE tables deposited for anonymous huge pages: one a huge page, the huge zero page included. */
export function depositedTables(mm: Mm): number {
  let deposited = 0;
  for (let i = 0; i < mm.runs.length; i++) {
    if (mm.runs.kind[i] === RunKind.THP_ANON) deposited += mm.runs.count[i]!;
  }
  return deposited;
}
