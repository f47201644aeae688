/** Runs a scenario under a schedule that is given. */
import { Execution, type Finding, type Step } from './execution.ts';
import type { Scenario } from './scenario.ts';
import { formatSchedule, parseSchedule, type Turn } from './schedule.ts';

/**
 * What `scenario` violates under `schedule`, or `undefined`.
 *
 * @param schedule from a finding, as text
 * @throws RangeError  if an actor is to take a turn that it cannot take
 * @throws SyntaxError if `schedule` is not one
 */
export function replay<Point extends number>(
  scenario: Scenario<Point>,
  schedule: string,
): Finding | undefined {
  const execution = new Execution(scenario);
  const taken: Turn[] = [];
  const steps: Step[] = [];
  for (const turn of parseSchedule(schedule)) {
    const { actor, choice } = turn;
    if (!execution.turns().some((other) => other.actor === actor && other.choice === choice)) {
      throw new RangeError(
        `Cannot replay a schedule: actor ${actor} cannot take step ${taken.length}: ` +
          'it is from another scenario, or another version of this one',
      );
    }
    steps.push(execution.takeTold(turn));
    taken.push(turn);
    const property = execution.violation();
    if (property !== undefined) return { property, schedule: formatSchedule(taken), steps };
  }
  if (execution.turns().length > 0) return undefined;
  const property = execution.violationAtEnd();
  return property === undefined ? undefined : { property, schedule, steps };
}
