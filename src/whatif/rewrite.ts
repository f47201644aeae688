/** Building the address spaces of a host as a design would leave it. */
import { assert } from '../base/assert.ts';
import type { IntervalList } from '../base/interval.ts';
import { type Mm, newRuns, RunKind, type Runs, type Vma } from '../snapshot/records.ts';

/** One run of `Runs`, without its VMA. */
export interface RunRow {
  readonly slot: number;
  readonly count: number;
  readonly kind: number;
  readonly pages: number;
  readonly content: number;
}

/** A VMA with what it holds. */
export interface Part {
  readonly vma: Vma;
  readonly rows: readonly RunRow[];
}

/** The VMAs of `mm`, each with its runs, ascending. */
export function partsOf(mm: Mm): Part[] {
  const rows: RunRow[][] = mm.vmas.map(() => []);
  const { runs } = mm;
  for (let i = 0; i < runs.length; i++) {
    rows[runs.vma[i]!]!.push({
      slot: runs.slot[i]!,
      count: runs.count[i]!,
      kind: runs.kind[i]!,
      pages: runs.pages[i]!,
      content: runs.content[i]!,
    });
  }
  return mm.vmas.map((vma, index) => ({ vma, rows: rows[index]! }));
}

/** `mm` with `parts` in place of its VMAs and runs. */
export function withParts(mm: Mm, parts: readonly Part[]): Mm {
  const ordered = parts.toSorted((a, b) => a.vma.start - b.vma.start);
  const entries = ordered.flatMap((part, vma) => part.rows.map((row) => ({ vma, row })));
  entries.sort((a, b) => a.row.slot - b.row.slot || a.vma - b.vma);
  return { ...mm, vmas: ordered.map((part) => part.vma), runs: runsOf(entries) };
}

function runsOf(entries: readonly { readonly vma: number; readonly row: RunRow }[]): Runs {
  const runs = newRuns(entries.length);
  for (const [index, { vma, row }] of entries.entries()) {
    runs.vma[index] = vma;
    runs.slot[index] = row.slot;
    runs.count[index] = row.count;
    runs.kind[index] = row.kind;
    runs.pages[index] = row.pages;
    runs.content[index] = row.content;
  }
  return runs;
}

/** Whether a run's slots are mapped by a leaf of a PMD entry. */
export function isPmdLeaf(kind: number): boolean {
  return kind >= RunKind.THP_ANON && kind <= RunKind.HUGETLB_HOLE;
}

/** The pages of `vma` under a run of slots, counted from the VMA's start: `[first, end)`. */
export function pagesUnder(
  vma: Vma,
  run: { readonly slot: number; readonly count: number },
  slotPages: number,
): { readonly first: number; readonly end: number } {
  const first = Math.max(run.slot * slotPages, vma.start) - vma.start;
  const end = Math.min((run.slot + run.count) * slotPages, vma.end) - vma.start;
  assert(first < end, 'a run lies under its VMA');
  return { first, end };
}

/** Adds the pages of objects that `mm` has populated to the list that `listOf` names. */
export function addPopulated(
  mm: Mm,
  slotPages: number,
  listOf: (vma: Vma) => IntervalList | undefined,
): void {
  const { runs } = mm;
  for (let i = 0; i < runs.length; i++) {
    const vma = mm.vmas[runs.vma[i]!]!;
    const list = listOf(vma);
    if (list === undefined) continue;
    const { first, end } = pagesUnder(
      vma,
      { slot: runs.slot[i]!, count: runs.count[i]! },
      slotPages,
    );
    list.add(vma.offset + first, vma.offset + end);
  }
}
