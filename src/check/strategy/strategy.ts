/** What a strategy is: it says which turns an execution takes, and when all have been seen. */
import type { SavedBranch, SavedPath } from '../checkpoint.ts';

/** Instead of a turn: whatever is still possible from here is seen elsewhere. */
export const BLOCKED = -1;
/** Instead of a length: everything has been seen. */
export const FINISHED = -1;

/** What may end a search, or cut it, before everything has been seen. */
export type Bound = 'executions' | 'steps' | 'switches' | 'preemptions' | 'sample' | 'stopped';

export interface Strategy {
  /** What kept it from everything there is; nothing, if it has seen everything when it finishes. */
  readonly bound?: Bound | undefined;
  /** Whether identical actors are taken for one another. */
  readonly isSymmetric?: boolean;
  /** At least how likely it was to meet what is searched for. */
  readonly probability?: number;
  /**
   * Prepares the next execution.
   *
   * @returns how many steps of the trace it takes again, or `FINISHED`
   */
  begin(): number;
  /** Whether `begin()` has gone back to the beginning, to see all that was accepted once more. */
  readonly hasStartedAnew?: boolean;
  /** The turn to take in the last state of the trace, from `turnOf()`, or `BLOCKED`. */
  choose(): number;
  /** Whether an execution that has come to its end is one of those asked for; all are without. */
  accepts?(): boolean;
  /** Where the search stands, between `begin()` and the execution; not all strategies can say. */
  save?(): SavedPath;
  /**
   * Goes on from there: the trace has the steps of `path` again, `begin()` comes next.
   *
   * @param floor states before it are left alone: what leads elsewhere from there is kept
   * @param known steps that are those of the last execution, which it has seen the end of
   */
  restore?(path: SavedPath, floor: number, known: number): void;
  /** Of each state before the floor: what is to be explored from it, as far as was seen. */
  above?(): SavedBranch[][];
  /** Called when an execution has come to its end or was given up, with its whole trace. */
  end(): void;
}

/** Runs steps once more to ask what could come behind them. */
export interface Probe {
  /**
   * In how many ways `actor` could take its step after the steps of the trace before `length`, then
   * the steps `more`: 0 if it would wait.
   */
  waysOf(length: number, more: readonly number[], actor: number): number;
  /** At which point it would take it. */
  pointOf(length: number, more: readonly number[], actor: number): number;
  /**
   * Lets `actor` go on alone after the steps of the trace before `length`, as long as `goesOn`. It is
   * told the point of each step, `ENDED` behind the last one, and in how many ways it could go.
   */
  goAlone(length: number, actor: number, goesOn: (point: number, ways: number) => boolean): void;
}

/** What keeps a search from some of the executions. */
export interface Limit {
  /** Whether an execution may begin with the steps of the trace before `from`, then `sequence`. */
  allows(from: number, sequence: readonly number[]): boolean;
  /**
   * The same for a turn. The steps of the trace from `from` on are given up for that.
   */
  allowsTurn(from: number, actor: number, choice: number): boolean;
  /**
   * Whether an execution may begin with the steps before `length` and leave who takes that one to go
   * on later.
   */
  allowsBefore(length: number): boolean;
  /** Whether the execution of the trace, which has come to its end, is asked for. */
  accepts(): boolean;
}

/** Actors that a scenario can have. */
export const ACTORS_MAX = 256;

/** A turn as one number. */
export function turnOf(actor: number, choice: number): number {
  return choice * ACTORS_MAX + actor;
}

export function actorOf(turn: number): number {
  return turn % ACTORS_MAX;
}

export function choiceOf(turn: number): number {
  return Math.floor(turn / ACTORS_MAX);
}
