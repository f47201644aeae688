/**
 * Does a unit of work: it may be done anywhere, and done again. A pure function of its text; of a search,
 * of its text and of how many executions it came to before it was asked to end.
 */
import { type Exploration, exploreParts, type Progress, type Scenario } from '../../check/index.ts';
import { analyseFile } from '../../fleet/analyse.ts';
import { DatasetError } from '../../fleet/dataset_error.ts';
import { encodeDataset } from '../../fleet/encode.ts';
import { type RaceSource, raceScenario } from '../../race/race.ts';
import { sweepPoint } from '../../report/designs/build.ts';
import { ScriptError } from '../../script/index.ts';
import { SnapshotError } from '../../snapshot/snapshot_error.ts';
import { WORKLOADS } from '../../workload/index.ts';
import { findEntry } from '../../zoo/index.ts';
import { QUESTIONS } from '../../zoo/questions/index.ts';
import {
  type CompareTask,
  type CompareUnitResult,
  type PartOutcomeData,
  parseTask,
  resultText,
  type SearchTask,
  type SearchUnitResult,
  type SharedSubject,
  type SnapshotUnitResult,
  type TaskInput,
  type TaskResult,
} from './task.ts';
import { TaskError } from './task_error.ts';

/** Executions of a search at least before it ends because others wait for what is left of it. */
const RUNS_MIN = 32;

/**
 * @param isHungry whether somebody has nothing to do
 * @returns the result as JSON
 * @throws TaskError if this is no work for this version
 */
export function perform(text: string, version: string, isHungry = (): boolean => false): string {
  const input = parseTask(text, version);
  return resultText(resultOf(input, isHungry));
}

function resultOf(input: TaskInput, isHungry: () => boolean): TaskResult {
  switch (input.kind) {
    case 'search':
      return search(input, isHungry);
    case 'snapshot':
      return analyse(input.file);
    case 'compare':
      return compare(input);
  }
}

function compare({ workload, processes, bytes, designs }: CompareTask): CompareUnitResult {
  const found = WORKLOADS.find(({ id }) => id === workload);
  if (found === undefined) throw new TaskError(`There is no workload ${workload}`);
  if (bytes > found.bytesMax) throw new TaskError(`${workload} cannot be as large as ${bytes}`);
  return { kind: 'compare', point: sweepPoint(found, { processes, bytes }, designs) };
}

function search(task: SearchTask, isHungry: () => boolean): SearchUnitResult {
  const { subject, parts, executionsMax } = task;
  const scenario = known(subject);
  const shouldStop = ({ runs }: Progress): boolean => runs >= RUNS_MIN && isHungry();
  const results = exploreOrRefuse(() =>
    exploreParts(scenario, parts, { executionsMax, shouldStop }),
  );
  return { kind: 'search', outcomes: results.map(outcomeOf) };
}

function outcomeOf(result: Exploration): PartOutcomeData {
  const { finding, bounds, rest, above = [] } = result;
  const { executions, blocked, beyond, probes, steps, deepest } = result;
  return {
    figures: { executions, blocked, beyond, probes, steps, deepest },
    bounds: bounds.filter((bound) => bound !== 'executions' && bound !== 'stopped'),
    above,
    ...(finding && { finding }),
    ...(rest && { rest: rest.path }),
  };
}

/** The scenario of the last unit: the next one is mostly of the same search. */
let last: { readonly key: string; readonly scenario: Scenario } | undefined;

function known(subject: SharedSubject): Scenario {
  const key = JSON.stringify(subject);
  if (last?.key !== key) last = { key, scenario: scenarioOf(subject) };
  return last.scenario;
}

function scenarioOf(subject: SharedSubject): Scenario {
  if (subject.kind === 'race') return scenarioOfRace(subject.source);
  const { id } = subject;
  const found =
    subject.kind === 'zoo'
      ? findEntry(id)?.scenario(subject.isBroken)
      : QUESTIONS.find((question) => question.id === id)?.cases[subject.at]?.scenario();
  if (found === undefined) throw new TaskError(`There is no ${id} to search`);
  // What it yields stays a number when its brand is forgotten.
  return found as unknown as Scenario;
}

function scenarioOfRace(source: RaceSource): Scenario {
  try {
    return raceScenario(source) as unknown as Scenario;
  } catch (error) {
    if (!(error instanceof ScriptError)) throw error;
    throw new TaskError(`The race cannot be run: ${error.message}`.slice(0, 1000));
  }
}

/** A path that no search has come to is refused by the explorer, with whatever it runs into. */
function exploreOrRefuse<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new TaskError(`The search cannot be gone on with: ${why}`.slice(0, 1000));
  }
}

function analyse(file: string): SnapshotUnitResult {
  try {
    const samples = encodeDataset(analyseFile(Buffer.from(file, 'base64')));
    return { kind: 'snapshot', samples: Buffer.from(samples).toString('base64') };
  } catch (error) {
    if (!(error instanceof SnapshotError || error instanceof DatasetError)) throw error;
    return { kind: 'snapshot', why: error.message };
  }
}
