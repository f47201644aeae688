/** Every schedule, depth first: nothing is taken for granted, nothing is left out. */
import type { Trace } from '../trace.ts';
import { FINISHED, type Strategy, turnOf } from './strategy.ts';

export class DepthFirst implements Strategy {
  readonly #trace: Trace;
  #hasBegun = false;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  begin(): number {
    const { actor, choice } = this.#trace;
    if (!this.#hasBegun) {
      this.#hasBegun = true;
      return 0;
    }
    for (let at = this.#trace.length - 1; at >= 0; at--) {
      const next = this.#nextTurn(at, actor[at]!, choice[at]! + 1);
      if (next === FINISHED) continue;
      this.#trace.retake(at, next);
      return at + 1;
    }
    return FINISHED;
  }

  choose(): number {
    return this.#nextTurn(this.#trace.length, 0, 0);
  }

  end(): void {}

  /** The first turn of the state `at` that is not before `choice` of `actor`. */
  #nextTurn(at: number, actor: number, choice: number): number {
    const { actors, ways } = this.#trace;
    if (choice < ways[at * actors + actor]!) return turnOf(actor, choice);
    for (let next = actor + 1; next < actors; next++) {
      if (ways[at * actors + next]! > 0) return turnOf(next, 0);
    }
    return FINISHED;
  }
}
