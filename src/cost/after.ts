/** What happens to a host, in the engine: what each call costs there, and whether the shapes knew. */
import { SKYLAKE } from '../mmu/index.ts';
import type { HostSnapshot } from '../snapshot/records.ts';
import { explainHost } from '../twin/explain.ts';
import { EINVAL } from '../uapi/errno.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import { DESIGNS, type Evaluation, evaluateDesigns } from '../whatif/evaluate.ts';
import { type Deed, type Happening, happen } from '../whatif/happening.ts';
import { Life } from '../whatif/life.ts';
import { call, touchAgain } from './happen.ts';
import { type NotRun, runKeyOf, seenOf } from './measure.ts';
import { type Counters, countWhile } from './phases.ts';
import { populationOf, refusalOf } from './population.ts';
import { ENGINE_DESIGNS, type Engine } from './setup.ts';
import { Stage } from './stage.ts';

const CPUS = 4;
/** Each takes as many tables as the largest process. */
const FORKS_MOST = 64;

/** One thing that has happened, under a design. */
export interface StepCost extends Counters {
  /** User tables afterwards, roots included: what the engine has, and what the shapes say. */
  readonly tableBytes: number;
  /** Nothing where a design leaves open which of several tables is shared. */
  readonly shapeBytes?: number;
  /** Calls that the engine has refused, or not, against what the shapes say. */
  readonly surprises: number;
}

export interface LifeCost {
  readonly id: string;
  readonly steps: StepCost[];
}

/** Of `ids`, in the order of the what-if: `happenings`, one after the other. */
export function measureLives(
  mm: Engine,
  snapshot: HostSnapshot,
  ids: readonly string[],
  happenings: readonly Happening[],
): (LifeCost | NotRun)[] {
  const before = seenOf(snapshot);
  const wanted = DESIGNS.filter(({ id }) => ids.includes(id) && ENGINE_DESIGNS.includes(id));
  const runs = new Map<string, StepCost[] | string>();
  return evaluateDesigns(explainHost(before), wanted).map((evaluation) => {
    const { id } = evaluation.design;
    // Equal tables are counted after each step.
    const key = id === 'identical' ? id : runKeyOf(before, evaluation);
    const run = runs.get(key) ?? liveOrRefuse(mm, before, evaluation, happenings);
    runs.set(key, run);
    return typeof run === 'string' ? { id, why: run } : { id, steps: run };
  });
}

/** @returns why it is not run, if it is not */
function liveOrRefuse(
  mm: Engine,
  before: HostSnapshot,
  evaluation: Evaluation,
  happenings: readonly Happening[],
): StepCost[] | string {
  const why = refusalOf(evaluation.outcome.snapshot);
  if (why !== undefined) return why;
  try {
    return liveIn(mm, before, evaluation, happenings);
  } catch (error) {
    // A host that the engine cannot make: a snapshot of an unusual one.
    if (error instanceof RangeError) return error.message;
    throw error;
  }
}

function liveIn(
  mm: Engine,
  before: HostSnapshot,
  { design, outcome }: Evaluation,
  happenings: readonly Happening[],
): StepCost[] {
  const isDense = design.id === 'identical';
  const forks = forksIn(happenings, before);
  if (forks > FORKS_MOST) throw new RangeError(`More than ${FORKS_MOST} forks`);
  const hardware = { cpus: CPUS, tlb: SKYLAKE, forks };
  const stage = new Stage(mm, populationOf(outcome.snapshot), design.id, before, hardware);
  stage.populate();
  let life = new Life(outcome);
  let isOpen = false;
  return happenings.map((happening) => {
    let surprises = 0;
    const { phase: _, ...counters } = countWhile(stage, 'script', () => {
      life = happen(life, { before, outcome }, happening, (deed, after, now) => {
        isOpen ||= after.isOpen;
        if (!actIn(stage, deed, after, now, isDense)) surprises++;
      });
    });
    return {
      ...counters,
      tableBytes: tablesIn(stage, isDense) * PAGE_BYTES,
      ...(!isOpen && { shapeBytes: life.tables() * PAGE_BYTES }),
      surprises,
    };
  });
}

/** @returns whether the call ended as the shapes say */
function actIn(stage: Stage, deed: Deed, after: Life, before: Life, isDense: boolean): boolean {
  const { event, error, region } = deed;
  const result =
    region === undefined
      ? call(stage, deed.call, before.mms.length)
      : callInRegion(stage, deed, region);
  if (result !== 0 || error !== undefined) return result === EINVAL && error !== undefined;
  if (event !== undefined && event.what !== 'detach') touchAgain(stage, after, event, isDense);
  return true;
}

/** A process detaches a region as a whole; all else it asks for where it has the object. */
function callInRegion(stage: Stage, { call: wanted, event }: Deed, object: number): number {
  const region = stage.regions.find((one) => one.object === object)!;
  const place = region.places.get(wanted.mm)!;
  if (!('start' in wanted)) return 0;
  const [start, end] =
    event?.what === 'detach'
      ? [place, place + region.pages]
      : [place + wanted.start, place + wanted.end];
  return call(stage, { ...wanted, start, end }, 0);
}

function tablesIn({ mm, machine }: Stage, isDistinct: boolean): number {
  if (!isDistinct) return machine.tableUsed.reduce((sum, used) => sum + used, 0);
  return mm.identicalTables(machine).distinct + machine.mms.all().length;
}

function forksIn(happenings: readonly Happening[], { mms }: HostSnapshot): number {
  let forks = 0;
  for (const { call: what, processes } of happenings) {
    if (what === 'fork') forks += processes === 'all' ? mms.length + forks : processes;
  }
  return forks;
}
