/**
 * Who was seen to be able to go instead of a turn: to stand at what depends on it before it is taken.
 *
 * A turn is known by its actor, the number of its step and its point. Whoever relied on it that nobody
 * comes to meet a turn is told when somebody was seen to, and has to begin anew.
 */
import type { SavedMeeting } from '../checkpoint.ts';
import type { Keeper } from '../scenario.ts';
import { ENDED, grown, type Trace } from '../trace.ts';
import type { HappensBefore } from './happens_before.ts';

const NEVER = -1;
/** Behind every step. */
const ALWAYS = 2 ** 31 - 1;
/** Steps of an actor: what is numbered by them stays below 2^53. */
const STEPS = 2 ** 20;

/** Of a turn. */
interface Meeting {
  /** Of each actor: the last of its steps at which it was seen to meet the turn. */
  readonly seen: Int32Array;
  /** The first of its steps from which it was taken not to. */
  readonly relied: Int32Array;
}

export class Meetings {
  readonly #trace: Trace;
  readonly #order: HappensBefore;
  readonly #meetings = new Map<number, Meeting>();
  /** Of each step: how many its actor has taken before it. */
  #numbers = new Int32Array(64);
  #isStale = false;

  constructor(trace: Trace, order: HappensBefore) {
    this.#trace = trace;
    this.#order = order;
  }

  /** Whether a turn was met that nobody was taken to meet. */
  get isStale(): boolean {
    return this.#isStale;
  }

  /** Nothing is relied on any more; what was seen stays. */
  startAnew(): void {
    this.#isStale = false;
    for (const { relied } of this.#meetings.values()) relied.fill(ALWAYS);
  }

  /** An execution has come to its end; the steps before `firstNew` are those of the one before. */
  finish(firstNew: number): void {
    const { actors, actor, point, points, length } = this.#trace;
    while (length + actors >= this.#numbers.length) this.#numbers = grown(this.#numbers);
    const taken = new Int32Array(actors);
    for (let step = 0; step < length; step++) this.#numbers[step] = taken[actor[step]!]!++;
    for (let step = firstNew; step < length; step++) {
      this.#look(step, actor[step]!, point[step]!, this.#numbers[step]!);
    }
    for (let each = 0; each < actors; each++) {
      const last = points[length * actors + each]!;
      if (last !== ENDED) this.#look(length, each, last, taken[each]!);
    }
  }

  /**
   * Whether nobody was seen to meet the turn of `actor` behind the state `at`; takes it that nobody
   * does, then.
   *
   * @param taken of each actor, how many steps it has taken there
   */
  isUnmet(at: number, actor: number, taken: Readonly<Int32Array>): boolean {
    const { actors, points, identical } = this.#trace;
    // Any of those that are identical may stand for the others.
    if (identical.length > 0) return false;
    const row = at * actors;
    const { seen, relied } = this.#of(actor, taken[actor]!, points[row + actor]!);
    for (let other = 0; other < actors; other++) {
      if (seen[other]! >= taken[other]!) return false;
    }
    for (let other = 0; other < actors; other++) {
      if (points[row + other] === ENDED) continue;
      relied[other] = Math.min(relied[other]!, taken[other]!);
    }
    return true;
  }

  save(): SavedMeeting[] {
    const { actors } = this.#trace;
    return Array.from(this.#meetings, ([key, { seen, relied }]) => {
      const turn = Math.floor(key / actors);
      return {
        actor: key % actors,
        step: turn % STEPS,
        point: this.#trace.pointOf(Math.floor(turn / STEPS)),
        seen: [...seen],
        relied: [...relied],
      };
    });
  }

  restore(saved: readonly SavedMeeting[]): void {
    for (const { actor, step, point, seen, relied } of saved) {
      const meeting = this.#of(actor, step, this.#trace.numberOf(point));
      meeting.seen.set(seen);
      meeting.relied.set(relied);
      if (seen.some((last, other) => last >= relied[other]!)) this.#isStale = true;
    }
  }

  /** Finds the turns that `actor` could meet where it stands before `step`, and whom it meets. */
  #look(step: number, actor: number, point: number, number: number): void {
    const { actor: movers, point: pointsOf } = this.#trace;
    const previous = this.#order.lastOf(actor, step);
    for (let other = step - 1; other >= 0; other--) {
      const its = movers[other]!;
      if (its === actor || !this.#trace.areDependent(pointsOf[other]!, point)) continue;
      if (this.#order.isFixed(other, previous, -1)) continue;
      if (!this.#isClosed(other, actor, point)) {
        this.#meet(its, this.#numbers[other]!, pointsOf[other]!, actor, number);
      }
      this.#meet(actor, number, point, its, this.#numbers[other]!);
    }
  }

  /** Whether what `actor` does at `point` waits for what step `other` ends. */
  #isClosed(other: number, actor: number, point: number): boolean {
    const trace = this.#trace;
    const gate = trace.gateOf(point);
    if (gate < 0 || !trace.canWait(point) || trace.gateOf(trace.point[other]!) !== gate) {
      return false;
    }
    const its = trace.actor[other]!;
    const points: number[] = [];
    for (let step = 0; step < other; step++) {
      if (trace.actor[step] !== its || trace.gateOf(trace.point[step]!) !== gate) continue;
      points.push(trace.pointOf(trace.point[step]!));
    }
    const keeper = (): Keeper =>
      trace.keeperAfter(actor, point, new Array<number>(points.length).fill(its), points);
    const before = keeper();
    if (before === 'nobody' || before === undefined) return false;
    points.push(trace.pointOf(trace.point[other]!));
    return keeper() === 'nobody';
  }

  #meet(actor: number, step: number, point: number, other: number, number: number): void {
    const { seen, relied } = this.#of(actor, step, point);
    if (seen[other]! >= number) return;
    seen[other] = number;
    if (number >= relied[other]!) this.#isStale = true;
  }

  #of(actor: number, step: number, point: number): Meeting {
    const { actors } = this.#trace;
    const key = (point * STEPS + step) * actors + actor;
    let meeting = this.#meetings.get(key);
    if (meeting === undefined) {
      meeting = {
        seen: new Int32Array(actors).fill(NEVER),
        relied: new Int32Array(actors).fill(ALWAYS),
      };
      this.#meetings.set(key, meeting);
    }
    return meeting;
  }
}
