/** A thread that searches: takes units, one at a time, and tells what comes of them. */
import { parentPort, workerData } from 'node:worker_threads';
import type { Scenario } from '../../check/index.ts';
import { ExitCode, Failure } from '../failure.ts';
import { moduleFailure } from '../user_module.ts';
import { nameOf, type Unit, type UnitEvent } from './job.ts';
import { scenarioOf } from './subject.ts';
import { performUnit } from './unit.ts';

const shared = workerData as Int32Array;
const tell = (event: UnitEvent): void => parentPort!.postMessage(event);

/** The scenario of the last unit: the next one is mostly of the same search. */
let known: { readonly name: string; readonly scenario: Scenario } | undefined;

parentPort!.on('message', (unit: Unit) => {
  work(unit).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    const { exitCode, message, mend } = error;
    tell({ kind: 'failed', exitCode, message, mend });
  });
});

async function work(unit: Unit): Promise<void> {
  const name = nameOf(unit.subject);
  if (known?.name !== name) known = { name, scenario: await scenarioOf(unit.subject) };
  try {
    tell({ kind: 'done', result: performUnit(known.scenario, unit, shared, tell) });
  } catch (error) {
    throw failureOf(unit, error);
  }
}

/** A checkpoint that does not fit the scenario, or a scenario that fails. */
function failureOf({ subject }: Unit, error: unknown): unknown {
  if (error instanceof RangeError && /go on with a search/.test(error.message)) {
    return new Failure(ExitCode.WRONG_USE, error.message, 'Remove the checkpoint to begin anew');
  }
  if (subject.kind !== 'file') return error;
  return moduleFailure(`The scenario of ${subject.file} failed`, error, 'docs/check.md');
}
