/** A search as a unit of work: data that a thread can be given, and what comes back from it. */
import type { Checkpoint, Exploration, StrategyOption } from '../../check/index.ts';

/** What is searched: a bug of the zoo, switched on or off, or a scenario of the user's. */
export type Subject =
  | { readonly kind: 'zoo'; readonly id: string; readonly isBroken: boolean }
  | { readonly kind: 'file'; readonly file: string };

export interface Job {
  readonly subject: Subject;
  readonly strategy: StrategyOption;
  /** Executions after which to stop, those before a checkpoint included. */
  readonly executionsMax?: number;
  readonly timeoutSeconds?: number;
  /** Whether to say again and again where the search stands. */
  readonly isSaved: boolean;
  /** Where it stood before. */
  readonly from?: SavedSearch;
}

/** A search that was stopped. */
export interface SavedSearch {
  readonly rest: Checkpoint;
  readonly seconds: number;
}

export interface SearchResult extends Exploration {
  readonly seconds: number;
  /** Why it was stopped, if it was. */
  readonly stoppedBy?: 'timeout' | 'signal' | 'poison';
}

/** How far a search is. */
export interface JobProgress {
  readonly executions: number;
  readonly deepest: number;
}

/** What a thread says. */
export type JobEvent =
  | { readonly kind: 'progress'; readonly progress: JobProgress }
  | { readonly kind: 'saved'; readonly saved: SavedSearch }
  | { readonly kind: 'done'; readonly result: SearchResult }
  | {
      readonly kind: 'failed';
      readonly exitCode: number;
      readonly message: string;
      readonly mend: string;
    };

/** Short and unique in a run: `B1 on`. */
export function nameOf(subject: Subject): string {
  if (subject.kind === 'file') return subject.file;
  return `${subject.id} ${subject.isBroken ? 'on' : 'off'}`;
}
