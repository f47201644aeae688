/** From what is named on the command line to scenarios. */
import type { Scenario } from '../../check/index.ts';
import { findEntry, ZOO, type ZooEntry } from '../../zoo/index.ts';
import { QUESTIONS, type Question } from '../../zoo/questions/index.ts';
import { wrongUse } from '../failure.ts';
import { importScenario, moduleFailure } from '../user_module.ts';
import type { Subject } from './job.ts';
import { scenarioOfRace } from './race_file.ts';

/** @throws Failure if there is no such entry */
export function entryNamed(name: string): ZooEntry {
  const entry = findEntry(name);
  if (entry !== undefined) return entry;
  throw wrongUse(
    `There is no ${name} in the zoo`,
    `Name one of ${ZOO.map(({ id }) => id).join(', ')}, or a file that ends in .txt, .js, .mjs or .ts`,
  );
}

/** @throws Failure if there is no such question */
export function questionNamed(id: string): Question {
  const question = QUESTIONS.find((each) => each.id === id);
  if (question !== undefined) return question;
  throw wrongUse(
    `There is no question ${id}`,
    `Name one of ${QUESTIONS.map((each) => each.id).join(', ')}`,
  );
}

/** @throws Failure if a file has none */
export async function scenarioOf(subject: Subject): Promise<Scenario> {
  if (subject.kind === 'file') return loadScenario(subject.file);
  if (subject.kind === 'race') return scenarioOfRace(subject.file, subject.source);
  if (subject.kind === 'question') {
    return questionNamed(subject.id).cases[subject.at]!.scenario() as unknown as Scenario;
  }
  // What it yields stays a number when its brand is forgotten.
  return entryNamed(subject.id).scenario(subject.isBroken) as unknown as Scenario;
}

/** Whether a search of it is said to find something. */
export function isToBeFound(subject: Subject): boolean {
  if (subject.kind === 'question') {
    return questionNamed(subject.id).cases[subject.at]!.found !== undefined;
  }
  return subject.kind === 'zoo' && subject.isBroken;
}

const DOCS = 'docs/check.md';

async function loadScenario(file: string): Promise<Scenario> {
  let scenario = await importScenario(file, DOCS);
  if (typeof scenario === 'function') {
    try {
      scenario = await (scenario as () => unknown)();
    } catch (error) {
      throw moduleFailure(`The scenario of ${file} failed`, error, DOCS);
    }
  }
  if (isScenario(scenario)) return scenario;
  throw wrongUse(
    `${file} exports no scenario`,
    `Write \`export function scenario() { return world.scenario([...]); }\`, see ${DOCS}`,
  );
}

function isScenario(value: unknown): value is Scenario {
  if (typeof value !== 'object' || value === null) return false;
  return 'start' in value && typeof value.start === 'function' && 'areDependent' in value;
}
