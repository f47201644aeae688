/** Searches on all threads, with what a checkpoint has and what it is to keep. */
import { readFile } from 'node:fs/promises';
import { fileFailure, wrongUse } from '../failure.ts';
import { withProgress } from '../progress.ts';
import { readVersion } from '../version.ts';
import { CheckpointFile } from './checkpoint_file.ts';
import { Farm, type SearchProgress } from './farm.ts';
import { type Job, nameOf, type SavedSearch, type SearchResult, type Subject } from './job.ts';
import { type CheckOptions, canBeSaved, strategyOf } from './options.ts';
import type { Case } from './report.ts';
import { isToBeFound } from './subject.ts';

/** A shorter search would gain nothing: a thread begins slowly. */
const SHARE_AFTER_MS = 500;

/** @returns `cases` with the results that there are; without some, if it was stopped */
export async function searchAll<C extends Pick<Case, 'searches'>>(
  cases: readonly C[],
  options: CheckOptions,
  abort: AbortSignal,
): Promise<C[]> {
  const subjects = cases.flatMap(({ searches }) => searches.map(({ subject }) => subject));
  const file = await openCheckpoint(subjects, options);
  const results = new Map<string, SearchResult>();
  const jobs: Job[] = [];
  for (const subject of subjects) {
    const known = file?.resultOf(nameOf(subject));
    if (known === undefined) jobs.push(jobOf(subject, options, file));
    else results.set(nameOf(subject), known);
  }
  const keep = (index: number, result: SearchResult): void => {
    const name = nameOf(jobs[index]!.subject);
    results.set(name, result);
    file?.finish(name, result);
  };
  try {
    await runJobs(jobs, options.workers, abort, file, keep);
  } finally {
    await file?.close();
  }
  return cases.map((each) => ({
    ...each,
    searches: each.searches.map(({ subject }) => ({
      subject,
      result: results.get(nameOf(subject)),
    })),
  }));
}

async function runJobs(
  jobs: readonly Job[],
  threads: number,
  abort: AbortSignal,
  file: CheckpointFile | undefined,
  keep: (index: number, result: SearchResult) => void,
): Promise<void> {
  await withProgress('Searching', (say) => {
    const shown = new ProgressText(jobs.length, say);
    const listener = {
      onProgress: shown.progress.bind(shown),
      onSaved: (index: number, saved: SavedSearch): void =>
        file?.save(nameOf(jobs[index]!.subject), saved),
      onDone: (index: number, result: SearchResult): void => {
        keep(index, result);
        shown.done(index, result);
      },
    };
    return new Farm(listener, abort).run(jobs, threads);
  });
}

function jobOf(subject: Subject, options: CheckOptions, file: CheckpointFile | undefined): Job {
  const { maxExecutions, timeout, share } = options;
  const from = file?.savedOf(nameOf(subject));
  return {
    subject,
    strategy: strategyOf(options),
    isSaved: file !== undefined,
    ...(maxExecutions !== undefined && { executionsMax: maxExecutions }),
    ...(timeout !== undefined && { timeoutSeconds: timeout }),
    ...(canBeShared(subject, options) && { shareAfterMs: share ? 0 : SHARE_AFTER_MS }),
    ...(from !== undefined && { from }),
  };
}

/**
 * A search that is to find something is not: what it finds first would be another thing each time.
 */
function canBeShared(subject: Subject, { strategy, maxExecutions }: CheckOptions): boolean {
  return strategy.name === 'optimal' && maxExecutions === undefined && !isToBeFound(subject);
}

async function openCheckpoint(
  subjects: readonly Subject[],
  options: CheckOptions,
): Promise<CheckpointFile | undefined> {
  const { checkpoint, strategy } = options;
  if (checkpoint === undefined) return undefined;
  if (!canBeSaved(strategy)) {
    throw wrongUse(
      `A search with --strategy ${strategy.name} cannot be gone on with`,
      'Leave out --checkpoint, or use optimal or preemptions=N',
    );
  }
  const texts = await Promise.all(subjects.map(textOf));
  return CheckpointFile.open(checkpoint, [readVersion(), strategy, subjects, texts]);
}

/** What a scenario of the user's was when the search began. */
async function textOf(subject: Subject): Promise<string> {
  if (subject.kind !== 'file') return '';
  return readFile(subject.file, 'utf8').catch((error: unknown) => {
    throw fileFailure(`read ${subject.file}`, error, 'Name a file that holds a module');
  });
}

/** Sums up searches under way, for whoever watches. */
class ProgressText {
  readonly #searches: number;
  readonly #say: (detail: string) => void;
  readonly #running = new Map<number, SearchProgress>();
  readonly #begun = performance.now();
  #done = 0;
  #executions = 0;
  #findings = 0;

  constructor(searches: number, say: (detail: string) => void) {
    this.#searches = searches;
    this.#say = say;
  }

  progress(index: number, progress: SearchProgress): void {
    this.#running.set(index, progress);
    this.#show();
  }

  done(index: number, { executions, finding }: SearchResult): void {
    this.#running.delete(index);
    this.#done++;
    this.#executions += executions;
    if (finding !== undefined) this.#findings++;
    this.#show();
  }

  /** Of the searches that are under way, how much there is of each that has a guess not yet refuted. */
  #estimates(): string[] {
    const known = [...this.#running.values()].flatMap(({ executions, estimate }) =>
      estimate !== undefined && executions <= estimate.high ? estimate : [],
    );
    if (known.length === 0) return [];
    const guesses = known.map(({ executions, low, high }) => {
      const [about, from, to] = [executions, low, high].map((count) => count.toLocaleString('en'));
      return `${about} (${from} to ${to})`;
    });
    return [`by a guess there are ${guesses.join(' and ')}`];
  }

  #show(): void {
    let executions = this.#executions;
    let deepest = 0;
    for (const running of this.#running.values()) {
      executions += running.executions;
      deepest = Math.max(deepest, running.deepest);
    }
    const seconds = (performance.now() - this.#begun) / 1000;
    this.#say(
      [
        `${this.#done} of ${this.#searches} done`,
        `${executions.toLocaleString('en')} executions`,
        `${Math.round(executions / seconds).toLocaleString('en')}/s`,
        ...this.#estimates(),
        `${deepest} steps deep`,
        `${this.#findings} found`,
      ].join(', '),
    );
  }
}
