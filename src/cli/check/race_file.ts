/** Races as text: files that are read, and data that workers of a cluster may be given. */
import { readFile, stat } from 'node:fs/promises';
import type { Scenario } from '../../check/index.ts';
import { mistakeIn, RACE_LENGTH_MAX, type RaceSource, raceScenario } from '../../race/race.ts';
import { ScriptError } from '../../script/index.ts';
import { findEntry, ZOO } from '../../zoo/index.ts';
import { fileFailure, wrongUse } from '../failure.ts';

const DOCS = 'docs/check.md describes races as text';

export interface RaceOptions {
  /** `PteFormat.id` */
  readonly format: string;
  /** One of `designItems()`. */
  readonly design: string;
  /** Of the zoo: what is wrong with the engine. */
  readonly bug?: readonly string[];
}

/** What no module is, and no entry of the zoo. */
export function isRaceFile(name: string): boolean {
  return name.endsWith('.txt');
}

/** @throws Failure if it cannot be read, or has no such bugs */
export async function readRace(file: string, options: RaceOptions): Promise<RaceSource> {
  const { format, design, bug: names = [] } = options;
  const bugs = names.map(switchOf);
  try {
    const { size } = await stat(file);
    if (size <= RACE_LENGTH_MAX)
      return { text: await readFile(file, 'utf8'), format, design, bugs };
  } catch (error) {
    throw fileFailure(`read ${file}`, error, 'Name a file that holds a race');
  }
  throw wrongUse(
    `${file} is longer than the ${RACE_LENGTH_MAX} bytes that a race may have`,
    'Leave out what does not race',
  );
}

/** As it is asked for again. */
export function raceArguments({ format, design, bugs }: RaceSource): string {
  const ids = bugs.map((bug) => ZOO.find((entry) => entry.bug === bug)!.id);
  return [`--format ${format}`, `--design ${design}`, ...ids.map((id) => `--bug ${id}`)].join(' ');
}

/** @throws Failure if the text is no race */
export function scenarioOfRace(file: string, source: RaceSource): Scenario {
  try {
    return raceScenario(source) as unknown as Scenario;
  } catch (error) {
    throw raceFailure(file, error);
  }
}

/** @throws Failure if a search could not go on because of the text */
export function refuseMistake(file: string, property: string | undefined): void {
  const mistake = mistakeIn(property);
  if (mistake !== undefined) throw wrongUse(`${file}:${mistake}`, DOCS);
}

function raceFailure(file: string, error: unknown): unknown {
  if (!(error instanceof ScriptError)) return error;
  return wrongUse(`${file}:${error.message}`, `${error.mend}; ${DOCS}`);
}

function switchOf(name: string): string {
  const bug = findEntry(name)?.bug;
  if (bug !== undefined) return bug;
  const known = ZOO.flatMap(({ id, bug }) => (bug === undefined ? [] : [id]));
  throw wrongUse(`There is no bug ${name} to switch on`, `Name one of ${known.join(', ')}`);
}
