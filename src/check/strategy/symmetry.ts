/**
 * Identical actors, explored once: of executions that are the same but for the names of identical
 * actors, one is run.
 *
 * Two of them have the same past as long as each step of one has a twin among those of the other,
 * taken at the same point in the same way, with no step in between, theirs included, that depends on
 * it. Whoever has the same past as one with a lower number does not go before it: an execution in
 * which it does is one with the two names exchanged, from the beginning on. So a step happens after
 * its twins of lower numbers, and this, like all else here, follows from the order of dependent
 * steps alone: a partial-order reduction sees a program in which actors wait for each other.
 *
 * Where pasts part, the steps at which they do are ordered by those that depend on them. So of all
 * orders of dependent steps that differ only in names exactly one is left, unless identical actors
 * have choices that nothing orders.
 *
 * @source C. N. Ip, D. L. Dill, Better Verification Through Symmetry, Formal Methods in System Design
 *         9, 1996; M. Kokologiannakis, I. Marmanis, V. Vafeiadis, SPORE: Combining Symmetry and
 *         Partial Order Reduction, PLDI 2024 (the two together, on execution graphs)
 */
import { assert } from '../../base/assert.ts';
import { grown, type Trace } from '../trace.ts';

export class Symmetry {
  readonly #trace: Trace;
  /** Of each actor, the number of its group, or -1. */
  readonly #groupOf: Int32Array;
  /** Whether there are groups. */
  readonly isUsed: boolean;
  /**
   * Of each state and actor, what is the same for actors with the same past: the number of the first
   * step that made it so, plus 1, or below 0 before the first one.
   */
  #pasts: Int32Array;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#groupOf = new Int32Array(trace.actors).fill(-1);
    this.isUsed = trace.identical.length > 0;
    this.#pasts = new Int32Array(this.isUsed ? 64 * trace.actors : 0);
    trace.identical.forEach((group, number) => {
      for (const actor of group) {
        assert(this.#groupOf[actor] === -1, 'an actor is identical to those of one group');
        this.#groupOf[actor] = number;
      }
    });
  }

  /** Works out the pasts of the state `at`, from those of the state before. */
  enter(at: number): void {
    if (!this.isUsed) return;
    const { actors, actor } = this.#trace;
    const row = at * actors;
    while (row + actors > this.#pasts.length) this.#pasts = grown(this.#pasts);
    const pasts = this.#pasts;
    if (at === 0) {
      for (let each = 0; each < actors; each++) pasts[each] = -1 - this.#groupOf[each]!;
      return;
    }
    pasts.copyWithin(row, row - actors, row);
    const moved = actor[at - 1]!;
    if (this.#groupOf[moved]! >= 0) pasts[row + moved] = this.#pastBehind(at - 1);
  }

  /** Whether `actor` is not to go on from the state `at` before one that is just like it. */
  isHeldBack(at: number, actor: number): boolean {
    if (!this.isUsed) return false;
    const group = this.#groupOf[actor]!;
    if (group < 0) return false;
    const row = at * this.#trace.actors;
    for (let other = 0; other < actor; other++) {
      if (this.#groupOf[other] !== group) continue;
      if (this.#pasts[row + other] === this.#pasts[row + actor]) return true;
    }
    return false;
  }

  /** The last twin of the step that `actor` takes, or would take, from the state `at`, or -1. */
  twinOf(actor: number, at: number): number {
    if (!this.isUsed) return -1;
    const { actors, actor: movers } = this.#trace;
    const group = this.#groupOf[actor]!;
    if (group < 0) return -1;
    const past = this.#pasts[at * actors + actor]!;
    for (let step = at - 1; step >= 0; step--) {
      const mover = movers[step]!;
      // Those with the same past have gone on in the order of their numbers.
      if (this.#groupOf[mover] === group && this.#pasts[step * actors + mover] === past)
        return step;
    }
    return -1;
  }

  /** The past of an actor behind its step `at`. */
  #pastBehind(at: number): number {
    const { actors, actor, choice, point } = this.#trace;
    const own = at + 1;
    const twin = this.twinOf(actor[at]!, at);
    if (twin < 0 || point[twin] !== point[at] || choice[twin] !== choice[at]) return own;
    for (let step = twin; step < at; step++) {
      if (this.#trace.areDependent(point[step]!, point[at]!)) return own;
    }
    return this.#pasts[(twin + 1) * actors + actor[twin]!]!;
  }
}
