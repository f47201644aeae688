/** Building the address spaces of a host as a design would leave it. */
import { assert } from '../base/assert.ts';
import type { IntervalList } from '../base/interval.ts';
import { type Mm, newRuns, RunKind, type Vma } from '../snapshot/records.ts';

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
export function partsOf({ vmas, runs }: Mm): Part[] {
  const rows: RunRow[][] = vmas.map(() => []);
  for (let i = 0; i < runs.length; i++) {
    rows[runs.vma[i]!]!.push({
      slot: runs.slot[i]!,
      count: runs.count[i]!,
      kind: runs.kind[i]!,
      pages: runs.pages[i]!,
      content: runs.content[i]!,
    });
  }
  return vmas.map((vma, index) => ({ vma, rows: rows[index]! }));
}

/** `mm` with `parts`, the rows of each ascending, in place of its VMAs and runs. */
export function withParts(mm: Mm, parts: readonly Part[]): Mm {
  const ordered = parts.toSorted((a, b) => a.vma.start - b.vma.start);
  const runs = newRuns(ordered.reduce((sum, { rows }) => sum + rows.length, 0));
  let index = 0;
  let last = 0;
  for (const [vma, { rows }] of ordered.entries()) {
    for (const { slot, count, kind, pages, content } of rows) {
      assert(slot >= last, 'runs ascend, those of several VMAs in a slot by VMA');
      runs.vma[index] = vma;
      runs.slot[index] = slot;
      runs.count[index] = count;
      runs.kind[index] = kind;
      runs.pages[index] = pages;
      runs.content[index] = content;
      last = slot;
      index++;
    }
  }
  return { ...mm, vmas: ordered.map((part) => part.vma), runs };
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
