/**
 * The smallest schedule: with the fewest changes of the actor, then the fewest steps.
 *
 * Two ways, one after the other. Turns of an actor are moved together, as long as the same property
 * is violated. Then schedules with fewer changes are searched for, up to a number of executions; if
 * that search comes to its end, no schedule has fewer.
 */
import { Execution } from './execution.ts';
import type { Scenario } from './scenario.ts';
import type { Turn } from './schedule.ts';

/** A schedule, and the property that it violates. */
export interface Violation {
  readonly property: string;
  readonly turns: readonly Turn[];
}

/** Steps after which an execution is left that does not come to an end. */
const STEPS_MAX = 10_000;

/** How often another actor goes on than went before. */
export function countSwitches(turns: readonly Turn[]): number {
  return turns.filter(({ actor }, at) => at > 0 && actor !== turns[at - 1]!.actor).length;
}

/** Moves turns of the same actor together for as long as `property` stays violated. */
export function joinTurns<Point extends number>(
  scenario: Scenario<Point>,
  found: Violation,
): Violation {
  let best = found;
  for (;;) {
    const better = joinOnce(scenario, best);
    if (better === undefined) return best;
    best = better;
  }
}

function joinOnce<Point extends number>(
  scenario: Scenario<Point>,
  found: Violation,
): Violation | undefined {
  const runs = runsOf(found.turns);
  for (let to = 0; to < runs.length; to++) {
    for (let from = to + 1; from < runs.length; from++) {
      if (runs[to]![0]!.actor !== runs[from]![0]!.actor) continue;
      const [early, late] = [runs.slice(0, to), runs.slice(from + 1)];
      const between = runs.slice(to + 1, from);
      for (const order of [
        [...early, runs[to]!, runs[from]!, ...between, ...late],
        [...early, ...between, runs[to]!, runs[from]!, ...late],
        [...early, runs[to]!, ...between, ...late],
      ]) {
        const turns = follow(scenario, order.flat(), found.property);
        if (turns !== undefined && isSmaller(turns, found.turns)) {
          return { property: found.property, turns };
        }
      }
    }
  }
  return undefined;
}

export function isSmaller(one: readonly Turn[], other: readonly Turn[]): boolean {
  const less = countSwitches(one) - countSwitches(other);
  return less < 0 || (less === 0 && one.length < other.length);
}

/** Turns of one actor in a row. */
function runsOf(turns: readonly Turn[]): Turn[][] {
  const runs: Turn[][] = [];
  for (const turn of turns) {
    const last = runs.at(-1);
    if (last?.[0]?.actor === turn.actor) last.push(turn);
    else runs.push([turn]);
  }
  return runs;
}

/**
 * Follows `wanted` as far as it can be followed, and lets actors run on behind it.
 *
 * @returns the turns taken up to where `property` is violated; `undefined` if it is not
 */
function follow<Point extends number>(
  scenario: Scenario<Point>,
  wanted: readonly Turn[],
  property: string,
): Turn[] | undefined {
  const execution = new Execution(scenario);
  const taken: Turn[] = [];
  const take = (turn: Turn): boolean => {
    execution.take(turn);
    taken.push(turn);
    return execution.violation() !== undefined;
  };
  for (const turn of wanted) {
    if (turn.choice >= execution.waysOf(turn.actor)) continue;
    if (take(turn)) return execution.violation() === property ? taken : undefined;
  }
  while (taken.length < STEPS_MAX) {
    const able = execution.turns();
    const last = taken.at(-1)?.actor;
    const next = able.find(({ actor }) => actor === last) ?? able[0];
    if (next === undefined) return execution.violationAtEnd() === property ? taken : undefined;
    if (take(next)) return execution.violation() === property ? taken : undefined;
  }
  return undefined;
}
