/**
 * What designs cost, counted while the engine runs a host under each; and whether the tables are those
 * that the shapes of the what-if say, to the byte.
 */

import type { HostSnapshot } from '../snapshot/records.ts';
import { explainHost } from '../twin/explain.ts';
import { DESIGNS, type Evaluation, evaluateDesigns } from '../whatif/evaluate.ts';
import { type PHASES, type PhaseCost, runPhase } from './phases.ts';
import { PAGE_BYTES, populationOf, refusalOf } from './population.ts';
import { ENGINE_DESIGNS, type Engine, tablesUnder } from './setup.ts';
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
  /** User tables, roots included: what the engine has, and what the shapes say. */
  readonly tableBytes: number;
  readonly shapeBytes: number;
  readonly phases: readonly PhaseCost[];
  /** Translations in the TLBs of all CPUs after everything was read. */
  readonly tlbEntries: number;
  /** All tables of the machine, as PageTables of meminfo. */
  readonly pageTablesBytes: number;
  readonly payers: readonly PayerCost[];
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
  const twin = explainHost(snapshot);
  const wanted = DESIGNS.filter(({ id }) => ids.includes(id) && ENGINE_DESIGNS.includes(id));
  return evaluateDesigns(twin, wanted).map((evaluation) => measure(mm, snapshot, evaluation));
}

function measure(mm: Engine, before: HostSnapshot, evaluation: Evaluation): DesignCost | NotRun {
  const { design, outcome } = evaluation;
  const { id } = design;
  const why = refusalOf(outcome.snapshot);
  if (why !== undefined) return { id, why };
  try {
    return countCosts(new Stage(mm, populationOf(outcome.snapshot), id, before), evaluation);
  } catch (error) {
    // A host that the engine cannot make: not one of ours, or a snapshot of an unusual one.
    if (error instanceof RangeError) return { id, why: error.message };
    throw error;
  }
}

function countCosts(stage: Stage, { design, outcome, count }: Evaluation): DesignCost {
  const { mm, machine } = stage;
  const phases: PhaseCost[] = [];
  const perform = (phase: (typeof PHASES)[number]): void => {
    phases.push(runPhase(stage, phase));
  };
  perform('populate');
  const tables = tablesUnder(mm, machine, design.id);
  perform('read');
  const settled = {
    tlbEntries: machine.mmus.reduce((sum, { tlb }) => sum + tlb.count(), 0),
    pageTablesBytes: machine.tableUsed.reduce((sum, used) => sum + used, 0) * PAGE_BYTES,
    payers: payersOf(stage),
  };
  perform('migrate');
  perform('exit');
  return {
    id: design.id,
    tableBytes: tables * PAGE_BYTES,
    shapeBytes: (count.distinct + outcome.snapshot.mms.length) * PAGE_BYTES,
    phases,
    ...settled,
  };
}

function payersOf({ machine, tally, tasks, population }: Stage): PayerCost[] {
  const keeps = machine.designs.every(({ keepsCounters }) => keepsCounters !== false);
  return tasks.map((task, index) => ({
    comm: population.processes[index]!.comm,
    vmPteBytes: keeps ? task!.mm.tables * PAGE_BYTES : 0,
    rssBytes: task!.mm.rss.reduce((sum, pages) => sum + pages, 0) * PAGE_BYTES,
    memcgTableBytes: tally.tablesCharged[index]! * PAGE_BYTES,
    memcgPageBytes: tally.pagesCharged[index]! * PAGE_BYTES,
  }));
}
