/**
 * A host as work for the engine: which process maps what, has touched which pages, and comes of whom.
 *
 * A capture says how many pages of a run are there, not which: here they are the first of the run, and
 * at least one of each table. Tables follow from that, and nothing else does.
 */
import { IntervalList } from '../base/interval.ts';
import { type HostSnapshot, type Mm, RunKind, type Vma } from '../snapshot/records.ts';
import { partsOf, type RunRow } from '../whatif/rewrite.ts';

/** Of the geometry that the engine runs hosts in: x86-64 with four levels. */
export const SLOT_PAGES = 512;
export const GEOMETRY = 'x86_64-4level';

/** Pages `[start, end)` that a process has touched. */
export interface Touched {
  readonly start: number;
  readonly end: number;
  readonly kind: RunKind;
  /** Whether they are as they were when the process was forked. */
  readonly isInherited: boolean;
}

export interface Mapping {
  readonly vma: Vma;
  readonly touched: readonly Touched[];
}

export interface Process {
  readonly comm: string;
  readonly mappings: readonly Mapping[];
  /** The process that it is a fork of, or -1. */
  readonly founder: number;
}

export interface Population {
  readonly snapshot: HostSnapshot;
  readonly processes: readonly Process[];
  /** Pages of memory that they need at most. */
  readonly frames: number;
  /** Huge pages of 2 MiB that hugetlb objects take. */
  readonly hugePages: number;
}

/** The most that is run: about a second for each design. */
const TOUCHES_MAX = 2 ** 20;
const TABLES_MAX = 2 ** 15;
const PROCESSES_MAX = 1000;
const VMAS_MAX = 2 ** 17;

/** @returns why the engine does not run it, if it does not */
export function refusalOf(snapshot: HostSnapshot): string | undefined {
  const { host, mms } = snapshot;
  if (host.geometry !== GEOMETRY) return `The engine runs hosts of ${GEOMETRY}`;
  if (mms.length > PROCESSES_MAX) return `More than ${PROCESSES_MAX} processes`;
  if (mms.length === 0) return 'No process was read';
  let [pages, tables, vmas] = [0, 0, 0];
  for (const { runs, vmas: own } of mms) {
    vmas += own.length;
    for (let i = 0; i < runs.length; i++) {
      const kind = runs.kind[i]!;
      if (kind === RunKind.PFNMAP) return 'It has mappings of device memory';
      if (kind === RunKind.HUGETLB_PUD || kind === RunKind.HUGETLB_HOLE) {
        return 'It has huge pages of 1 GiB, or holes in hugetlb';
      }
      pages += runs.pages[i]!;
      tables += runs.count[i]!;
    }
  }
  if (vmas > VMAS_MAX) return `More than ${VMAS_MAX} mappings`;
  if (pages > TOUCHES_MAX) return `More than ${TOUCHES_MAX} pages touched`;
  return tables > TABLES_MAX ? `More than ${TABLES_MAX} page tables` : undefined;
}

/** Of a host that `refusalOf()` does not refuse. */
export function populationOf(snapshot: HostSnapshot): Population {
  const founders = foundersOf(snapshot.mms);
  const processes = snapshot.mms.map((mm, index): Process => {
    const founder = founders[index]!;
    const isOfFamily = founder >= 0 || founders.includes(index);
    return { comm: mm.comm, founder, mappings: mappingsOf(mm, isOfFamily) };
  });
  return { snapshot, processes, ...needsOf(snapshot, processes) };
}

/** By process: the first one that has a table of private memory with the same frames, or -1. */
function foundersOf(mms: readonly Mm[]): number[] {
  const first = new Map<number, number>();
  return mms.map(({ runs, vmas }, index) => {
    let founder = -1;
    for (let i = 0; i < runs.length; i++) {
      if (runs.content[i] === 0 || vmas[runs.vma[i]!]!.object >= 0) continue;
      for (let slot = 0; slot < runs.count[i]!; slot++) {
        const content = runs.content[i]! + slot;
        const known = first.get(content);
        if (known === undefined) first.set(content, index);
        else if (founder < 0 && known !== index) founder = known;
      }
    }
    return founder;
  });
}

function mappingsOf(mm: Mm, isOfFamily: boolean): Mapping[] {
  return partsOf(mm).map(({ vma, rows }) => ({
    vma,
    touched: rows.flatMap((row) => touchedOf(vma, row, isOfFamily)),
  }));
}

/** The first pages of a run, but one of each later table at least. */
function touchedOf(vma: Vma, row: RunRow, isOfFamily: boolean): Touched[] {
  const { kind } = row;
  const isInherited = isOfFamily && row.content > 0 && vma.object < 0;
  const from = Math.max(vma.start, row.slot * SLOT_PAGES);
  const end = Math.min(vma.end, (row.slot + row.count) * SLOT_PAGES);
  const whole = { start: from, end, kind, isInherited } as Touched;
  if (kind === RunKind.THP_ANON || kind === RunKind.THP_FILE) return hugePages(whole);
  if (kind !== RunKind.PTE && kind !== RunKind.EMPTY) return [whole];
  const found: Touched[] = [];
  let left = kind === RunKind.EMPTY ? row.count : row.pages;
  if (left >= end - from) return [whole];
  for (let slot = row.slot; slot < row.slot + row.count; slot++) {
    const start = Math.max(vma.start, slot * SLOT_PAGES);
    const room = Math.min(vma.end, (slot + 1) * SLOT_PAGES) - start;
    const later = row.slot + row.count - 1 - slot;
    const pages = kind === RunKind.EMPTY ? 1 : Math.max(1, Math.min(room, left - later));
    left -= pages;
    found.push({ start, end: start + pages, kind: kind as RunKind, isInherited });
  }
  return found;
}

/** One by one: each may be there already, or not. */
function hugePages({ start, end, ...rest }: Touched): Touched[] {
  const count = (end - start) / SLOT_PAGES;
  return Array.from({ length: count }, (_, index) => {
    const first = start + index * SLOT_PAGES;
    return { start: first, end: first + SLOT_PAGES, ...rest };
  });
}

function needsOf(
  { objects }: HostSnapshot,
  processes: readonly Process[],
): Pick<Population, 'frames' | 'hugePages'> {
  const mappings = processes.flatMap((process) => process.mappings);
  const files = new Map<number, IntervalList>();
  let [frames, hugePages] = [privatePages(mappings), 0];
  for (const { vma, touched } of mappings) {
    if (vma.object < 0) continue;
    const pages = files.get(vma.object) ?? new IntervalList();
    files.set(vma.object, pages);
    for (const { start, end } of touched) {
      pages.add(start - vma.start + vma.offset, end - vma.start + vma.offset);
    }
  }
  for (const [object, pages] of files) {
    if (objects[object]!.kind === 'hugetlb') {
      hugePages += Math.ceil(extentOf(processes, object) / SLOT_PAGES);
    } else frames += pages.unionLength();
  }
  return { frames, hugePages };
}

/** Pages that were touched of mappings which may have copies of their own. */
export function privatePages(mappings: readonly Mapping[]): number {
  let pages = 0;
  for (const { vma, touched } of mappings) {
    if (vma.shared && vma.object >= 0) continue;
    for (const { start, end } of touched) pages += end - start;
  }
  return pages;
}

/** How many pages of an object somebody maps, from its start. */
export function extentOf(processes: readonly Process[], object: number): number {
  let extent = 0;
  for (const { mappings } of processes) {
    for (const { vma } of mappings) {
      if (vma.object === object) extent = Math.max(extent, vma.offset + vma.end - vma.start);
    }
  }
  return extent;
}
