/**
 * What processes wait for when all of them go on at once: some of those of a host, with the first pages
 * of what they have in common. Each touches them, then all end.
 *
 * Processes that have been forked have inherited them, and write to them; all others have mapped them,
 * and nothing else. The canonical build runs, in which an operation stops before each access to
 * something shared.
 */
import type * as engine from '../mm/index.ts';
import { type HostSnapshot, type Mm, RunKind, type Vma } from '../snapshot/records.ts';
import { explainHost } from '../twin/explain.ts';
import { PROT } from '../uapi/mman.ts';
import { DESIGNS, evaluateDesigns } from '../whatif/evaluate.ts';
import { type Part, partsOf, type RunRow, withParts } from '../whatif/rewrite.ts';
import { runKeyOf } from './measure.ts';
import { GEOMETRY, type Mapping, populationOf, SLOT_PAGES } from './population.ts';
import { ENGINE_DESIGNS, type Engine } from './setup.ts';
import { Stage } from './stage.ts';
import { runTogether, type TogetherCost } from './together.ts';

/** Enough to see who stands in whose way. */
const PROCESSES_MAX = 8;
const PAGES_MAX = 64;
/** What of a mapping is kept: room for a design to share whole tables of it. */
const SLOTS_KEPT = 4;

export interface CrowdPhase extends TogetherCost {
  readonly phase: 'touch' | 'exit';
}

export interface CrowdCost {
  readonly id: string;
  readonly phases: CrowdPhase[];
}

export interface Crowd {
  readonly processes: number;
  /** That each touches. */
  readonly pages: number;
  readonly designs: CrowdCost[];
}

/**
 * @param mm the canonical build
 * @returns nothing if no two processes have something in common, or the engine does not run such hosts
 */
export function measureCrowd(
  mm: Engine,
  host: HostSnapshot,
  ids: readonly string[],
): Crowd | undefined {
  const before = crowdOf(host);
  if (before === undefined) return undefined;
  const wanted = DESIGNS.filter(({ id }) => ids.includes(id) && ENGINE_DESIGNS.includes(id));
  const ran = new Map<string, CrowdPhase[]>();
  const designs: CrowdCost[] = [];
  for (const evaluation of evaluateDesigns(explainHost(before), wanted)) {
    const { design, outcome } = evaluation;
    // No kernel does it: it has no locks.
    if (design.id === 'identical') continue;
    const key = runKeyOf(before, evaluation);
    const phases = ran.get(key) ?? phasesOf(mm, before, outcome.snapshot, design.id);
    ran.set(key, phases);
    designs.push({ id: design.id, phases });
  }
  return { processes: before.mms.length, pages: before.mms[0]!.runs.pages[0]!, designs };
}

/** Pages that a process has, in one mapping, and that others may have as well. */
interface Share {
  readonly mm: Mm;
  readonly vma: Vma;
  readonly row: RunRow;
  /** The first page, and where that is in what is common: its offset in a file, or itself. */
  readonly page: number;
  readonly place: number;
}

/** A host of the first processes that have the most common thing, and of its first pages alone. */
function crowdOf(host: HostSnapshot): HostSnapshot | undefined {
  if (host.host.geometry !== GEOMETRY) return undefined;
  const shares = mostCommon(host.mms).slice(0, PROCESSES_MAX);
  if (shares.length < 2) return undefined;
  // Of what was inherited, a process may have written to the first pages: those are its own.
  const place = Math.max(...shares.map((share) => share.place));
  const pages = Math.min(PAGES_MAX, ...shares.map((share) => pagesFrom(share, place)));
  if (pages <= 0) return undefined;
  return { ...host, mms: shares.map((share) => only(share, place, pages)) };
}

