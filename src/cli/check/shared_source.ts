/** Searches as a source of tasks: parts of each go out, and what comes back leads to more. */
import {
  type Bound,
  type Finding,
  type Part,
  type Scenario,
  SharedSearch,
} from '../../check/index.ts';
import { wrongUse } from '../failure.ts';
import type { Outcome, Source } from '../jobs/executor.ts';
import {
  type Figures,
  type PartOutcomeData,
  parseResult,
  type SharedSubject,
  type Task,
  taskOf,
} from '../jobs/task.ts';
import { TaskError } from '../jobs/task_error.ts';
import { NO_FIGURES, sumOf } from './figures.ts';
import { idOf, nameOf, type SearchResult, type Subject } from './job.ts';
import { type SavedSearches, saveText } from './shared_state.ts';
import { scenarioOf } from './subject.ts';

interface Running {
  readonly subject: Subject;
  /** As workers are told. */
  readonly shared: SharedSubject;
  readonly search: SharedSearch;
  readonly isSymmetric: boolean;
  readonly bounds: Set<Bound>;
  /** Why units were set aside. */
  readonly poison: string[];
  /** Parts of a unit that failed: each is tried alone, so that one does not take others with it. */
  readonly suspects: Part[];
  figures: Figures;
  units: number;
  /** From the beginning to the last result. */
  seconds: number;
  finding: Finding | undefined;
}

/** Steps that the parts of a unit begin with, in total: what there is to be sent. */
const STEPS_MAX = 20_000;

export interface SharedLimits {
  /** Executions of a unit, at most. */
  readonly unit: number;
  /** Executions of a search after which no more units of it are begun. */
  readonly executionsMax?: number;
}

export class SharedSource implements Source {
  readonly #version: string;
  readonly #limits: SharedLimits;
  readonly #searches: readonly Running[];
  readonly #partsOf = new Map<string, { readonly running: Running; readonly parts: Part[] }>();
  readonly #begun = performance.now();
  readonly #secondsBefore: number;
  #turn = 0;

  /** @param saved goes on from there; of the same searches, in the same order */
  static async open(
    subjects: readonly Subject[],
    version: string,
    limits: SharedLimits,
    saved?: SavedSearches,
  ): Promise<SharedSource> {
    const scenarios = await Promise.all(subjects.map(scenarioOf));
    const searches = subjects.map((subject, at) =>
      runningOf(subject, scenarios[at]!, saved?.searches[at]),
    );
    return new SharedSource(version, limits, searches, saved?.seconds ?? 0);
  }

  private constructor(
    version: string,
    limits: SharedLimits,
    searches: readonly Running[],
    secondsBefore: number,
  ) {
    this.#version = version;
    this.#limits = limits;
    this.#searches = searches;
    this.#secondsBefore = secondsBefore;
  }

  get units(): number {
    return this.#searches.reduce((sum, { units }) => sum + units, 0);
  }

  get executions(): number {
    return this.#searches.reduce((sum, { figures }) => sum + figures.executions, 0);
  }

