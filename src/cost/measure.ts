/**
 * What designs cost, counted while the engine runs a host under each; and whether the tables are those
 * that the shapes of the what-if say, to the byte.
 */

import type * as engine from '../mm/index.ts';
import type { HostSnapshot } from '../snapshot/records.ts';
import { explainHost } from '../twin/explain.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import { DESIGNS, type Evaluation, evaluateDesigns } from '../whatif/evaluate.ts';
import { type PhaseCost, runPhase, type Watched } from './phases.ts';
import { populationOf, refusalOf } from './population.ts';
import { ENGINE_DESIGNS, type Engine, sharesByItself } from './setup.ts';
import { Stage } from './stage.ts';

/** What one process is charged, once everything is populated and read. */
export interface PayerCost {
  readonly comm: string;
  /** VmPTE and RSS of its status, as the kernel with the design would say. */
  readonly vmPteBytes: number;
  readonly rssBytes: number;
  /** Of its memory cgroup, if it has one of its own. */
  readonly memcgTableBytes: number;
  readonly memcgPageBytes: number;
}

export interface DesignCost {
  readonly id: string;
  /** User tables, roots included: what the engine has, and what the shapes say if they can. */
  readonly tableBytes: number;
  readonly shapeBytes?: number;
  readonly phases: PhaseCost[];
  /** Translations in the TLBs of all CPUs after everything was read. */
  readonly tlbEntries: number;
  /** All tables of the machine, as PageTables of meminfo. */
  readonly pageTablesBytes: number;
  readonly payers: PayerCost[];
}

/** A design that the engine does not run on this host, and why. */
export interface NotRun {
  readonly id: string;
  readonly why: string;
}

/** Of `ids`, in the order of the what-if. */
export function measureDesigns(
  mm: Engine,
  snapshot: HostSnapshot,
  ids: readonly string[],
): (DesignCost | NotRun)[] {
  const seen = seenOf(snapshot);
  const twin = explainHost(seen);
  const wanted = DESIGNS.filter(({ id }) => ids.includes(id) && ENGINE_DESIGNS.includes(id));
  const runs = new Map<string, Run | string>();
  return evaluateDesigns(twin, wanted).map((evaluation) => {
    const { design, outcome, count } = evaluation;
    const { id } = design;
    const key = runKeyOf(seen, evaluation);
    const run = runs.get(key) ?? runOrRefuse(mm, seen, evaluation, ids);
    runs.set(key, run);
    if (typeof run === 'string') return { id, why: run };
    const { tables, distinctTables, ...cost } = run;
    return {
      id,
      tableBytes: (id === 'identical' ? distinctTables : tables) * PAGE_BYTES,
      shapeBytes: (count.distinct + outcome.snapshot.mms.length) * PAGE_BYTES,
      ...cost,
    };
  });
}

/** Without processes of which only VmPTE is known. */
export function seenOf(snapshot: HostSnapshot): HostSnapshot {
  const mms = snapshot.mms.filter(({ visibility }) => visibility === 'tables');
  return mms.length === snapshot.mms.length ? snapshot : { ...snapshot, mms };
}

/** What the engine has counted. */
type Run = Omit<DesignCost, 'id' | 'tableBytes' | 'shapeBytes'> & {
  /** Roots included: all, and each kind once, which is only counted if it is asked for. */
  readonly tables: number;
  readonly distinctTables: number;
};

/** Designs with the same key run alike: those that have nothing to move on this host run as today. */
export function runKeyOf({ mms }: HostSnapshot, { design, outcome }: Evaluation): string {
  if (sharesByItself(design.id)) return design.id;
  const { mms: moved } = outcome.snapshot;
  const isSame = moved.length === mms.length && moved.every((mm, index) => mm === mms[index]);
  return isSame ? 'today' : design.id;
}

/** @returns why it is not run, if it is not */
function runOrRefuse(
  mm: Engine,
  before: HostSnapshot,
  { design, outcome }: Evaluation,
  ids: readonly string[],
): Run | string {
  const why = refusalOf(outcome.snapshot);
  if (why !== undefined) return why;
  try {
    const stage = new Stage(mm, populationOf(outcome.snapshot), design.id, before);
    return perform(stage, ids.includes('identical') && !sharesByItself(design.id));
  } catch (error) {
    // A host that the engine cannot make: a snapshot of an unusual one.
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

function perform(stage: Stage, isDistinct: boolean): Run {
  const { mm, machine } = stage;
  const populate = runPhase(stage, 'populate');
  const tables = machine.tableUsed.reduce((sum, used) => sum + used, 0);
  const roots = machine.mms.all().length;
  const distinctTables = isDistinct ? mm.identicalTables(machine).distinct + roots : 0;
  const read = runPhase(stage, 'read');
  const settled = { ...stateOf(machine), payers: payersOf(stage) };
  const phases = [populate, read, runPhase(stage, 'migrate'), runPhase(stage, 'exit')];
  return { tables, distinctTables, phases, ...settled };
}

/** What the TLBs hold, and all tables of a machine. */
export function stateOf(
  machine: engine.Machine,
): Pick<DesignCost, 'tlbEntries' | 'pageTablesBytes'> {
  return {
    tlbEntries: machine.mmus.reduce((sum, { tlb }) => sum + tlb.count(), 0),
    pageTablesBytes: machine.tableUsed.reduce((sum, used) => sum + used, 0) * PAGE_BYTES,
  };
}

function payersOf(stage: Stage): PayerCost[] {
  const { tasks, population } = stage;
  return tasks.map((task, payer) => {
    const { comm } = population.processes[payer]!;
    return payerOf(stage, task!.mm, comm, payer);
  });
}

/** @param payer its number in the tally */
export function payerOf(
  { machine, tally }: Watched,
  mm: engine.Mm,
  comm: string,
  payer: number,
): PayerCost {
  const keeps = machine.designs.every(({ keepsCounters }) => keepsCounters !== false);
  return {
    comm,
    vmPteBytes: keeps ? mm.tables * PAGE_BYTES : 0,
    rssBytes: mm.rss.reduce((sum, pages) => sum + pages, 0) * PAGE_BYTES,
    memcgTableBytes: tally.tablesCharged[payer]! * PAGE_BYTES,
    memcgPageBytes: tally.pagesCharged[payer]! * PAGE_BYTES,
  };
}
