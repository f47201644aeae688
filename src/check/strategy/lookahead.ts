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

/** What an actor can do alone, within the limit. */
interface Way {
  readonly actor: number;
  /** Of its steps. */
  readonly points: readonly number[];
  /** Where it waits then, or `ENDED`: it does not. */
  readonly waitsAt: number;
}

export class Lookahead {
  readonly #trace: Trace;
  readonly #probe: Probe;
  readonly #limit: Limit;

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
    const ways: Way[] = [];
    for (const other of others) {
      const way = this.#goAlone(length, other, actor!, turn);
      if (way === undefined || ways.some((each) => this.#areInTheWay(each, way))) return false;
      ways.push(way);
    }
    return ways.every((way) => this.#waitsOn(length, way, ways));
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
   * What `other` can do before it meets a turn of `actor`.
   *
   * @returns nothing if it meets it, or if what it does is not certain
   */
  #goAlone(length: number, other: number, actor: number, turn: number): Way | undefined {
    const trace = this.#trace;
    const points: number[] = [];
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
    const allowed = this.#countAllowed(length, { actor: other, points }, actor, turn);
    const isCut = allowed < points.length;
    if (meets && !isCut) return undefined;
    return { actor: other, points: points.slice(0, allowed), waitsAt: isCut ? ENDED : last };
  }

  /** How many steps of a way the limit allows before the turn. */
  #countAllowed(
    length: number,
    way: Pick<Way, 'actor' | 'points'>,
    actor: number,
    turn: number,
  ): number {
    const isAllowed = (count: number): boolean => {
      this.#lay(length, way, count);
      const { actor: actors, choice, point } = this.#trace;
      actors[length + count] = actor;
      choice[length + count] = 0;
      point[length + count] = turn;
      return this.#limit.allowsBefore(length + count);
    };
    let [low, high] = [0, way.points.length];
    if (isAllowed(high)) return high;
    while (low + 1 < high) {
      const middle = (low + high) >> 1;
      if (isAllowed(middle)) low = middle;
      else high = middle;
    }
    return low;
  }

  #areInTheWay(one: Way, other: Way): boolean {
    return one.points.some((point) =>
      other.points.some((each) => this.#trace.areDependent(point, each)),
    );
  }

  /** Whether who waits at the end of its way waits whatever the others do. */
  #waitsOn(length: number, { actor, waitsAt }: Way, ways: readonly Way[]): boolean {
    if (waitsAt === ENDED) return true;
    const touches = (point: number): boolean => this.#trace.areDependent(point, waitsAt);
    const others = ways.filter((way) => way.actor !== actor && way.points.some(touches));
    const [way] = others;
    if (way === undefined) return true;
    if (others.length > 1) return false;
    this.#lay(length, way, way.points.length);
    return way.points.every((point, at) => {
      if (!touches(point)) return true;
      const steps = Array.from({ length: at + 1 }, (_, step) => length + step);
      return this.#probe.waysOf(length, steps, actor) === 0;
    });
  }

  /** Makes the first `count` steps of a way steps of the trace, with room for one more. */
  #lay(length: number, { actor, points }: Pick<Way, 'actor' | 'points'>, count: number): void {
    const trace = this.#trace;
    trace.reserve(length + count + 1 - trace.length);
    for (let at = 0; at < count; at++) {
      trace.actor[length + at] = actor;
      trace.choice[length + at] = 0;
      trace.point[length + at] = points[at]!;
    }
  }
}
