/**
 * A step for which it depends on the state whether it can go, in how many ways, or what it touches: how
 * that would be if some of the steps before it were not taken.
 *
 * It may follow from a state that was seen, or from the steps at its gate. Otherwise the steps are
 * run to ask (a probe), and what was told is remembered.
 */
import type { Keeper } from '../scenario.ts';
import type { Trace } from '../trace.ts';
import { Events } from './events.ts';
import type { HappensBefore } from './happens_before.ts';
import { Removal } from './removal.ts';
import type { Probe } from './strategy.ts';

type Ask = (length: number, more: readonly number[], actor: number) => number;

export class Waiting {
  readonly #trace: Trace;
  readonly #probe: Probe;
  /** What probes have told. */
  readonly #events: Events;
  /** Whose step it is, where it stands, its last step, and when it would have gone. */
  #actor = 0;
  #point = 0;
  #past = -1;
  #end = 0;
  /** The steps before that it races with: all that may keep it waiting. */
  keepers: readonly number[] = [];
  /** The steps before that are taken at its gate. */
  readonly #atGate: number[] = [];
  /** Those of them that are left: which, by whom, at which point. */
  readonly #left: number[] = [];
  readonly #actors: number[] = [];
  readonly #points: number[] = [];
  readonly #order: HappensBefore;
  readonly #alone: Removal;

  constructor(trace: Trace, order: HappensBefore, probe: Probe) {
    this.#trace = trace;
    this.#order = order;
    this.#alone = new Removal(trace, order);
    this.#probe = probe;
    this.#events = new Events(trace, order);
  }

  /** Steps from there on are others now. */
  forget(from: number): void {
    this.#events.forget(from);
  }

  /**
   * From now on it is about the step of `actor` at `point`, behind steps before `end`.
   *
   * @param keepers all that race with it, in their order
   */
  begin(actor: number, point: number, end: number, keepers: readonly number[]): void {
    const trace = this.#trace;
    this.#actor = actor;
    this.#point = point;
    this.#past = this.#order.lastOf(actor, end);
    this.#end = end;
    this.keepers = keepers;
    this.#atGate.length = 0;
    const gate = trace.gateOf(point);
    for (let step = 0; gate >= 0 && step < end; step++) {
      if (trace.gateOf(trace.point[step]!) === gate) this.#atGate.push(step);
    }
  }

  /**
   * Takes out what keeps the actor waiting, one step after another, if its gate tells. Each has to go
   * whatever else does, so what is left is the most behind which the actor may go.
   *
   * @returns in how many ways it could go then, 0 if in none, `undefined` if that is not told
   */
  makeWay(removed: Removal): number | undefined {
    if (this.#trace.gateOf(this.#point) < 0) return undefined;
    for (;;) {
      const keeper = this.#keeperAtGate(removed);
      if (keeper === undefined) return undefined;
      if (keeper === 'nobody') return 1;
      // Its own past has to stay.
      if (keeper === 'missing' || !this.keepers.includes(keeper)) return 0;
      removed.add(keeper);
    }
  }

  /** In how many ways the actor could go, 0 if it would wait. */
  waysWithout(removed: Removal): number {
    return this.#waysAfter(removed.from, removed.rest(this.#end));
  }

  /** Whether steps of `other` may keep the actor waiting without those of the rest. */
  isKeptBy(other: number, removed: Removal): boolean {
    const { actor } = this.#trace;
    const alone = this.#alone;
    alone.beginAs(removed);
    for (const step of this.keepers) {
      // With a step goes all that happens after it: what `other` has let go of it would hold again.
      if (actor[step] !== other && !alone.has(step) && !this.#isBeforeStepOf(other, step)) {
        alone.add(step);
      }
    }
    return this.waysWithout(alone) === 0;
  }

  /** Whether one of the keepers that are left is of `other` and happens after `step`. */
  #isBeforeStepOf(other: number, step: number): boolean {
    const { actor } = this.#trace;
    return this.keepers.some(
      (each) =>
        actor[each] === other &&
        each > step &&
        !this.#alone.has(each) &&
        this.#order.isBefore(step, each),
    );
  }

  /** As a step of the trace. */
  #keeperAtGate(removed: Removal): Keeper {
    const trace = this.#trace;
    const [left, actors, points] = [this.#left, this.#actors, this.#points];
    let count = 0;
    for (let at = 0; at < this.#atGate.length; at++) {
      const step = this.#atGate[at]!;
      if (removed.has(step)) continue;
      left[count] = step;
      actors[count] = trace.actor[step]!;
      points[count] = trace.pointOf(trace.point[step]!);
      count++;
    }
    // Setting a length is slow, and to none gives the memory back.
    if (actors.length !== count) actors.length = count;
    if (points.length !== count) points.length = count;
    const keeper = trace.keeperAfter(this.#actor, this.#point, actors, points);
    return typeof keeper === 'number' ? left[keeper] : keeper;
  }

  /** The point at which the actor would take its step. */
  pointWithout(removed: Removal): number {
    const { points, actors } = this.#trace;
    const { from } = removed;
    const sequence = removed.rest(this.#end);
    if (this.#isSeen(from, sequence)) return points[from * actors + this.#actor]!;
    return this.#learn(from, sequence, this.#probe.pointOf);
  }

  /** Behind the steps of the trace before `from`, then `sequence`. */
  #waysAfter(from: number, sequence: readonly number[]): number {
    const { ways, actors } = this.#trace;
    if (this.#isSeen(from, sequence)) return ways[from * actors + this.#actor]!;
    return this.#learn(from, sequence, this.#probe.waysOf);
  }

  /** Whether it is for the actor behind `sequence` as it was seen to be in the state `from`. */
  #isSeen(from: number, sequence: readonly number[]): boolean {
    const trace = this.#trace;
    if (this.#past >= from) return false;
    const point = trace.points[from * trace.actors + this.#actor]!;
    for (let at = 0; at < sequence.length; at++) {
      if (trace.areDependent(trace.point[sequence[at]!]!, point)) return false;
    }
    return true;
  }

  /** What is remembered, or else asked for, behind the steps before `from`, then `sequence`. */
  #learn(from: number, sequence: readonly number[], ask: Ask): number {
    const [actor, past, point] = [this.#actor, this.#past, this.#point];
    const situation = this.#events.situation(actor, past, point, from, sequence);
    let told = this.#events.toldOf(situation);
    if (told === undefined) {
      told = ask(from, sequence, actor);
      this.#events.remember(situation, told);
    }
    return told;
  }
}
