/**
 * What can be explored: actors that stop before each access to something shared.
 *
 * Nothing here knows the engine. An actor is a generator; what it yields, a *point*, says what its
 * next step will touch. A generator cannot be copied, so an execution is reached again by starting
 * afresh: `start()` must bring back the same state and the same actors every time.
 */

export interface Actor<Point extends number> {
  /** To show: `CPU 0: munmap`. */
  readonly name: string;
  readonly operation: Generator<Point, unknown, void>;
  /** Runs for ever when there is something to do: an execution is complete without its end. */
  readonly isDaemon: boolean;
}

export interface Scenario<Point extends number = number> {
  /** Restores the initial state. */
  start(): readonly Actor<Point>[];
  /** Whether the actor with this index, which stands at `at`, may take its step now. */
  mayGo(actor: number, at: Point): boolean;
  /** In how many ways that step can go: 1, unless the hardware has a choice. */
  countChoices(actor: number, at: Point): number;
  /** Decides which way the next step goes. */
  choose(choice: number): void;
  /** Whether the order of two steps of different actors can make a difference. */
  areDependent(one: Point, other: Point): boolean;
  /** The property that the state violates, after every step. */
  violation(): string | undefined;
  /** The property that a complete execution violates. */
  violationAtEnd(): string | undefined;
  describe(at: Point): string;
}
