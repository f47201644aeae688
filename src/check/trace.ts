/**
 * The execution that is being explored, as numbers: where every actor stands in every state, which
 * turn was taken there, and which points depend on each other.
 *
 * Rows are states: row `d` is the state after `d` steps, and step `d` is the one taken from it. What
 * two executions have in common stays in place, so that coming back to a state costs nothing here.
 */
import { assert } from '../base/assert.ts';
import type { Execution } from './execution.ts';
import { type Points, pointsOf } from './points.ts';
import type { Keeper, Scenario } from './scenario.ts';
import type { Turn } from './schedule.ts';
import { ACTORS_MAX, actorOf, choiceOf } from './strategy/strategy.ts';

/** What stands for the point of an actor that has ended. */
export const ENDED = -1;
const UNKNOWN = -2;

export class Trace<Point extends number = number> {
  readonly #scenario: Scenario<Point>;
  readonly #points: Points<Point>;
  readonly #isExact: boolean;
  readonly actors: number;
  /** Groups of actors that do the same. */
  readonly identical: readonly (readonly number[])[];
  /** Steps taken. */
  length = 0;
  /** Of each step: who takes it, which choice, at which point. */
  actor = new Int32Array(64);
  choice = new Int32Array(64);
  point = new Int32Array(64);
  /** Of each state and actor: its point, and in how many ways its step can go, 0 if it waits. */
  points: Int32Array;
  ways: Uint8Array;

  /** @param isExact whether points that can change are followed, or stand for all they may become */
  constructor(scenario: Scenario<Point>, actors: number, isExact = true) {
    assert(actors <= ACTORS_MAX, 'a scenario has at most 256 actors');
    this.#scenario = scenario;
    this.#isExact = isExact;
    this.#points = pointsOf(scenario);
    this.actors = actors;
    this.identical = scenario.identical ?? [];
    this.points = new Int32Array(64 * actors);
    this.ways = new Uint8Array(64 * actors);
  }

  /** Notes the state that `execution` is in; whether anybody may go on from it. */
  note(execution: Execution<Point>): boolean {
    const { length, actors } = this;
    if (length + 1 >= this.actor.length) this.#grow();
    const row = length * actors;
    const moved = length === 0 ? ENDED : this.actor[length - 1]!;
    let canGo = false;
    for (let actor = 0; actor < actors; actor++) {
      const isWhereItWas = length > 0 && actor !== moved;
      const before = isWhereItWas ? this.points[row - actors + actor]! : UNKNOWN;
      const point = this.#isFixed(before) ? before : this.pointIn(execution, actor);
      const ways = point === ENDED ? 0 : this.#waysOf(execution, actor, point);
      this.points[row + actor] = point;
      this.ways[row + actor] = ways;
      if (ways > 0) canGo = true;
    }
    return canGo;
  }

  /** Tells an execution that has retaken the steps before `at` where its actors stand. */
  stand(execution: Execution<Point>, at: number): void {
    const row = at * this.actors;
    for (let actor = 0; actor < this.actors; actor++) {
      const point = this.points[row + actor]!;
      execution.standAt(actor, point === ENDED ? undefined : this.pointOf(point));
    }
  }

  /** Most steps need not be asked for. */
  #waysOf(execution: Execution<Point>, actor: number, point: number): number {
    const isSure = !this.#points.canWait(point) && !this.#points.canChoose(point);
    return isSure ? 1 : execution.waysOf(actor);
  }

  /** Notes a state in which all stand where they stood, as far as anybody asks. */
  stay(): void {
    const { length, actors } = this;
    if (length + 1 >= this.actor.length) this.#grow();
    const row = length * actors;
    if (length === 0) return;
    this.points.copyWithin(row, row - actors, row);
    this.ways.copyWithin(row, row - actors, row);
  }

  /** Notes of the last state where `actor` stands, and in how many ways its step can go. */
  tell(actor: number, point: number, ways: number): void {
    const at = this.length * this.actors + actor;
    this.points[at] = point;
    this.ways[at] = ways;
  }

  /** Adds the step that is to be taken from the last state. */
  push(actor: number, choice: number): void {
    const { length } = this;
    this.actor[length] = actor;
    this.choice[length] = choice;
    this.point[length] = this.points[length * this.actors + actor]!;
    this.length++;
  }

  /** How many of the first steps of `turns` are those of the trace before `end`. */
  countSame(turns: readonly Turn[], end: number): number {
    let at = 0;
    while (at < Math.min(turns.length, end)) {
      if (turns[at]!.actor !== this.actor[at] || turns[at]!.choice !== this.choice[at]) break;
      at++;
    }
    return at;
  }

  /** Makes room for `count` steps behind the last one. */
  reserve(count: number): void {
    while (this.length + count >= this.actor.length) this.#grow();
  }

  /** The point with a number. */
  pointOf(number: number): Point {
    return this.#points.pointOf(number);
  }

  /** Goes back to the state `at`, to take `turn` from it. */
  retake(at: number, turn: number): void {
    this.length = at;
    this.push(actorOf(turn), choiceOf(turn));
  }

  areDependent(one: number, other: number): boolean {
    return this.#points.areDependent(one, other);
  }

  canWait(point: number): boolean {
    return this.#points.canWait(point);
  }

  canChoose(point: number): boolean {
    return this.#points.canChoose(point);
  }

  canChange(point: number): boolean {
    return this.#isExact && this.#points.canChange(point);
  }

  gateOf(point: number): number {
    return this.#points.gateOf(point);
  }

  /** What keeps `actor` from going on at `point` behind steps of its gate, if they tell. */
  keeperAfter(
    actor: number,
    point: number,
    actors: readonly number[],
    points: readonly Point[],
  ): Keeper {
    return this.#scenario.keeperAfter?.(actor, this.pointOf(point), actors, points);
  }

  /** The point at which `actor` would take its step in the state that `execution` is in. */
  pointIn(execution: Execution<Point>, actor: number): number {
    const point = this.#isExact ? execution.pointNow(actor) : execution.pointOf(actor);
    return point === undefined ? ENDED : this.numberOf(point);
  }

  /** Whether an actor that was at a point and has not moved still is at it. */
  #isFixed(point: number): boolean {
    return point === ENDED || (point !== UNKNOWN && !this.canChange(point));
  }

  /** The number of a point. */
  numberOf(point: Point): number {
    return this.#points.numberOf(point);
  }

  #grow(): void {
    this.actor = grown(this.actor);
    this.choice = grown(this.choice);
    this.point = grown(this.point);
    this.points = grown(this.points);
    const ways = new Uint8Array(this.ways.length * 2);
    ways.set(this.ways);
    this.ways = ways;
  }
}

/** A copy of `array` of twice its length. */
export function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const copy = new Int32Array(array.length * 2);
  copy.set(array);
  return copy;
}