/** By process, what they have in common: the thing of which all together have most pages. */
function mostCommon(mms: readonly Mm[]): readonly Share[] {
  const things = new Map<string, Share[]>();
  for (const mm of mms) {
    for (const [key, share] of sharesOf(mm)) {
      const known = things.get(key);
      if (known === undefined) things.set(key, [share]);
      else known.push(share);
    }
  }
  const pages = (shares: readonly Share[]): number =>
    shares.length < 2 ? 0 : shares.reduce((sum, { row }) => sum + row.pages, 0);
  const [most = []] = [...things.values()].sort((one, other) => pages(other) - pages(one));
  return most;
}

/** What a process has that others may have, each thing once. */
function sharesOf(mm: Mm): Map<string, Share> {
  const shares = new Map<string, Share>();
  for (const { vma, rows } of partsOf(mm)) {
    for (const row of rows) {
      if (row.kind !== RunKind.PTE || !isCommon(vma, row)) continue;
      const isInherited = vma.object < 0;
      const page = Math.max(vma.start, row.slot * SLOT_PAGES);
      const place = isInherited ? page : page - vma.start + vma.offset;
      const key = isInherited ? `tables ${row.content - row.slot}` : `${vma.object} ${vma.offset}`;
      if (!shares.has(key)) shares.set(key, { mm, vma, row, page, place });
    }
  }
  return shares;
}

/** Whether others may have it: pages of a file, or inherited ones. */
function isCommon({ object, protection }: Vma, { content }: RunRow): boolean {
  return (protection & PROT.READ) !== 0 && (object >= 0 || content > 0);
}

/** How many pages there are from a place on, in its table. */
function pagesFrom({ row, page, place }: Share, from: number): number {
  const first = page + from - place;
  const tableEnd = (Math.floor(first / SLOT_PAGES) + 1) * SLOT_PAGES;
  return Math.min(page + row.pages, tableEnd) - first;
}

/** The process with nothing but these pages, and the mapping that they are in. */
function only({ mm, vma, row, page, place }: Share, from: number, pages: number): Mm {
  const start = page + from - place;
  const slot = Math.floor(start / SLOT_PAGES);
  const part: Part = {
    vma: {
      ...vma,
      start,
      end: Math.min(vma.end, (slot + SLOTS_KEPT) * SLOT_PAGES),
      offset: vma.object < 0 ? 0 : vma.offset + start - vma.start,
    },
    rows: [
      {
        slot,
        count: 1,
        kind: RunKind.PTE,
        pages,
        content: row.content > 0 ? row.content + slot - row.slot : 0,
      },
    ],
  };
  return withParts(mm, [part]);
}

function phasesOf(
  mm: Engine,
  before: HostSnapshot,
  after: HostSnapshot,
  design: string,
): CrowdPhase[] {
  const population = populationOf(after);
  const stage = new Stage(mm, population, design, before, { cpus: before.mms.length });
  if (population.processes.some(({ founder }) => founder >= 0)) stage.populate();
  else stage.map();
  const tasks = before.mms.map((_, index) => stage.as(index));
  const { machine } = stage;
  const programs = populationOf(before).processes.map(({ mappings }, index) =>
    touchAll(stage, index, mappings),
  );
  const touch = runTogether(mm, machine, programs);
  const exits = tasks.map((task) => mm.exit(task));
  return [
    { phase: 'touch', ...touch },
    { phase: 'exit', ...runTogether(mm, machine, exits) },
  ];
}

/** Stores to each page that a process has where it may, and loads the others. */
function* touchAll(stage: Stage, index: number, mappings: readonly Mapping[]): engine.Op<void> {
  const { mm } = stage;
  const task = stage.as(index);
  for (const { vma, touched } of mappings) {
    const isStore = (vma.protection & PROT.WRITE) !== 0;
    for (const { start, end } of touched) {
      for (let page = start; page < end; page++) {
        const at = stage.placeOf(index, page);
        if (isStore) yield* mm.store(task, at, 1);
        else yield* mm.load(task, at);
      }
    }
  }
}
