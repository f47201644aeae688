/** A search as units of work: data that a thread can be given, and what comes back from it. */
import type {
  Bound,
  Estimate,
  Exploration,
  Finding,
  Part,
  PartResult,
  SharedState,
  StrategyOption,
} from '../../check/index.ts';
import type { RaceSource } from '../../race/race.ts';

/** What is searched: a bug of the zoo, on or off, a case of a question, a race as text, a module. */
export type Subject =
  | { readonly kind: 'zoo'; readonly id: string; readonly isBroken: boolean }
  | { readonly kind: 'question'; readonly id: string; readonly at: number }
  | { readonly kind: 'race'; readonly file: string; readonly source: RaceSource }
  | { readonly kind: 'file'; readonly file: string };

export interface Job {
  readonly subject: Subject;
  readonly strategy: StrategyOption;
  /** Executions after which to stop, those before a checkpoint included. */
  readonly executionsMax?: number;
  readonly timeoutSeconds?: number;
  /** Whether to say again and again where the search stands. */
  readonly isSaved: boolean;
  /** Milliseconds after which other threads take parts of it; not at all without. */
  readonly shareAfterMs?: number;
  /** Where it stood before. */
  readonly from?: SavedSearch;
}

/** What searches count. */
export type Figures = Pick<
  Exploration,
  'executions' | 'blocked' | 'beyond' | 'probes' | 'steps' | 'deepest'
>;

/** A search that is not over. */
export interface SavedSearch {
  readonly tree: SharedState;
  readonly figures: Figures;
  readonly bounds: readonly Bound[];
  readonly seconds: number;
}

export interface SearchResult extends Exploration {
  readonly seconds: number;
  /** Why it was stopped, if it was. */
  readonly stoppedBy?: 'timeout' | 'signal' | 'poison';
  /** Of its executions, made when it had gone on for a while. */
  readonly estimate?: Estimate;
  /** What is left of it then, unless something was found. */
  readonly saved?: SavedSearch;
}

/** All of a search. */
export const WHOLE: Part = { path: { steps: [], below: [] }, floor: 0 };

/** Some of a search: parts of it, one after the other. */
export interface Unit {
  /** Which word of what the threads share tells to stop. */
  readonly stop: number;
  readonly subject: Subject;
  readonly strategy: StrategyOption;
  readonly parts: readonly Part[];
  readonly executionsMax?: number;
  /** After which it is given back. */
  readonly ms?: number;
  /** Whether to guess how much there is: of all of a search, if there is more, or before its parts. */
  readonly isEstimated: boolean;
  /** After which it is given back if another thread has nothing to do. */
  readonly shareAfterMs?: number;
}

/** What a thread is told: what to do, or what it may be given to do soon. */
export type Order =
  | { readonly kind: 'unit'; readonly unit: Unit }
  | { readonly kind: 'prepare'; readonly subject: Subject };

/** What came of a part. */
export interface PartOutcome extends PartResult {
  readonly figures: Figures;
  readonly bounds: readonly Bound[];
  readonly finding: Finding | undefined;
  readonly isSymmetric: boolean;
  readonly probability?: number;
}

export interface UnitResult {
  /** Of its parts, in their order; those behind were not begun. */
  readonly outcomes: readonly PartOutcome[];
  /** It was given back for another thread before there was a guess. */
  readonly isGuessDue?: boolean;
}

/** What a thread says. */
export type UnitEvent =
  | { readonly kind: 'progress'; readonly executions: number; readonly deepest: number }
  | { readonly kind: 'estimate'; readonly estimate: Estimate }
  | { readonly kind: 'done'; readonly result: UnitResult }
  | {
      readonly kind: 'failed';
      readonly exitCode: number;
      readonly message: string;
      readonly mend: string;
    };

/** As it is named on the command line. */
export function idOf(subject: Subject): string {
  if (subject.kind === 'file' || subject.kind === 'race') return subject.file;
  return subject.kind === 'zoo' ? subject.id : `${subject.id}/${subject.at + 1}`;
}

/** A race as text: all that it takes to run it elsewhere. */
export function raceOf(subject: Subject | undefined): RaceSource | null {
  return subject?.kind === 'race' ? subject.source : null;
}

/** Short and unique in a run: `B1 on`. */
export function nameOf(subject: Subject): string {
  if (subject.kind !== 'zoo') return idOf(subject);
  return `${subject.id} ${subject.isBroken ? 'on' : 'off'}`;
}
