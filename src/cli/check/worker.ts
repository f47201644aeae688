/** A thread that searches: takes jobs, one at a time, and tells what comes of them. */
import { parentPort, workerData } from 'node:worker_threads';
import { ExitCode, Failure } from '../failure.ts';
import { moduleFailure } from '../user_module.ts';
import type { Job, JobEvent } from './job.ts';
import { search } from './search.ts';
import { scenarioOf } from './subject.ts';

const stop = workerData as Int32Array;
const tell = (event: JobEvent): void => parentPort!.postMessage(event);

parentPort!.on('message', (job: Job) => {
  work(job).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    const { exitCode, message, mend } = error;
    tell({ kind: 'failed', exitCode, message, mend });
  });
});

async function work(job: Job): Promise<void> {
  const scenario = await scenarioOf(job.subject);
  try {
    const result = search(scenario, job, tell, () => Atomics.load(stop, 0) !== 0);
    tell({ kind: 'done', result });
  } catch (error) {
    throw failureOf(job, error);
  }
}

/** A checkpoint that does not fit the scenario, or a scenario that fails. */
function failureOf({ subject }: Job, error: unknown): unknown {
  if (error instanceof RangeError && /go on with a search/.test(error.message)) {
    return new Failure(ExitCode.WRONG_USE, error.message, 'Remove the checkpoint to begin anew');
  }
  if (subject.kind === 'zoo') return error;
  return moduleFailure(`The scenario of ${subject.file} failed`, error, 'docs/check.md');
}
