/** What a workload costs under designs, at the size that is asked for or at one that the engine can run. */
import type { HostSnapshot } from '../snapshot/records.ts';
import type { Workload, WorkloadSize } from '../workload/index.ts';
import { type Crowd, measureCrowd } from './crowd.ts';
import { type DesignCost, measureDesigns, type NotRun } from './measure.ts';
import { refusalOf } from './population.ts';
import type { Engine } from './setup.ts';

export interface EngineCost extends WorkloadSize {
  /** Whether all tables are those that the shapes say, to the byte. */
  readonly agrees: boolean;
  readonly designs: DesignCost[];
  readonly notRun: NotRun[];
  /** What some of the processes wait for when they go on at once. */
  readonly crowd?: Crowd;
}

const MIB = 2 ** 20;
/** Small enough for any workload that can be made smaller. */
const SMALL: WorkloadSize = { processes: 4, bytes: 4 * MIB };
/** Enough for a crowd. */
const CROWD: WorkloadSize = { processes: 8, bytes: 4 * MIB };

/** The builds of the engine: what runs alone runs in the blanked one. */
export interface Engines {
  readonly blanked: Engine;
  readonly canonical: Engine;
}

export function measureWorkload(
  { blanked, canonical }: Engines,
  workload: Workload,
  size: WorkloadSize,
  ids: readonly string[],
): EngineCost {
  const { host, ran, isCaptured } = hostFor(workload, size);
  const results = measureDesigns(blanked, host, ids);
  const costs = results.filter((result) => 'tableBytes' in result);
  const designs = isCaptured ? costs.map(withoutGuess) : costs;
  const few = isCaptured ? host : workload.host(smaller(size, CROWD));
  const crowd = measureCrowd(canonical, few, ids);
  return {
    ...ran,
    agrees: designs.every(agrees),
    designs,
    notRun: results.filter((result) => 'why' in result),
    ...(crowd && { crowd }),
  };
}

/** A host that the engine may run, and its size: a captured one has no other. */
export function hostFor(
  workload: Workload,
  size: WorkloadSize,
): { readonly host: HostSnapshot; readonly ran: WorkloadSize; readonly isCaptured: boolean } {
  const host = workload.host(size);
  const isCaptured = isFixed(workload);
  if (isCaptured || refusalOf(host) === undefined) return { host, ran: size, isCaptured };
  const ran = smaller(size, SMALL);
  return { host: workload.host(ran), ran, isCaptured };
}

/** Whether engine and shapes say the same, if both can. */
export function agrees({ tableBytes, shapeBytes }: DesignCost): boolean {
  return shapeBytes === undefined || shapeBytes === tableBytes;
}

/** Which pages of a table are there is not captured: other tables may come to be the same. */
function withoutGuess({ shapeBytes, ...cost }: DesignCost): DesignCost {
  return cost.id === 'identical' || shapeBytes === undefined ? cost : { ...cost, shapeBytes };
}

/** A captured host: there is no other size of it. */
const isFixed = ({ usual, bytesMax }: Workload): boolean =>
  usual.bytes > 0 && bytesMax === Number.POSITIVE_INFINITY;

function smaller({ processes, bytes }: WorkloadSize, most: WorkloadSize): WorkloadSize {
  return {
    processes: Math.min(processes, most.processes),
    bytes: Math.min(bytes, most.bytes),
  };
}
