/**
 * Whether a limit keeps actors from meeting a turn: from a step that depends on it, before it.
 *
 * Each of them is let go on alone, until it ends, waits, meets the turn, or would have come farther
 * than the limit allows. If none meets it, and what they do is independent, they do together what
 * each does alone, which costs no less.
 */
import { ENDED, type Trace } from '../trace.ts';
import type { Limit, Probe } from './strategy.ts';

/** Who goes on longer alone is not looked at. */
const STEPS_MAX = 1000;

export class Lookahead {
  readonly #trace: Trace;
  readonly #probe: Probe;
  readonly #limit: Limit;
  /** Of the actor that goes on: the points of its steps. */
  readonly #points: number[] = [];

  constructor(trace: Trace, probe: Probe, limit: Limit) {
    this.#trace = trace;
    this.#probe = probe;
    this.#limit = limit;
  }

  /**
   * Whether none of a group can meet a turn of the first of them behind the steps before `length`, if
   * nobody else gets in their way. Steps of the trace from there on are given up for that.
   *
   * @param turn the point of the turn
   */
  isNeverMet(length: number, turn: number, [actor, ...others]: readonly number[]): boolean {
    const ways: number[][] = [];
    for (const other of others) {
      const its = this.#goAlone(length, other, actor!, turn);
      if (its === undefined) return false;
      for (const point of its) {
        for (const way of ways) {
          if (way.some((each) => this.#trace.areDependent(each, point))) return false;
        }
      }
      ways.push(its);
    }
    return true;
  }

  /** Whether `actor` ends behind its turn in the state `at`. */
  isLast(at: number, actor: number): boolean {
    let steps = 0;
    let end = 0;
    this.#probe.goAlone(at, actor, (point, ways) => {
      end = point;
      return ways === 1 && steps++ === 0;
    });
    return steps > 0 && end === ENDED;
  }

  /**
   * The points of what `other` can do alone within the limit before it meets a turn of `actor`, with
   * the one that it waits at then.
   *
   * @returns nothing if it meets it, or if what it does is not certain
   */
  #goAlone(length: number, other: number, actor: number, turn: number): number[] | undefined {
    const trace = this.#trace;
    const points = this.#points;
    points.length = 0;
    let last = ENDED;
    let ways = 0;
    this.#probe.goAlone(length, other, (point, count) => {
      [last, ways] = [point, count];
      const goesOn = ways === 1 && !trace.areDependent(point, turn) && points.length < STEPS_MAX;
      if (goesOn) points.push(point);
      return goesOn;
    });
    const meets = last !== ENDED && ways > 0;
    if (meets) points.push(last);
    const allowed = this.#countAllowed(length, other, actor, turn);
    if (allowed < points.length) return points.slice(0, allowed);
    if (meets) return undefined;
    return last === ENDED ? points.slice() : [...points, last];
  }

  /** How many steps of those that `other` takes alone the limit allows. */
  #countAllowed(length: number, other: number, actor: number, turn: number): number {
    const trace = this.#trace;
    const points = this.#points;
    const isAllowed = (count: number): boolean => {
      trace.reserve(length + count + 1 - trace.length);
      for (let at = 0; at < count; at++) {
        trace.actor[length + at] = other;
        trace.choice[length + at] = 0;
        trace.point[length + at] = points[at]!;
      }
      trace.actor[length + count] = actor;
      trace.choice[length + count] = 0;
      trace.point[length + count] = turn;
      return this.#limit.allowsBefore(length + count);
    };
    let [low, high] = [0, points.length];
    if (isAllowed(high)) return high;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (isAllowed(middle)) low = middle;
      else high = middle;
    }
    return low;
  }
}
