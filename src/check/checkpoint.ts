/** A search that was stopped, as data: plain JSON, so that it can be stored and gone on with. */

import type { Bound } from './strategy/strategy.ts';

/** A branch that is still to be explored, with all that is known to lie below it. */
export interface SavedBranch {
  readonly actor: number;
  readonly choice: number;
  /** In how many ways its step can go. */
  readonly ways: number;
  readonly point: number;
  readonly branches: readonly SavedBranch[];
  /** With a limit: what is to be explored beside it, should the limit cut something off below. */
  readonly aside?: readonly SavedBranch[];
}

/** A step of the execution at which the search was stopped, and the state it is taken from. */
export interface SavedStep {
  readonly actor: number;
  readonly choice: number;
  /** For each actor, a mask of the choices that are asleep. */
  readonly asleep: readonly number[];
  /** To be explored after what begins with this step. */
  readonly later: readonly SavedBranch[];
  /** With a limit. */
  readonly cuts?: SavedCuts;
}

/** What a limit has cut off behind a step. */
export interface SavedCuts {
  /** Like `asleep`: the turns to which nothing is left. */
  readonly doubted: readonly number[];
  readonly isCut: boolean;
  readonly isMet: boolean;
  /** Sequences that were left to the step. */
  readonly aside: readonly SavedBranch[];
}

/** Where an optimal search stands. */
export interface SavedPath {
  readonly steps: readonly SavedStep[];
  /** To be explored after the last step. */
  readonly below: readonly SavedBranch[];
}

/** Pass it to `explore()` as `from`, with the same scenario. */
export interface Checkpoint {
  readonly version: 1;
  readonly path: SavedPath;
  readonly executions: number;
  readonly blocked: number;
  readonly beyond: number;
  readonly probes: number;
  readonly steps: number;
  readonly deepest: number;
  /** Those that were hit before. */
  readonly bounds: readonly Bound[];
}
