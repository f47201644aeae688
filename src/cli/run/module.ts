/** Scenarios that are modules of TypeScript or JavaScript. */
import {
  isGenerator,
  type MachineOptions,
  runScenario,
  type Scenario,
  ScriptError,
  Session,
  type Step,
} from '../../script/index.ts';
import type { TraceWriter } from '../../trace/index.ts';
import { wrongUse } from '../failure.ts';
import { importScenario, moduleFailure } from '../user_module.ts';
import { blankedEngine, canonicalEngine } from './engine.ts';

const DOCS = 'docs/run.md';

/** Runs the scenario of a module to its end. */
export async function runModule(
  file: string,
  machine: MachineOptions,
  onStep: (step: Step) => void,
  trace: TraceWriter | undefined,
): Promise<Session> {
  const scenario = await loadScenario(file);
  const isCanonical = isGenerator(scenario);
  const mm = isCanonical ? await canonicalEngine() : await blankedEngine();
  const session = new Session({ mm, ...machine, onStep, isCanonical, trace });
  try {
    await runScenario(scenario, session);
  } catch (error) {
    const what = `The scenario of ${file} failed`;
    if (error instanceof ScriptError) throw wrongUse(`${what}: ${error.message}`, error.mend);
    throw moduleFailure(what, error, DOCS);
  }
  return session;
}

async function loadScenario(file: string): Promise<Scenario> {
  const scenario = await importScenario(file, DOCS);
  if (typeof scenario === 'function') return scenario as Scenario;
  throw wrongUse(
    `${file} exports no scenario`,
    'Write `export function scenario({ calls, constants }) { ... }`',
  );
}
