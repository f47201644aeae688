/** Runs a search in slices, and says between them where it stands. */
import { type Checkpoint, explore, type Progress, type Scenario } from '../../check/index.ts';
import type { Job, JobEvent, SavedSearch, SearchResult } from './job.ts';

const TELL_MS = 200;
const SAVE_MS = 500;

export function search(
  scenario: Scenario,
  job: Job,
  tell: (event: JobEvent) => void,
  isStopped: () => boolean,
): SearchResult {
  const clock = new Clock(job, isStopped);
  let rest = job.from?.rest;
  for (;;) {
    const sliceEnd = job.isSaved ? clock.seconds() + SAVE_MS / 1000 : Number.POSITIVE_INFINITY;
    const result = explore(scenario, {
      strategy: job.strategy,
      ...(rest && { from: rest }),
      ...executionsLeft(job, rest),
      shouldStop: ({ executions, deepest }: Progress) => {
        if (clock.isTimeToTell()) tell({ kind: 'progress', progress: { executions, deepest } });
        return clock.stoppedBy() !== undefined || clock.seconds() >= sliceEnd;
      },
    });
    const seconds = clock.seconds();
    const stoppedBy = clock.stoppedBy();
    const isOver = !result.bounds.includes('stopped');
    if (isOver) return { ...result, seconds };
    if (stoppedBy !== undefined) return { ...result, seconds, stoppedBy };
    rest = result.rest!;
    const saved: SavedSearch = { rest, seconds };
    tell({ kind: 'saved', saved });
  }
}

function executionsLeft(
  { executionsMax }: Job,
  before: Checkpoint | undefined,
): { readonly executionsMax?: number } {
  if (executionsMax === undefined) return {};
  const run = before === undefined ? 0 : before.executions + before.blocked + before.beyond;
  return { executionsMax: Math.max(executionsMax - run, 0) };
}

class Clock {
  readonly #begun = performance.now();
  readonly #job: Job;
  readonly #isStopped: () => boolean;
  #toldAt = this.#begun;

  constructor(job: Job, isStopped: () => boolean) {
    this.#job = job;
    this.#isStopped = isStopped;
  }

  /** Of searching, that before a checkpoint included. */
  seconds(): number {
    return (this.#job.from?.seconds ?? 0) + (performance.now() - this.#begun) / 1000;
  }

  stoppedBy(): SearchResult['stoppedBy'] {
    if (this.#isStopped()) return 'signal';
    const { timeoutSeconds = Number.POSITIVE_INFINITY } = this.#job;
    return performance.now() - this.#begun >= timeoutSeconds * 1000 ? 'timeout' : undefined;
  }

  isTimeToTell(): boolean {
    const now = performance.now();
    if (now - this.#toldAt < TELL_MS) return false;
    this.#toldAt = now;
    return true;
  }
}