  /** Units that were set aside: of which search, and why. */
  get poison(): readonly string[] {
    return this.#searches.flatMap(({ subject, poison }) =>
      poison.map((why) => `${nameOf(subject)}: ${why}`),
    );
  }

  next(wanted: number): Task | undefined {
    const { length } = this.#searches;
    for (let tried = 0; tried < length; tried++) {
      const running = this.#searches[this.#turn++ % length]!;
      if (this.#isCut(running)) continue;
      const parts = takeFrom(running, wanted);
      if (parts.length === 0) continue;
      const task = taskOf(this.#version, {
        kind: 'search',
        subject: running.shared,
        parts,
        executionsMax: this.#limits.unit,
      });
      this.#partsOf.set(task.id, { running, parts });
      return task;
    }
    return undefined;
  }

  take(outcome: Outcome): void {
    const { running, parts } = this.#partsOf.get(outcome.id)!;
    this.#partsOf.delete(outcome.id);
    running.seconds = this.#seconds();
    running.units++;
    try {
      if ('why' in outcome) throw new TaskError(outcome.why);
      const outcomes = outcomesOf(outcome.result, parts);
      for (const part of parts.slice(outcomes.length)) running.search.giveBack(part);
      for (const [at, each] of outcomes.entries()) this.#add(running, parts[at]!, each);
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      if (parts.length > 1) {
        running.suspects.push(...parts);
        return;
      }
      running.poison.push(error.message.slice(0, 1000));
      running.search.add(parts[0]!, {});
    }
  }

  results(): SearchResult[] {
    return this.#searches.map((running) => {
      const { finding, isSymmetric, poison, figures, search, seconds } = running;
      const bounds = new Set(running.bounds);
      const isCut = finding === undefined && !search.isDone;
      if (isCut) bounds.add(this.#hasAll(running) ? 'executions' : 'stopped');
      if (poison.length > 0) bounds.add('stopped');
      return {
        ...figures,
        finding,
        isSymmetric,
        seconds,
        bounds: [...bounds],
        isComplete: finding === undefined && bounds.size === 0,
        ...(poison.length > 0 && { stoppedBy: 'poison' as const }),
      };
    });
  }

  save(of: string): string {
    const searches = this.#searches.map(
      ({ subject: _, shared: __, isSymmetric: ___, suspects: ____, search, bounds, ...rest }) => ({
        ...rest,
        tree: search.save(),
        bounds: [...bounds],
      }),
    );
    return saveText({ of, seconds: this.#seconds(), searches });
  }

  #add(
    running: Running,
    part: Part,
    { figures, bounds, finding, above, rest }: PartOutcomeData,
  ): void {
    running.search.add(part, { above, ...(rest && { rest: { path: rest } }) });
    running.figures = sumOf(running.figures, figures);
    for (const bound of bounds) running.bounds.add(bound);
    if (finding !== undefined) running.finding ??= finding;
  }

  #seconds(): number {
    return this.#secondsBefore + (performance.now() - this.#begun) / 1000;
  }

  /** Whether no more of it is to be begun. */
  #isCut(running: Running): boolean {
    return running.finding !== undefined || this.#hasAll(running);
  }

  #hasAll({ figures }: Running): boolean {
    const { executionsMax = Number.POSITIVE_INFINITY } = this.#limits;
    return figures.executions + figures.blocked + figures.beyond >= executionsMax;
  }
}

/** @throws Failure if workers cannot be told */
export function sharedOf(subject: Subject): SharedSubject {
  if (subject.kind === 'race') {
    const { text, format, design, bugs } = subject.source;
    return { kind: 'race', source: { text, format, design, bugs: [...bugs] } };
  }
  if (subject.kind !== 'file') return subject;
  throw wrongUse(
    `${idOf(subject)} cannot be shared: workers run no code of others`,
    'Write it as text (docs/check.md), or search without --queue',
  );
}

function runningOf(
  subject: Subject,
  scenario: Scenario,
  saved: SavedSearches['searches'][number] | undefined,
): Running {
  return {
    subject,
    shared: sharedOf(subject),
    search: new SharedSearch(scenario, saved?.tree),
    isSymmetric: (scenario.identical?.length ?? 0) > 0,
    bounds: new Set(saved?.bounds),
    poison: [...(saved?.poison ?? [])],
    suspects: [],
    figures: saved?.figures ?? NO_FIGURES,
    units: saved?.units ?? 0,
    seconds: saved?.seconds ?? 0,
    finding: saved?.finding,
  };
}

/** Some of the parts that are there: others may ask before there are new ones. */
function takeFrom({ search, suspects }: Running, wanted: number): Part[] {
  const suspect = suspects.pop();
  if (suspect !== undefined) return [suspect];
  const parts = search.take(1 + wanted, 1 + wanted);
  let steps = 0;
  const isTooMuch = ({ path }: Part, at: number): boolean => {
    steps += path.steps.length;
    return at > 0 && steps > STEPS_MAX;
  };
  const end = parts.findIndex(isTooMuch);
  if (end < 0) return parts;
  for (const part of parts.splice(end)) search.giveBack(part);
  return parts;
}

/** @throws TaskError if it is no result of these parts */
function outcomesOf(text: string, parts: readonly Part[]): readonly PartOutcomeData[] {
  const result = parseResult(text);
  if (result.kind !== 'search') throw new TaskError('This is not a result of a search');
  const { outcomes } = result;
  const areOf =
    outcomes.length <= parts.length && outcomes.every((each, at) => isOf(each, parts[at]!));
  if (!areOf) throw new TaskError('This is a result of another part of the search');
  return outcomes;
}

function isOf({ rest, above }: PartOutcomeData, { path, floor }: Part): boolean {
  if (above.length > floor) return false;
  if (rest === undefined) return true;
  if (rest.steps.length < floor) return false;
  return path.steps.slice(0, floor).every(({ actor, choice }, at) => {
    const step = rest.steps[at]!;
    return step.actor === actor && step.choice === choice;
  });
}
