/** Findings: searched for, replayed, told. */
import {
  type Exploration,
  explore,
  type Finding,
  type MachineScenario,
  parseSchedule,
  replay,
  type Scenario,
  type Turn,
} from '../check/index.ts';
import { meaningOf } from '../check/words.ts';
import { fixOf } from '../race/designs.ts';
import { mistakeIn, raceScenario } from '../race/race.ts';
import type { Scene } from '../scene/scene.ts';
import type { Story, StorySource, StoryTelling } from '../scene/story.ts';
import { findEntry, ZOO } from '../zoo/index.ts';
import { DocumentError } from './document_error.ts';
import { tell, tellFixed } from './story_run.ts';

interface Subject {
  readonly telling: StoryTelling;
  /** Each call makes a machine of its own. */
  scenario(isBroken: boolean): MachineScenario;
  /** Whether there is a run without the mistake. */
  readonly hasFix: boolean;
}

/** A story with the traces of its runs. */
export interface ToldStory {
  readonly story: Story;
  readonly broken: Scene;
  readonly fixed: Scene | undefined;
}

/** What came of a search. */
export interface SearchOutcome {
  readonly executions: number;
  readonly blocked: number;
  readonly deepest: number;
  readonly isComplete: boolean;
  readonly bounds: readonly string[];
  readonly property: string | undefined;
  readonly schedule: string | undefined;
}

export interface SearchOptions {
  readonly isBroken: boolean;
  readonly executionsMax: number;
  readonly onProgress: (executions: number, deepest: number) => void;
}

/** @throws DocumentError, ScriptError */
export function searchFor(source: StorySource, options: SearchOptions): SearchOutcome {
  const { isBroken, executionsMax, onProgress } = options;
  const result = exploreAll(subjectOf(source).scenario(isBroken), executionsMax, onProgress);
  const { executions, blocked, deepest, isComplete, bounds, finding } = result;
  return {
    executions,
    blocked,
    deepest,
    isComplete,
    bounds,
    property: finding?.property,
    schedule: finding?.schedule,
  };
}

function exploreAll(
  scenario: MachineScenario,
  executionsMax: number,
  onProgress: (executions: number, deepest: number) => void,
): Exploration {
  // What it yields stays a number when its brand is forgotten.
  const result = explore(scenario as unknown as Scenario, {
    executionsMax,
    shouldStop: ({ executions, runs, deepest }) => {
      if (runs % 256 === 0) onProgress(executions, deepest);
      return false;
    },
  });
  const mistake = mistakeIn(result.finding?.property);
  if (mistake === undefined) return result;
  throw new DocumentError(mistake, 'Mend the scenario, and explore it again');
}

/**
 * @param schedule the one that was found; searched for if it is not given
 * @throws DocumentError, ScriptError
 */
export function tellStory(source: StorySource, schedule?: string): ToldStory {
  const subject = subjectOf(source);
  const finding = schedule === undefined ? found(subject) : replayed(subject, schedule);
  const turns = parseSchedule(finding.schedule);
  const broken = tell(() => subject.scenario(true), turns, finding.property);
  const fixed = subject.hasFix ? tellFixed(() => subject.scenario(false), turns) : undefined;
  return {
    story: {
      telling: subject.telling,
      property: finding.property,
      meaning: meaningOf(finding.property),
      schedule: finding.schedule,
      broken: broken.run,
      fixed: fixed?.run,
    },
    broken: broken.scene,
    fixed: fixed?.scene,
  };
}

function found({ telling, scenario }: Subject): Finding {
  const { finding } = exploreAll(scenario(true), Number.POSITIVE_INFINITY, () => {});
  if (finding !== undefined) return finding;
  throw new DocumentError(
    `Nothing is violated in any interleaving of ${telling.id}`,
    'Switch a bug on, or race other calls',
  );
}

function replayed({ telling, scenario }: Subject, schedule: string): Finding {
  const turns = parsed(schedule);
  let finding: Finding | undefined;
  try {
    finding = replay(scenario(true), schedule);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  if (finding !== undefined) return finding;
  throw new DocumentError(
    `The schedule of ${turns.length} steps does not lead to a violation of ${telling.id} here`,
    'It is from another version of ptshare: search again with `ptshare check`',
  );
}

function parsed(schedule: string): Turn[] {
  try {
    return parseSchedule(schedule);
  } catch {
    throw new DocumentError('The schedule of this finding is damaged', 'Copy the whole of it');
  }
}

function subjectOf(source: StorySource): Subject {
  if (source.kind === 'zoo') return zooSubject(source.id);
  const { bugs, design } = source;
  const mended = fixOf(design);
  const under = design === 'none' ? '' : ` under ${design}`;
  return {
    telling: {
      id: 'This race',
      title: `${bugs.length === 0 ? 'as it was written' : `with ${bugs.join(', ')}`}${under}`,
      aliases: [],
      text: '',
      fix: undefined,
      versions: '',
      bounds: 'what the sections of the CPUs do',
    },
    scenario: (isBroken) =>
      raceScenario(isBroken ? source : { ...source, bugs: [], design: mended ?? design }),
    hasFix: bugs.length > 0 || mended !== undefined,
  };
}

function zooSubject(id: string): Subject {
  const entry = findEntry(id);
  if (entry === undefined) {
    throw new DocumentError(`There is no ${id} in the zoo`, 'Choose one of `ptshare check --list`');
  }
  const { aliases, title, story, fix, versions, bounds } = entry;
  return {
    telling: { id: entry.id, title, aliases, text: story, fix, versions, bounds },
    scenario: (isBroken) => entry.scenario(isBroken),
    hasFix: true,
  };
}

/** The zoo, to choose from. */
export function zooItems() {
  return ZOO.flatMap(({ id, aliases, title, bug }) =>
    bug === undefined ? [] : [{ id, aliases, title, bug }],
  );
}
