/** What happens to a workload, in the engine: at the size that is asked for, or one that it can run. */
import type { Happening } from '../whatif/happening.ts';
import type { Workload, WorkloadSize } from '../workload/index.ts';
import { type LifeCost, measureLives, type StepCost } from './after.ts';
import type { NotRun } from './measure.ts';
import type { Engine } from './setup.ts';
import { hostFor } from './workload.ts';

export interface AfterCost extends WorkloadSize {
  /** Whether all tables and results are those that the shapes say. */
  readonly agrees: boolean;
  readonly designs: LifeCost[];
  readonly notRun: NotRun[];
}

export function measureAfter(
  mm: Engine,
  workload: Workload,
  size: WorkloadSize,
  ids: readonly string[],
  happenings: readonly Happening[],
): AfterCost {
  const { host, ran, isCaptured } = hostFor(workload, size);
  const scaled = happenings.map((happening) => atSize(happening, size, ran));
  const results = measureLives(mm, host, ids, scaled);
  const designs = results
    .filter((result) => 'steps' in result)
    .map((result) => (isCaptured ? withoutGuess(result) : result));
  return {
    ...ran,
    agrees: designs.every(({ steps }) => steps.every(isAsShapesSay)),
    designs,
    notRun: results.filter((result) => 'why' in result),
  };
}

export function isAsShapesSay({ tableBytes, shapeBytes, surprises }: StepCost): boolean {
  return surprises === 0 && (shapeBytes === undefined || shapeBytes === tableBytes);
}

/** Which pages of a table are there is not captured: other tables may come to be the same. */
function withoutGuess(cost: LifeCost): LifeCost {
  if (cost.id !== 'identical') return cost;
  return { ...cost, steps: cost.steps.map(({ shapeBytes: _, ...step }) => step) };
}

/** All are all at any size; of fewer there is one at least who does not do it. */
function atSize(happening: Happening, size: WorkloadSize, ran: WorkloadSize): Happening {
  const { processes } = happening;
  if (processes === 'all' || ran.processes === size.processes) return happening;
  if (processes >= size.processes) return { ...happening, processes: 'all' };
  return { ...happening, processes: Math.max(1, Math.min(processes, ran.processes - 1)) };
}
