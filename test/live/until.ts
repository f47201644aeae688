/** Waiting for processes that a test has started. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const DEADLINE_MS = 10_000;

/** @param sentence what is to be so */
export async function until(holds: () => boolean, sentence: string): Promise<void> {
  const deadline = Date.now() + DEADLINE_MS;
  while (!holds() && Date.now() < deadline) await sleep(10);
  assert.ok(holds(), sentence);
}

/** Pids, of processes that the first thread of `pid` has started. */
export function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'latin1').split(' ').slice(0, -1);
}
