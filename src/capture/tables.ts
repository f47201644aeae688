/**
 * Reads the page tables of one process, in up to three steps:
 *
 * A. every entry that is not none. For nearly every process this explains VmPTE to the page, and
 *    the other steps are left out.
 * B. tables whose entries are all none: MADV_DONTNEED, reclaim and truncation leave them behind.
 * C. memory of drivers and of the kernel (VM_PFNMAP), whose tables no interface shows: assumed to
 *    be there as far as VmPTE leaves room for them.
 *
 * What VmPTE still holds after that are empty tables above the PTE level.
 */
import { type Geometry, slotPages } from '../arch/geometry.ts';
import { RunKind, type Runs, type Vma } from '../snapshot/records.ts';
import type { Layout } from './layout.ts';
import type { Pacer } from './pacer.ts';
import { existingKinds, populatedKinds, Reducer } from './reducer.ts';
import { RunBuilder } from './run_builder.ts';
import { countTables, mergeRuns, withoutSlots } from './runs.ts';
import type { TableSource } from './table_source.ts';

/** One process whose tables are to be read. */
export interface TableSubject {
  /** Open `/proc/PID/pagemap`. */
  readonly pagemap: number;
  readonly vmas: readonly Vma[];
  readonly layout: Layout;
  /** VMAs, by index, that may be VM_PFNMAP; those that surely have their tables come first. */
  readonly pfnmapCandidates: readonly number[];
  readonly vmPtePages: number;
  /** First pages of the VMAs with userfaultfd write protection; asked only before step B. */
  writeProtectedStarts(): ReadonlySet<number>;
}

export interface TablesRead {
  readonly runs: Runs;
  /** Populated pages outside the VMAs: the process has changed since its maps were read. */
  readonly strayPages: number;
}

export async function readTables(
  subject: TableSubject,
  source: TableSource,
  geometry: Geometry,
  pacer: Pacer,
): Promise<TablesRead> {
  const { pagemap, layout, vmPtePages } = subject;
  const populated = new Reducer(layout, slotPages(geometry), populatedKinds(layout));
  await source.populated(pagemap, layout, populated, pacer);
  const { strayPages } = populated;
  let runs = populated.build();

  if (source.existing !== undefined && countTables(runs, geometry) < vmPtePages) {
    const misread = subject.writeProtectedStarts();
    const existing = new Reducer(
      layout,
      slotPages(geometry),
      existingKinds((vma) => misread.has(layout.start[vma]!)),
    );
    await source.existing(pagemap, layout, existing, pacer);
    runs = withEmptyTables(runs, existing.build(), geometry);
  }
  return { runs: withPfnmaps(runs, subject, geometry), strayPages };
}

/** Adds the existing tables in which nothing is populated. */
function withEmptyTables(populated: Runs, existing: Runs, geometry: Geometry): Runs {
  const builder = new RunBuilder(slotPages(geometry));
  const empty = withoutSlots(existing, populated, builder);
  return mergeRuns(populated, empty, builder);
}

/** Adds VM_PFNMAP VMAs one by one, if they need further tables and VmPTE has room for those. */
function withPfnmaps(runs: Runs, subject: TableSubject, geometry: Geometry): Runs {
  const builder = new RunBuilder(slotPages(geometry));
  let result = runs;
  let tables = countTables(runs, geometry);
  const walked = new Set(runs.vma);
  for (const vma of subject.pfnmapCandidates) {
    if (tables >= subject.vmPtePages) break;
    if (walked.has(vma)) continue;
    const { start, end } = subject.vmas[vma]!;
    builder.clear();
    builder.add(vma, start, end, RunKind.PFNMAP);
    const withVma = mergeRuns(result, builder.build(), builder);
    const tablesWithVma = countTables(withVma, geometry);
    if (tablesWithVma === tables || tablesWithVma > subject.vmPtePages) continue;
    result = withVma;
    tables = tablesWithVma;
  }
  return result;
}
