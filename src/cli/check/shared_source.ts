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
  parseResult,
  partSchema,
  type SearchUnitResult,
  type SharedSubject,
  type Task,
  TaskError,
  taskOf,
} from '../jobs/task.ts';
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
  figures: Figures;
  units: number;
  /** From the beginning to the last result. */
  seconds: number;
  finding: Finding | undefined;
}

export interface SharedLimits {
  /** Executions of a unit. */
  readonly unit: number;
  /** Executions of a search after which no more units of it are begun. */
  readonly executionsMax?: number;
}

const NOTHING: Figures = {
  executions: 0,
  blocked: 0,
  beyond: 0,
  probes: 0,
  steps: 0,
  deepest: 0,
};

export class SharedSource implements Source {
  readonly #version: string;
  readonly #limits: SharedLimits;
  readonly #searches: readonly Running[];
  readonly #partOf = new Map<string, { readonly running: Running; readonly part: Part }>();
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
      const part = running.search.take(wanted);
      if (part === undefined) continue;
      const task = taskOf(this.#version, {
        kind: 'search',
        subject: running.shared,
        // As a saved one comes back, so that its id is the same.
        part: partSchema.parse(part),
        executionsMax: this.#limits.unit,
      });
      this.#partOf.set(task.id, { running, part });
      return task;
    }
    return undefined;
  }

  take(outcome: Outcome): void {
    const { running, part } = this.#partOf.get(outcome.id)!;
    this.#partOf.delete(outcome.id);
    running.seconds = this.#seconds();
    running.units++;
    try {
      if ('why' in outcome) throw new TaskError(outcome.why);
      this.#add(running, part, searchResultOf(outcome.result, part));
    } catch (error) {
      if (!(error instanceof TaskError)) throw error;
      running.poison.push(error.message.slice(0, 1000));
      running.search.add(part, {});
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
      ({ subject: _, shared: __, isSymmetric: ___, search, bounds, ...rest }) => ({
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
    { figures, bounds, finding, above, rest }: SearchUnitResult,
  ): void {
    // First: it may be refused.
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
    figures: saved?.figures ?? NOTHING,
    units: saved?.units ?? 0,
    seconds: saved?.seconds ?? 0,
    finding: saved?.finding,
  };
}

/** @throws TaskError if it is no result of this part */
function searchResultOf(text: string, { path, floor }: Part): SearchUnitResult {
  const result = parseResult(text);
  if (result.kind !== 'search') throw new TaskError('This is not a result of a search');
  const { rest, above } = result;
  const isWithin =
    above.length <= floor &&
    (rest === undefined ||
      (rest.steps.length >= floor &&
        path.steps.slice(0, floor).every(({ actor, choice }, at) => {
          const step = rest.steps[at]!;
          return step.actor === actor && step.choice === choice;
        })));
  if (!isWithin) throw new TaskError('This is a result of another part of the search');
  return result;
}

function sumOf(one: Figures, other: Figures): Figures {
  return {
    executions: one.executions + other.executions,
    blocked: one.blocked + other.blocked,
    beyond: one.beyond + other.beyond,
    probes: one.probes + other.probes,
    steps: one.steps + other.steps,
    deepest: Math.max(one.deepest, other.deepest),
  };
}
