/** Does a unit of a search, and says now and then how far it is. */
import {
  type Exploration,
  estimate,
  exploreParts,
  type Part,
  type PartResult,
  type Scenario,
} from '../../check/index.ts';
import { figuresOf } from './figures.ts';
import { type PartOutcome, type Unit, type UnitEvent, type UnitResult, WHOLE } from './job.ts';

const TELL_MS = 200;
/** How long a guess may take. */
const ESTIMATE_MS = 300;
/** Executions of a unit at least, on a machine that is too busy for more. */
const RUNS_MIN = 32;

/** Of a rehearsal, until it is seen whether there is something to do. */
const REHEARSE_MS = 10;

/** The word that says how many threads have nothing to do, in what all share. */
export const HUNGRY = 0;

/** @param shared the words that threads share */
export function performUnit(
  scenario: Scenario,
  unit: Unit,
  shared: Int32Array,
  tell: (event: UnitEvent) => void,
): UnitResult {
  const { parts, strategy, executionsMax, stop, isEstimated } = unit;
  const { ms = Number.POSITIVE_INFINITY, shareAfterMs = Number.POSITIVE_INFINITY } = unit;
  const isStopped = (): boolean => Atomics.load(shared, stop) !== 0;
  const isBegun = parts[0]!.path.steps.length > 0;
  if (isBegun && isEstimated) guess(scenario, isStopped, tell);
  const begun = performance.now();
  let toldAt = begun;
  const results = exploreParts(scenario, parts, {
    strategy,
    ...(executionsMax !== undefined && { executionsMax }),
    shouldStop: ({ executions, runs, deepest }) => {
      const now = performance.now();
      if (now - toldAt >= TELL_MS) {
        toldAt = now;
        tell({ kind: 'progress', executions, deepest });
      }
      const spent = now - begun;
      if (isStopped()) return true;
      if (spent >= ms) return true;
      return spent >= shareAfterMs && runs >= RUNS_MIN && Atomics.load(shared, HUNGRY) > 0;
    },
  });
  const outcomes = results.map(outcomeOf);
  const isOver = outcomes.at(-1)!.rest === undefined || isStopped();
  const isGuessDue = isEstimated && !isBegun && !isOver;
  // Whoever has nothing to do does not wait for it.
  if (isGuessDue && Atomics.load(shared, HUNGRY) > 0) return { outcomes, isGuessDue };
  if (isGuessDue) guess(scenario, isStopped, tell);
  return { outcomes };
}

/** Searches from the beginning on, some executions at a time. */
export function* rehearse(scenario: Scenario): Generator<void, void, void> {
  for (let part: Part | undefined = WHOLE; part !== undefined; ) {
    const begun = performance.now();
    const shouldStop = (): boolean => performance.now() - begun >= REHEARSE_MS;
    const rest: PartResult['rest'] = exploreParts(scenario, [part], { shouldStop })[0]?.rest;
    yield;
    part = rest && { path: rest.path, floor: 0 };
  }
}

function guess(
  scenario: Scenario,
  isStopped: () => boolean,
  tell: (event: UnitEvent) => void,
): void {
  const end = performance.now() + ESTIMATE_MS;
  const guessed = estimate(scenario, { shouldStop: () => isStopped() || performance.now() >= end });
  if (guessed !== undefined) tell({ kind: 'estimate', estimate: guessed });
}

function outcomeOf(result: Exploration): PartOutcome {
  const { bounds, finding, isSymmetric, probability, rest, above } = result;
  return {
    figures: figuresOf(result),
    bounds,
    finding,
    isSymmetric,
    ...(probability !== undefined && { probability }),
    ...(rest && { rest: { path: rest.path } }),
    ...(above && { above }),
  };
}
