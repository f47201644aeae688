/**
 * PCT: the actor of the highest random priority goes, and at a few random steps falls to the bottom.
 *
 * A bug has depth d if some order of d steps is enough to meet it. One execution of at most k steps
 * of n actors meets a bug of depth d with a probability of at least 1 / (n * k^(d-1)).
 *
 * @source S. Burckhardt, P. Kothari, M. Musuvathi, S. Nagarakatte, A Randomized Scheduler with
 *         Probabilistic Guarantees of Finding Bugs, ASPLOS 2010
 */
import type { Trace } from '../trace.ts';
import type { RandomNumbers } from './random_numbers.ts';
import { FINISHED, type Strategy, turnOf } from './strategy.ts';

export class Pct implements Strategy {
  readonly bound = 'sample';
  readonly #trace: Trace;
  readonly #random: RandomNumbers;
  readonly #depth: number;
  #left: number;
  /** Steps of the longest execution so far: what change points are drawn from. */
  #longest = 1;
  readonly #priorities: number[] = [];
  /** Steps before which the actor on top falls, the last one lowest. */
  readonly #changes: number[] = [];
  /** How likely it is that all executions so far have missed a bug of the depth. */
  #missed = 1;

  constructor(trace: Trace, random: RandomNumbers, depth: number, executions: number) {
    this.#trace = trace;
    this.#random = random;
    this.#depth = depth;
    this.#left = executions;
  }

  /** At least how likely it was to meet a bug of the depth, if there is one. */
  get probability(): number {
    return 1 - this.#missed;
  }

  begin(): number {
    if (this.#left === 0) return FINISHED;
    this.#left--;
    this.#trace.length = 0;
    const order = Array.from({ length: this.#trace.actors }, (_, actor) => actor);
    for (let rest = order.length; rest > 0; rest--) {
      const actor = order.splice(this.#random.below(rest), 1)[0]!;
      this.#priorities[actor] = this.#depth + rest;
    }
    for (let change = 0; change < this.#depth - 1; change++) {
      this.#changes[change] = this.#random.below(this.#longest);
    }
    return 0;
  }

  choose(): number {
    const { length, actors, ways } = this.#trace;
    this.#changes.forEach((at, change) => {
      if (at === length) this.#priorities[this.#top()] = this.#depth - 1 - change;
    });
    const actor = this.#top();
    return turnOf(actor, this.#random.below(ways[length * actors + actor]!));
  }

  end(): void {
    const { length, actors } = this.#trace;
    // The bound holds only for as many steps as the change points were drawn from.
    if (length > this.#longest) this.#longest = length;
    else this.#missed *= 1 - 1 / (actors * this.#longest ** (this.#depth - 1));
  }

  /** The actor of the highest priority among those that can go. */
  #top(): number {
    const { length, actors, ways } = this.#trace;
    let top = -1;
    for (let actor = 0; actor < actors; actor++) {
      if (ways[length * actors + actor] === 0) continue;
      if (top < 0 || this.#priorities[actor]! > this.#priorities[top]!) top = actor;
    }
    return top;
  }
}
