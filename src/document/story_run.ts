/** Runs a schedule, and says what its steps were, which of them matter, and where they are in its trace. */

import { Execution, type Step } from '../check/execution.ts';
import { formatSchedule, type MachineScenario, type Turn, traceOf } from '../check/index.ts';
import { stepInWords } from '../check/words.ts';
import type { Point } from '../mm/index.ts';
import { Scene } from '../scene/scene.ts';
import type { StoryRun, StoryStep } from '../scene/story.ts';

/** What was run: as a story, and as a trace. */
export interface Told {
  readonly run: StoryRun;
  readonly scene: Scene;
}

interface Taken {
  readonly step: Step;
  readonly point: Point;
  readonly actor: number;
  /** The step of the broken run whose turn it is, or -1. */
  readonly turn: number;
}

/** A run that does not end is left. */
const STEPS_MAX = 4000;
const ROLES: ReadonlySet<string> = new Set(['interrupt', 'RCU callbacks']);

/** @param newScenario makes a scenario of its own each time */
export function tell(
  newScenario: () => MachineScenario,
  turns: readonly Turn[],
  property: string | undefined,
): Told {
  const scenario = newScenario();
  const execution = new Execution(scenario);
  const taken = turns.map((turn, at) => take(execution, turn, at));
  return told(newScenario, scenario, taken, turns, property);
}

/** Takes the same turns where they can be taken, and then all that is left. */
export function tellFixed(newScenario: () => MachineScenario, wanted: readonly Turn[]): Told {
  const scenario = newScenario();
  const execution = new Execution(scenario);
  const taken: Taken[] = [];
  const turns: Turn[] = [];
  const go = (turn: Turn, from: number): void => {
    taken.push(take(execution, turn, from));
    turns.push(turn);
  };
  wanted.forEach((turn, from) => {
    const possible = execution.turns().filter(({ actor }) => actor === turn.actor);
    // A stale translation that is there no longer cannot be chosen.
    const choice = possible.findLast((each) => each.choice <= turn.choice);
    if (choice !== undefined) go(choice, from);
  });
  while (turns.length < STEPS_MAX) {
    const [next] = execution.turns();
    if (next === undefined) break;
    go(next, -1);
  }
  const property = execution.violation() ?? execution.violationAtEnd();
  return told(newScenario, scenario, taken, turns, property);
}

function take(execution: Execution<Point>, turn: Turn, from: number): Taken {
  const point = execution.pointOf(turn.actor)!;
  return { step: execution.takeTold(turn), point, actor: turn.actor, turn: from };
}

function told(
  newScenario: () => MachineScenario,
  scenario: MachineScenario,
  taken: readonly Taken[],
  turns: readonly Turn[],
  property: string | undefined,
): Told {
  const scene = new Scene(traceOf(newScenario(), formatSchedule(turns)));
  const { times } = scene.timeline();
  const steps = taken.map((each, at) =>
    storyStep(scenario, taken, each, lastEventOf(times, at + 1)),
  );
  const lanes = [...new Set(steps.map(({ lane }) => lane))].sort();
  return { run: { lanes, steps, property }, scene };
}

function storyStep(
  scenario: MachineScenario,
  taken: readonly Taken[],
  { step, point, actor, turn }: Taken,
  event: number,
): StoryStep {
  const matters = taken.some(
    (other) =>
      other.actor !== actor &&
      (scenario.areDependent(point, other.point) || scenario.areDependent(other.point, point)),
  );
  return { ...inLane(step), matters, event, turn };
}

/** A step as it is drawn. */
function inLane({ actor, does, holds }: Step): Omit<StoryStep, 'matters' | 'event' | 'turn'> {
  const [lane = actor, role = ''] = actor.split(/: (.*)/s);
  const { text, isStale } = stepInWords(does);
  return { actor, lane, role: ROLES.has(role) ? role : '', text, isStale, holds: holds ?? [] };
}

/** The last event at or before a time; steps may tell nothing. */
function lastEventOf(times: Float64Array, time: number): number {
  let [low, high] = [0, times.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle]! <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
