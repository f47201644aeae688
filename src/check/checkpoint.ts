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
  /** See `Branch`. */
  readonly isReserved?: boolean;
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

/** What a limit has cut off, see `Cuts`. */
export interface SavedCuts {
  /** Like `asleep`. */
  readonly doubted: readonly number[];
  /** Actors. */
  readonly cut: readonly number[];
  readonly cutBelow: readonly number[];
  readonly isOpen: boolean;
}

/** Who was seen to get in whose way, see `Encounters`. */
export interface SavedEncounters {
  /** Of each actor: points, and the last of its steps there. */
  readonly seen: readonly (readonly (readonly [number, number])[])[];
  readonly apart: readonly number[];
  readonly isStale: boolean;
}

/** Who was seen to meet a turn, see `Meetings`. */
export interface SavedMeeting {
  readonly actor: number;
  /** How many steps its actor takes before. */
  readonly step: number;
  readonly point: number;
  /** Of each actor: the last of its steps at which it was seen to meet the turn. */
  readonly seen: readonly number[];
  /** Of each actor: the first of its steps from which it was taken not to. */
  readonly relied: readonly number[];
}

/** What a search with a limit has learnt. */
export interface SavedLessons {
  readonly encounters: SavedEncounters;
  readonly meetings: readonly SavedMeeting[];
}

/** Where an optimal search stands. */
export interface SavedPath {
  readonly steps: readonly SavedStep[];
  /** To be explored after the last step. */
  readonly below: readonly SavedBranch[];
  /** The first step that no execution has taken; without it, the last one. */
  readonly firstNew?: number;
  /** With a limit. */
  readonly lessons?: SavedLessons;
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
