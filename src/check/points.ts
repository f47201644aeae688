/**
 * The points of a scenario as small numbers, with what is known about each and about pairs of them.
 *
 * All searches of a scenario share one table: what two points have to do with each other is the same
 * whichever execution stops there.
 */
import type { Scenario } from './scenario.ts';

/** Points up to which their dependence is remembered: a square of that many bytes. */
const REMEMBERED_MAX = 4096;
const UNKNOWN = 0;
const INDEPENDENT = 1;
const DEPENDENT = 2;

export class Points<Point extends number = number> {
  readonly #scenario: Scenario<Point>;
  /** In the order in which they are met. */
  readonly #numbers = new Map<Point, number>();
  readonly #points: Point[] = [];
  readonly #canWait: boolean[] = [];
  readonly #canChoose: boolean[] = [];
  readonly #canChange: boolean[] = [];
  readonly #gates: number[] = [];
  /** A square matrix of what is known about pairs of points. */
  #known = new Uint8Array(64 * 64);
  #side = 64;

  constructor(scenario: Scenario<Point>) {
    this.#scenario = scenario;
  }

  numberOf(point: Point): number {
    const known = this.#numbers.get(point);
    if (known !== undefined) return known;
    const number = this.#points.push(point) - 1;
    this.#numbers.set(point, number);
    const canChange = this.#scenario.canChange?.(point) ?? false;
    this.#canChoose.push(!canChange && (this.#scenario.canChoose?.(point) ?? true));
    this.#canChange.push(canChange);
    this.#canWait.push(!canChange && (this.#scenario.canWait?.(point) ?? true));
    this.#gates.push(this.#scenario.gateOf?.(point) ?? -1);
    if (number >= this.#side && this.#side < REMEMBERED_MAX) {
      this.#side *= 2;
      this.#known = new Uint8Array(this.#side * this.#side);
    }
    return number;
  }

  /** The point with a number. */
  pointOf(number: number): Point {
    return this.#points[number]!;
  }

  canWait(point: number): boolean {
    return this.#canWait[point]!;
  }

  canChoose(point: number): boolean {
    return this.#canChoose[point]!;
  }

  canChange(point: number): boolean {
    return this.#canChange[point]!;
  }

  /** The number of what a step there waits for or changes, or below 0. */
  gateOf(point: number): number {
    return this.#gates[point]!;
  }

  areDependent(one: number, other: number): boolean {
    if (one >= this.#side || other >= this.#side) return this.#compare(one, other) === DEPENDENT;
    const at = one * this.#side + other;
    let known = this.#known[at]!;
    if (known === UNKNOWN) {
      known = this.#compare(one, other);
      this.#known[at] = known;
    }
    return known === DEPENDENT;
  }

  #compare(one: number, other: number): number {
    const isOrdered = this.#scenario.areDependent(this.#points[one]!, this.#points[other]!);
    return isOrdered ? DEPENDENT : INDEPENDENT;
  }
}

const tables = new WeakMap<object, Points>();

/** The table of a scenario. */
export function pointsOf<Point extends number>(scenario: Scenario<Point>): Points<Point> {
  const known = tables.get(scenario);
  if (known !== undefined) return known as unknown as Points<Point>;
  const points = new Points(scenario);
  tables.set(scenario, points as unknown as Points);
  return points;
}
