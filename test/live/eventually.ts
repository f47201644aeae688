/** For what a busy host lets happen only now and then. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { startedTasks } from './kernel_counters.ts';

const PATIENCE_MS = 180_000;
const PAUSE_MS = 20;
const REASONS_MAX = 10;

/** What an attempt returns that must be made again: why. */
export class Missed {
  readonly why: string;

  constructor(why: string) {
    this.why = why;
  }
}

/** Tries again until `attempt` returns something else than `Missed`; if it never does, says why. */
export async function eventually<T>(
  what: string,
  attempt: () => T | Missed | Promise<T | Missed>,
): Promise<T> {
  const reasons = new Map<string, number>();
  const startedBefore = startedTasks();
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    const result = await attempt();
    if (!(result instanceof Missed)) return result;
    reasons.set(result.why, (reasons.get(result.why) ?? 0) + 1);
    await sleep(PAUSE_MS);
  }
  const tasks = Math.round((startedTasks() - startedBefore) / (PATIENCE_MS / 1000));
  assert.fail(
    `${what}, within ${PATIENCE_MS} ms: ${mostFrequent(reasons)}; ` +
      `the host started ${tasks} tasks a second`,
  );
}

function mostFrequent(reasons: ReadonlyMap<string, number>): string {
  const sorted = [...reasons].sort(([, a], [, b]) => b - a);
  const named = sorted.slice(0, REASONS_MAX).map(([why, count]) => `${count} x ${why}`);
  const rest = sorted.slice(REASONS_MAX).reduce((sum, [, count]) => sum + count, 0);
  return [...named, ...(rest > 0 ? [`${rest} x something else of the kind`] : [])].join(', ');
}
