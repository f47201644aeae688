/** Scenarios that are modules of TypeScript or JavaScript. */
import { access } from 'node:fs/promises';
import { register } from 'node:module';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  isGenerator,
  type MachineOptions,
  runScenario,
  type Scenario,
  ScriptError,
  Session,
  type Step,
} from '../../script/index.ts';
import { fileFailure, wrongUse } from '../failure.ts';
import { blankedEngine, canonicalEngine } from './engine.ts';

export function isModule(file: string): boolean {
  return /\.[mc]?[jt]s$/.test(file);
}

/** Runs the scenario of a module to its end. */
export async function runModule(
  file: string,
  machine: MachineOptions,
  onStep: (step: Step) => void,
): Promise<Session> {
  const scenario = await loadScenario(file);
  const isCanonical = isGenerator(scenario);
  const mm = isCanonical ? await canonicalEngine() : await blankedEngine();
  const session = new Session({ mm, ...machine, onStep, isCanonical });
  try {
    await runScenario(scenario, session);
  } catch (error) {
    throw moduleFailure(`The scenario of ${file} failed`, error);
  }
  return session;
}

async function loadScenario(file: string): Promise<Scenario> {
  const path = resolve(file);
  await access(path).catch((error: unknown) => {
    throw fileFailure(`read ${file}`, error, 'Name a file that holds a script or a module');
  });
  register('./strip_types.js', import.meta.url);
  let module: Record<string, unknown>;
  try {
    module = (await import(pathToFileURL(path).href)) as Record<string, unknown>;
  } catch (error) {
    throw moduleFailure(`Cannot load ${file}`, error);
  }
  const scenario = module.scenario ?? module.default;
  if (typeof scenario === 'function') return scenario as Scenario;
  throw wrongUse(
    `${file} exports no scenario`,
    'Write `export function scenario({ calls, constants }) { ... }`',
  );
}

function moduleFailure(what: string, error: unknown): Error {
  if (error instanceof ScriptError) return wrongUse(`${what}: ${error.message}`, error.mend);
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  const place = error instanceof Error ? placeIn(error.stack) : undefined;
  return wrongUse(
    `${what}: ${message}${place === undefined ? '' : ` (${place})`}`,
    'docs/run.md describes what a module may do',
  );
}

/** The first place of a stack that is in a module of the user's: `file:line:column`. */
function placeIn(stack = ''): string | undefined {
  const own = new URL('../../', import.meta.url).href;
  const places = [...stack.matchAll(/file:\/\/\S+:\d+:\d+/g)].map(([place]) => place);
  return places.find((place) => !place.startsWith(own) && !place.includes('/dist/fast/'));
}
