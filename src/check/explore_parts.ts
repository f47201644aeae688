/** A unit of a search: parts of it, one after the other. */
import { type Exploration, type ExploreOptions, Search } from './explore.ts';
import type { Part } from './part.ts';
import type { Scenario } from './scenario.ts';

/** Those of all parts together: `executionsMax` is shared by them, and progress added up. */
export type PartsOptions = Pick<
  ExploreOptions,
  'strategy' | 'executionsMax' | 'onComplete' | 'shouldStop'
>;

/**
 * Explores parts until a bound is hit, or something is found.
 *
 * @returns what came of them, in their order; those behind were not begun
 */
export function exploreParts(
  scenario: Scenario,
  parts: readonly Part[],
  options: PartsOptions = {},
): Exploration[] {
  const { strategy = 'optimal', executionsMax = Number.POSITIVE_INFINITY } = options;
  const { shouldStop = () => false, onComplete } = options;
  const results: Exploration[] = [];
  let [executions, runs, deepest] = [0, 0, 0];
  const newSearch = (): Search<number> =>
    new Search(scenario, {
      strategy,
      ...(onComplete && { onComplete }),
      shouldStop: (now) =>
        shouldStop({
          executions: executions + now.executions,
          runs: runs + now.runs,
          deepest: Math.max(deepest, now.deepest),
        }),
    });
  let search = newSearch();
  for (const part of parts) {
    const isMore = results.length > 0;
    if (isMore && (runs >= executionsMax || shouldStop({ executions, runs, deepest }))) break;
    const beginning = beginningOf(part);
    // What one with a limit has learnt is its own.
    const canGoOn = strategy === 'optimal' && beginning.from !== undefined;
    if (isMore && !canGoOn) search = newSearch();
    const result = search.run({ ...beginning, executionsMax: executionsMax - runs });
    results.push(result);
    executions += result.executions;
    runs += result.executions + result.blocked + result.beyond;
    deepest = Math.max(deepest, result.deepest);
    if (result.rest !== undefined || result.finding !== undefined) break;
  }
  return results;
}

/** From its beginning every search can be begun, by whatever strategy. */
function beginningOf({ path, floor }: Part): Pick<ExploreOptions, 'from' | 'floor'> {
  if (path.steps.length === 0) return {};
  const nothing = { executions: 0, blocked: 0, beyond: 0, probes: 0, steps: 0, deepest: 0 };
  return { from: { version: 1, path, bounds: [], ...nothing }, floor };
}
