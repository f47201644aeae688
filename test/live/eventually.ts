/** For what a busy host lets happen only now and then. */
import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';

const PATIENCE_MS = 180_000;
const PAUSE_MS = 20;

/** Tries again until `attempt` returns something. */
export async function eventually<T>(
  what: string,
  attempt: () => T | undefined | Promise<T | undefined>,
): Promise<T> {
  const end = performance.now() + PATIENCE_MS;
  while (performance.now() < end) {
    const result = await attempt();
    if (result !== undefined) return result;
    await sleep(PAUSE_MS);
  }
  assert.fail(`${what}, within ${PATIENCE_MS} ms`);
}
