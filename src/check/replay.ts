/** Runs a scenario under a schedule that is given. */
import { Execution, type Finding, type Step } from './execution.ts';
import type { Fact, Scenario } from './scenario.ts';
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
  let before: readonly Fact[] | undefined;
  const atStart = execution.violation();
  if (atStart !== undefined) return { property: atStart, schedule: '', steps };
  for (const turn of parseSchedule(schedule)) {
    const { actor, choice } = turn;
    if (!execution.turns().some((other) => other.actor === actor && other.choice === choice)) {
      throw new RangeError(
        `Cannot replay a schedule: actor ${actor} cannot take step ${taken.length}: ` +
          'it is from another scenario, or another version of this one',
      );
    }
    before = execution.state();
    steps.push(execution.takeTold(turn));
    taken.push(turn);
    const property = execution.violation();
    if (property !== undefined) {
      return { property, schedule: formatSchedule(taken), steps, ...statesOf(execution, before) };
    }
  }
  if (execution.turns().length > 0) return undefined;
  const property = execution.violationAtEnd();
  if (property === undefined) return undefined;
  return { property, schedule, steps, ...statesOf(execution, before) };
}

/** What a finding says of the states around its last step. */
function statesOf<Point extends number>(
  execution: Execution<Point>,
  before: readonly Fact[] | undefined,
): Pick<Finding, 'state'> {
  const after = execution.state();
  return before === undefined || after === undefined ? {} : { state: { before, after } };
}
