/**
 * Sleep sets: when all executions that begin with a turn have been seen, the turn is put to sleep for
 * its siblings, and stays asleep until a turn that depends on it is taken. Of executions that differ
 * only in the order of independent steps one is completed; others are begun, and given up.
 *
 * @source P. Godefroid, Partial-Order Methods for the Verification of Concurrent Systems, 1996,
 *         chapter 5
 */
import type { Trace } from '../trace.ts';
import { SleepRows } from './sleep_rows.ts';
import { BLOCKED, FINISHED, type Strategy, turnOf } from './strategy.ts';

export class SleepSets implements Strategy {
  readonly #trace: Trace;
  readonly #asleep: SleepRows;
  #hasBegun = false;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#asleep = new SleepRows(trace);
  }

  begin(): number {
    const { actor, choice } = this.#trace;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      return 0;
    }
    for (let at = this.#trace.length - 1; at >= 0; at--) {
      this.#asleep.add(at, actor[at]!, choice[at]!);
      const next = this.#nextTurn(at);
      if (next === BLOCKED) continue;
      this.#trace.retake(at, next);
      return at + 1;
    }
    return FINISHED;
  }

  choose(): number {
    this.#asleep.enter(this.#trace.length);
    return this.#nextTurn(this.#trace.length);
  }

  end(): void {}

  /** The first turn of the state `at` that is awake. */
  #nextTurn(at: number): number {
    const { actors, ways } = this.#trace;
    for (let actor = 0; actor < actors; actor++) {
      const awake = this.#asleep.firstAwake(at, actor, ways[at * actors + actor]!);
      if (awake >= 0) return turnOf(actor, awake);
    }
    return BLOCKED;
  }
}
