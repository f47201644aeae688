/** Arithmetic on `Runs`: which tables they need, and how two sets of them go together. */
import { type Geometry, slotsPerTable } from '../arch/geometry.ts';
import { RunKind, type Runs } from '../snapshot/records.ts';
import type { RunBuilder } from './run_builder.ts';

/**
 * How many tables below the root the runs need, deposited ones included: what VmPTE should be.
 *
 * @returns pages
 * @source linux mm_inc_nr_ptes(), mm_inc_nr_pmds(), mm_inc_nr_puds() and their callers
 */
export function countTables(runs: Runs, geometry: Geometry): number {
  let tables = 0;
  for (let level = 0; level < geometry.levels - 1; level++) {
    const slots = slotsPerTable(geometry, level);
    let next = 0;
    for (let run = 0; run < runs.length; run++) {
      if (!needsTable(runs.kind[run]!, level)) continue;
      const first = Math.max(next, Math.floor(runs.slot[run]! / slots));
      const end = Math.floor((runs.slot[run]! + runs.count[run]! - 1) / slots) + 1;
      if (end > first) tables += end - first;
      next = Math.max(next, end);
    }
  }
  return tables;
}

/** A PTE table is deposited for each anonymous huge page, so it counts like a table in use. */
function needsTable(kind: number, level: number): boolean {
  if (level === 0) {
    const isMappedAbove =
      kind === RunKind.THP_FILE ||
      kind === RunKind.HUGETLB_PMD ||
      kind === RunKind.HUGETLB_HOLE ||
      kind === RunKind.HUGETLB_PUD;
    return !isMappedAbove;
  }
  return level > 1 || kind !== RunKind.HUGETLB_PUD;
}

/** All runs of both, sorted by slot and then by VMA. */
export function mergeRuns(a: Runs, b: Runs, builder: RunBuilder): Runs {
  builder.clear();
  let i = 0;
  let j = 0;
  while (i < a.length || j < b.length) {
    const takesA = j === b.length || (i < a.length && isBefore(a, i, b, j));
    if (takesA) copyRun(a, i++, builder);
    else copyRun(b, j++, builder);
  }
  return builder.build();
}

function isBefore(a: Runs, i: number, b: Runs, j: number): boolean {
  if (a.slot[i]! !== b.slot[j]!) return a.slot[i]! < b.slot[j]!;
  return a.vma[i]! <= b.vma[j]!;
}

export function copyRun(runs: Runs, run: number, builder: RunBuilder): void {
  builder.addSlots(
    runs.vma[run]!,
    runs.slot[run]!,
    runs.count[run]!,
    runs.kind[run]! as RunKind,
    runs.pages[run]!,
    runs.content[run]!,
  );
}

/** What is left of `runs`, which hold no pages, without the slots that `covered` has a run for. */
export function withoutSlots(runs: Runs, covered: Runs, builder: RunBuilder): Runs {
  builder.clear();
  let cover = 0;
  for (let run = 0; run < runs.length; run++) {
    const end = runs.slot[run]! + runs.count[run]!;
    let from = runs.slot[run]!;
    while (from < end) {
      while (cover < covered.length && endOf(covered, cover) <= from) cover++;
      const coverStart = cover < covered.length ? covered.slot[cover]! : end;
      if (coverStart <= from) {
        from = endOf(covered, cover);
        continue;
      }
      const to = Math.min(end, coverStart);
      builder.addSlots(runs.vma[run]!, from, to - from, runs.kind[run]! as RunKind, 0, 0);
      from = to;
    }
  }
  return builder.build();
}

function endOf(runs: Runs, run: number): number {
  return runs.slot[run]! + runs.count[run]!;
}
