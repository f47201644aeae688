/** A thread that does units of work, one at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { perform } from './perform.ts';
import { TaskError } from './task_error.ts';
import type { ThreadData } from './threads.ts';

const { version, hungry } = workerData as ThreadData;
const isHungry = (): boolean => Atomics.load(hungry, 0) !== 0;

parentPort!.on('message', async (text: string) => {
  // Races as text throw and catch at each operation. Behind an `await` V8 does not work out for each
  // where it came from, as it does for a handler of events: searching them takes a tenth less.
  await undefined;
  try {
    parentPort!.postMessage({ result: perform(text, version, isHungry) });
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    parentPort!.postMessage({ why: error.message });
  }
});
