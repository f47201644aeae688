/** A thread that searches: takes units, one at a time, and tells what comes of them. */
import { setImmediate } from 'node:timers/promises';
import { parentPort, workerData } from 'node:worker_threads';
import type { Scenario } from '../../check/index.ts';
import { ExitCode, Failure } from '../failure.ts';
import { moduleFailure } from '../user_module.ts';
import { nameOf, type Order, type Subject, type Unit, type UnitEvent } from './job.ts';
import { scenarioOf } from './subject.ts';
import { performUnit, rehearse } from './unit.ts';

/** For a first unit, at most. */
const PREPARE_MS = 2000;

const shared = workerData as Int32Array;
const tell = (event: UnitEvent): void => parentPort!.postMessage(event);

/** The scenario of the last unit: the next one is mostly of the same search. */
let known: { readonly name: string; readonly scenario: Promise<Scenario> } | undefined;
let isAsked = false;

parentPort!.on('message', (order: Order) => {
  if (order.kind === 'prepare') {
    // Whatever fails will fail again when it is asked for.
    prepare(order.subject).catch(() => {});
    return;
  }
  isAsked = true;
  work(order.unit).catch((error: unknown) => {
    if (!(error instanceof Failure)) throw error;
    const { exitCode, message, mend } = error;
    tell({ kind: 'failed', exitCode, message, mend });
  });
});

/** Runs some of a search for nothing, until there is a unit of it: what was run before runs faster. */
async function prepare(subject: Subject): Promise<void> {
  const scenario = await scenarioFor(subject);
  const end = performance.now() + PREPARE_MS;
  for (const _ of rehearse(scenario)) {
    await setImmediate();
    if (isAsked || performance.now() >= end) return;
  }
}

async function work(unit: Unit): Promise<void> {
  const scenario = await scenarioFor(unit.subject);
  try {
    tell({ kind: 'done', result: performUnit(scenario, unit, shared, tell) });
  } catch (error) {
    throw failureOf(unit, error);
  }
}

function scenarioFor(subject: Subject): Promise<Scenario> {
  const name = nameOf(subject);
  if (known?.name !== name) known = { name, scenario: scenarioOf(subject) };
  return known.scenario;
}

/** A checkpoint that does not fit the scenario, or a scenario that fails. */
function failureOf({ subject }: Unit, error: unknown): unknown {
  if (error instanceof RangeError && /go on with a search/.test(error.message)) {
    return new Failure(ExitCode.WRONG_USE, error.message, 'Remove the checkpoint to begin anew');
  }
  if (subject.kind !== 'file') return error;
  return moduleFailure(`The scenario of ${subject.file} failed`, error, 'docs/check.md');
}
