/** A thread that does units of work, one at a time. */
import { parentPort, workerData } from 'node:worker_threads';
import { perform } from './perform.ts';
import { TaskError } from './task_error.ts';

parentPort!.on('message', (text: string) => {
  try {
    parentPort!.postMessage({ result: perform(text, workerData as string) });
  } catch (error) {
    if (!(error instanceof TaskError)) throw error;
    parentPort!.postMessage({ why: error.message });
  }
});
