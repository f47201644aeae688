/**
 * What can be explored: actors that stop before each access to something shared.
 *
 * Nothing here knows the engine. An actor is a generator; what it yields, a *point*, says what its
 * next step will touch. A generator cannot be copied, so an execution is reached again by starting
 * afresh: `start()` must bring back the same state and the same actors every time.
 */

export interface Actor<Point extends number> {
  /** To show: `CPU 0: munmap`. What is before the colon may be common to several. */
  readonly name: string;
  readonly operation: Iterator<Point, unknown, void>;
  /** Runs for ever when there is something to do: an execution is complete without its end. */
  readonly isDaemon: boolean;
}

/** Something that is so between two steps: `{ of: 'counter', is: '1' }`. */
export interface Fact {
  readonly of: string;
  readonly is: string;
}

/**
 * Of some steps, the number of one that keeps an actor waiting: with that one among them it waits
 * behind fewer of them, too. It is the one with which somebody has taken a lock, say, and has it still.
 * `nobody` if the actor may go, `missing` if it waits for what none of the steps has done, `undefined`
 * if they do not tell.
 */
export type Keeper = number | 'nobody' | 'missing' | undefined;

export interface Scenario<Point extends number = number> {
  /** Restores the initial state. */
  start(): readonly Actor<Point>[];
  /** Whether the actor with this index, which stands at `at`, may take its step now. */
  mayGo(actor: number, at: Point): boolean;
  /** In how many ways that step can go: 1, unless the hardware has a choice. */
  countChoices(actor: number, at: Point): number;
  /** Decides which way the next step goes. */
  choose(choice: number): void;
  /**
   * Whether the order of two steps of different actors can make a difference: to the state behind
   * them, to whether the other one may go, or to its choices. The state does not matter here, but
   * in so far as it was noted when they stopped.
   */
  areDependent(one: Point, other: Point): boolean;
  /** The point at which an actor has just stopped, with what can only be told now. */
  note?(actor: number, at: Point): Point;
  /**
   * Whether it depends on the state what a step at this point touches, as with a compare-and-exchange,
   * which only reads if it fails: `pointNow()` is asked in every state, then. What an actor stops at
   * stands for all that the step may touch. It never waits and goes in one way. Without this method
   * there is none.
   */
  canChange?(at: Point): boolean;
  /**
   * The point at which an actor that stands at `at`, which can change, would take its step now. Only a
   * step that depends on that point may make it another one, which can change, too.
   */
  pointNow?(actor: number, at: Point): Point;
  /** Whether a step may ever have to wait. Without this method all may, which costs probes. */
  canWait?(at: Point): boolean;
  /**
   * What a step at this point waits for, or can change of it, as a number: a lock, say. Below 0 for
   * all else, which is all without this method.
   */
  gateOf?(at: Point): number;
  /**
   * What keeps `actor` from its step at `at`, which never goes in two ways, behind all steps at points
   * of the same gate that are taken from the start, in their order: by whom, at which point. Saves a
   * search from running them to ask `mayGo()`.
   */
  keeperAfter?(
    actor: number,
    at: Point,
    actors: readonly number[],
    points: readonly Point[],
  ): Keeper;
  /** Whether a step can ever go in more than one way. Without this method all can. */
  canChoose?(at: Point): boolean;
  /**
   * Groups of actors that do the same: with the names of those of a group exchanged, an execution is
   * one of this scenario, too, and violates the same. Searches that reduce run one of them.
   */
  readonly identical?: readonly (readonly number[])[];
  /** The property that the state violates, after every step. */
  violation(): string | undefined;
  /** The property that a complete execution violates. */
  violationAtEnd(): string | undefined;
  /** The property that is violated when nobody may go on and some have not ended. */
  nameDeadlock?(): string;
  describe(at: Point): string;
  /** What there is between two steps, to show. */
  state?(): readonly Fact[];
  /** The locks that an actor holds, and whatever else keeps others waiting, to show. */
  holds?(actor: number): readonly string[];
}
