/** What happens to a workload once it is there: in shapes at its size, and in the engine. */
import { type Engine, measureAfter } from '../../cost/index.ts';
import { afterEvents, type Event, EventError } from '../../report/designs/after.ts';
import type { After } from '../../report/designs/after_schema.ts';
import type { Workload, WorkloadSize } from '../../workload/index.ts';
import { wrongUse } from '../failure.ts';

/** @throws Failure if fewer processes can do something than are asked for */
export function compareAfter(
  mm: Engine,
  workload: Workload,
  size: WorkloadSize,
  designs: readonly string[],
  events: readonly Event[],
): After {
  try {
    const shapes = afterEvents(workload.host(size), designs, events);
    const happenings = events.map(({ happening }) => happening);
    return { ...shapes, engine: measureAfter(mm, workload, size, designs, happenings) };
  } catch (error) {
    if (error instanceof EventError) throw wrongUse(error.message, error.mend);
    throw error;
  }
}
