/**
 * Every schedule with at most so many preemptions, or switches of any kind, depth first.
 *
 * A preemption takes the turn from an actor that could go on. A prefix within the bound always has
 * an end within the bound, so no execution is begun in vain.
 *
 * @source M. Musuvathi, S. Qadeer, Iterative Context Bounding for Systematic Testing of Multithreaded
 *         Programs, PLDI 2007
 */
import { grown, type Trace } from '../trace.ts';
import { FINISHED, type Strategy, turnOf } from './strategy.ts';

export class SwitchBounded implements Strategy {
  readonly #trace: Trace;
  readonly #max: number;
  /** Whether the turn of an actor that cannot go on is free to take. */
  readonly #isWaitingFree: boolean;
  /** Of each state: what the steps before it have cost. */
  #costs = new Int32Array(64);
  #hasBegun = false;
  #hasCut = false;

  constructor(trace: Trace, max: number, isWaitingFree: boolean) {
    this.#trace = trace;
    this.#max = max;
    this.#isWaitingFree = isWaitingFree;
  }

  get bound(): 'switches' | undefined {
    return this.#hasCut ? 'switches' : undefined;
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
      this.#pay(at);
      return at + 1;
    }
    return FINISHED;
  }

  choose(): number {
    const at = this.#trace.length;
    if (at > 0) this.#pay(at - 1);
    return this.#nextTurn(at, 0, 0);
  }

  end(): void {}

  /** Notes what the state behind step `at` has cost. */
  #pay(at: number): void {
    if (at + 1 >= this.#costs.length) this.#costs = grown(this.#costs);
    this.#costs[at + 1] = this.#costs[at]! + this.#costOf(at, this.#trace.actor[at]!);
  }

  #costOf(at: number, actor: number): number {
    if (at === 0) return 0;
    const { actors, ways } = this.#trace;
    const last = this.#trace.actor[at - 1]!;
    if (last === actor) return 0;
    return this.#isWaitingFree && ways[at * actors + last] === 0 ? 0 : 1;
  }

  /** The first turn of the state `at` that is not before `choice` of `actor` and can be paid. */
  #nextTurn(at: number, actor: number, choice: number): number {
    const { actors, ways } = this.#trace;
    let first = choice;
    for (let next = actor; next < actors; next++) {
      if (first < ways[at * actors + next]!) {
        if (this.#costs[at]! + this.#costOf(at, next) <= this.#max) return turnOf(next, first);
        this.#hasCut = true;
      }
      first = 0;
    }
    return FINISHED;
  }
}
