/**
 * Steps that are the same in several executions: of the same actor, which has come there in the same
 * way, after the same steps of others.
 *
 * Such a step has the same effect wherever it is taken. So what was once learnt about a step that may
 * wait, by running the steps before it, need not be learnt again: it depends on those of them alone
 * that its own depends on.
 */
import { grown, type Trace } from '../trace.ts';
import type { HappensBefore } from './happens_before.ts';

/** Numbers given out before all is forgotten: two of them fit into the mantissa of a double. */
const NUMBERS_MAX = 2 ** 22;
const BASE = 2 ** 26;

export class Events {
  readonly #trace: Trace;
  readonly #order: HappensBefore;
  /** Pairs of numbers as one number. */
  readonly #pairs = new Map<number, number>();
  readonly #told = new Map<number, number>();
  /** Of each step of the trace, up to the last one that was asked for, its number. */
  #numbers = new Int32Array(64);
  #numbered = 0;
  readonly #before: number[] = [];

  constructor(trace: Trace, order: HappensBefore) {
    this.#trace = trace;
    this.#order = order;
  }

  /** Steps from there on are others now. */
  forget(from: number): void {
    if (from < this.#numbered) this.#numbered = from;
    if (this.#pairs.size < NUMBERS_MAX) return;
    this.#pairs.clear();
    this.#told.clear();
    this.#numbered = 0;
  }

  /**
   * What decides how `actor` can go on at `point`, as a number.
   *
   * @param past     its last step
   * @param sequence the steps that are taken after those before `from`
   */
  situation(
    actor: number,
    past: number,
    point: number,
    from: number,
    sequence: readonly number[],
  ): number {
    let number = this.#standing(actor, past, point);
    for (let step = 0; step < from; step++) number = this.#with(number, step, past, point);
    for (let at = 0; at < sequence.length; at++) {
      number = this.#with(number, sequence[at]!, past, point);
    }
    return number;
  }

  /** What is remembered of a situation. */
  toldOf(situation: number): number | undefined {
    return this.#told.get(situation);
  }

  remember(situation: number, told: number): void {
    this.#told.set(situation, told);
  }

  #with(number: number, step: number, past: number, point: number): number {
    const trace = this.#trace;
    if (!trace.areDependent(trace.point[step]!, point)) return number;
    if (past >= step && this.#order.isBefore(step, past)) return number;
    return this.#pair(number, this.#numberOf(step));
  }

  #numberOf(step: number): number {
    while (this.#numbered <= step) {
      if (this.#numbered >= this.#numbers.length) this.#numbers = grown(this.#numbers);
      this.#numbers[this.#numbered] = this.#work(this.#numbered);
      this.#numbered++;
    }
    return this.#numbers[step]!;
  }

  /** The number of step `at`, when those before have theirs. */
  #work(at: number): number {
    const { actor, choice, point } = this.#trace;
    const mine = actor[at]!;
    const past = this.#order.lastOf(mine, at);
    const before = this.#before;
    before.length = 0;
    for (let other = at - 1; other >= 0; other--) {
      if (actor[other] === mine || !this.#trace.areDependent(point[other]!, point[at]!)) continue;
      if (past < other || !this.#order.isBefore(other, past)) before.push(this.#numbers[other]!);
    }
    // Those that are independent of each other may have been taken in any order.
    before.sort(ascending);
    let number = this.#pair(this.#standing(mine, past, point[at]!), choice[at]!);
    for (let each = 0; each < before.length; each++) number = this.#pair(number, before[each]!);
    return number;
  }

  /** An actor that has come to a point. */
  #standing(actor: number, past: number, point: number): number {
    const since = past < 0 ? this.#pair(0, actor) : this.#pair(1, this.#numberOf(past));
    return this.#pair(since, point);
  }

  #pair(one: number, other: number): number {
    const key = one * BASE + other;
    const known = this.#pairs.get(key);
    if (known !== undefined) return known;
    // 0 and 1 tell those without a past from others.
    const number = this.#pairs.size + 2;
    this.#pairs.set(key, number);
    return number;
  }
}

const ascending = (one: number, other: number): number => one - other;
