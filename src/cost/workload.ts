/** What a workload costs under designs, at the size that is asked for or at one that the engine can run. */
import type { Workload, WorkloadSize } from '../workload/index.ts';
import { type DesignCost, measureDesigns, type NotRun } from './measure.ts';
import { refusalOf } from './population.ts';
import type { Engine } from './setup.ts';

export interface EngineCost extends WorkloadSize {
  /** Whether all tables are those that the shapes say, to the byte. */
  readonly agrees: boolean;
  readonly designs: DesignCost[];
  readonly notRun: NotRun[];
}

const MIB = 2 ** 20;
/** Small enough for any workload that can be made smaller. */
const SMALL: WorkloadSize = { processes: 4, bytes: 4 * MIB };

export function measureWorkload(
  mm: Engine,
  workload: Workload,
  size: WorkloadSize,
  ids: readonly string[],
): EngineCost {
  const wanted = workload.host(size);
  const isWhole = refusalOf(wanted) === undefined;
  const ran = isWhole ? size : smaller(size);
  const results = measureDesigns(mm, isWhole ? wanted : workload.host(ran), ids);
  const designs = results.filter((result) => 'tableBytes' in result);
  return {
    ...ran,
    agrees: designs.every(({ tableBytes, shapeBytes }) => tableBytes === shapeBytes),
    designs,
    notRun: results.filter((result) => 'why' in result),
  };
}

function smaller({ processes, bytes }: WorkloadSize): WorkloadSize {
  return {
    processes: Math.min(processes, SMALL.processes),
    bytes: Math.min(bytes, SMALL.bytes),
  };
}
