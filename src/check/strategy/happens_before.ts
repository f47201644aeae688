/**
 * Which steps of a trace happen before which, by vector clocks, and the races among them.
 *
 * A step happens before another one if it is of the same actor, or depends on it, or is its twin of
 * an identical actor, or a chain of such pairs leads there. The clock of a step says, for each actor,
 * which of that actor's steps happened before it: the number of the last one, plus 1.
 *
 * @source C. Flanagan, P. Godefroid, Dynamic Partial-Order Reduction for Model Checking Software,
 *         POPL 2005, section 4
 */
import { ENDED, grown, type Trace } from '../trace.ts';
import type { Symmetry } from './symmetry.ts';

export class HappensBefore {
  readonly #trace: Trace;
  readonly #symmetry: Symmetry;
  #clocks: Int32Array;
  /** Of each actor, how many of its steps happen before each one of some. */
  readonly #common: Int32Array;

  constructor(trace: Trace, symmetry: Symmetry) {
    this.#common = new Int32Array(trace.actors);
    this.#trace = trace;
    this.#symmetry = symmetry;
    this.#clocks = new Int32Array(64 * trace.actors);
  }

  /** Whether step `one` happens before step `other`, which is later in the trace, or is it. */
  isBefore(one: number, other: number): boolean {
    const { actors, actor } = this.#trace;
    return this.#clocks[other * actors + actor[one]!]! > one;
  }

  /** Sets the marks of `step` and of all that happens after it. */
  markAfter(step: number, marks: Uint8Array): void {
    const { actors, actor, length } = this.#trace;
    const clocks = this.#clocks;
    const mine = actor[step]!;
    for (let at = step; at < length; at++) {
      if (clocks[at * actors + mine]! > step) marks[at] = 1;
    }
  }

  /** Looks at all steps of `[from, end)`, for `isBeforeAll()`. */
  compare(from: number, end: number): void {
    const { actors } = this.#trace;
    const common = this.#common.fill(end);
    for (let at = from * actors; at < end * actors; at += actors) {
      for (let each = 0; each < actors; each++) {
        if (this.#clocks[at + each]! < common[each]!) common[each] = this.#clocks[at + each]!;
      }
    }
  }

  /** Whether a step happens before each of those that were looked at last, or is it. */
  isBeforeAll(step: number): boolean {
    return this.#common[this.#trace.actor[step]!]! > step;
  }

  /**
   * Works out the clock of step `at`, whose predecessors have theirs, and adds its races to `races`.
   *
   * Steps race when they are of different actors, depend on each other, and the second one's actor
   * could have come as far without the first one. Only if nothing lies between them can their order
   * be turned around in one go; unless the second one may wait: then it could have gone before a
   * whole group of steps that first kept it waiting and then let it go on.
   */
  extend(at: number, races: number[]): void {
    const { actors, actor, point } = this.#trace;
    this.#reserve(at);
    const mine = actor[at]!;
    const number = point[at]!;
    const previous = this.lastOf(mine, at);
    const clocks = this.#clocks;
    const row = at * actors;
    if (previous < 0) clocks.fill(0, row, row + actors);
    else clocks.copyWithin(row, previous * actors, (previous + 1) * actors);
    const twin = this.#symmetry.twinOf(mine, at);
    if (twin >= 0) this.#join(twin, row);
    const canWait = this.#trace.canWait(number);
    for (let other = at - 1; other >= 0; other--) {
      const its = actor[other]!;
      if (its === mine) continue;
      const isKnown = clocks[row + its]! > other;
      if (isKnown && (!canWait || this.isFixed(other, previous, twin))) continue;
      if (!this.#trace.areDependent(point[other]!, number)) continue;
      races.push(other, at);
      if (isKnown) continue;
      this.#join(other, row);
    }
    clocks[row + mine] = at + 1;
  }

  /**
   * Whether step `other` comes before any step of an actor that has taken its step `previous`, and
   * whose twin has taken `twin`; either may be -1.
   */
  isFixed(other: number, previous: number, twin: number): boolean {
    if (other <= previous && this.isBefore(other, previous)) return true;
    return other <= twin && this.isBefore(other, twin);
  }

  /** Adds the races of a step that `waiting` could not take before the trace ended. */
  addWaiting(waiting: number, races: number[]): void {
    const { actors, actor, point, points, ways, length } = this.#trace;
    const number = points[length * actors + waiting]!;
    if (number === ENDED || ways[length * actors + waiting]! > 0) return;
    // It waits for one that is just like it, and waits as well.
    if (this.#symmetry.isHeldBack(length, waiting)) return;
    const previous = this.lastOf(waiting, length);
    const twin = this.#symmetry.twinOf(waiting, length);
    for (let other = length - 1; other >= 0; other--) {
      if (actor[other] === waiting) continue;
      if (this.isFixed(other, previous, twin)) continue;
      if (this.#trace.areDependent(point[other]!, number)) races.push(other, -1 - waiting);
    }
  }

  /** The last step of the actor `mine` before step `before`, or -1. */
  lastOf(mine: number, before: number): number {
    const { actor } = this.#trace;
    let at = before - 1;
    while (at >= 0 && actor[at] !== mine) at--;
    return at;
  }

  /** What happens before `step` happens before the step with this row, too. */
  #join(step: number, row: number): void {
    const { actors } = this.#trace;
    const clocks = this.#clocks;
    const from = step * actors;
    for (let each = 0; each < actors; each++) {
      if (clocks[from + each]! > clocks[row + each]!) clocks[row + each] = clocks[from + each]!;
    }
  }

  #reserve(at: number): void {
    while ((at + 1) * this.#trace.actors > this.#clocks.length) this.#clocks = grown(this.#clocks);
  }
}
