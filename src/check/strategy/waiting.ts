/**
 * A step that may wait: in how many ways it could go if some of the steps before it were not taken.
 *
 * It may follow from a state that was seen, or from the steps at its gate. Otherwise the steps are
 * run to ask (a probe), and what was told is remembered.
 */
import type { Trace } from '../trace.ts';
import { Events } from './events.ts';
import type { HappensBefore } from './happens_before.ts';
import { Removal } from './removal.ts';
import type { Probe } from './strategy.ts';

export class Waiting {
  readonly #trace: Trace;
  readonly #probe: Probe;
  /** What probes have told. */
  readonly #events: Events;
  /** Who may wait, where it stands, its last step, and when it would have gone. */
  #actor = 0;
  #point = 0;
  #past = -1;
  #end = 0;
  /** Whether that could not be told without running steps, for some of what was asked. */
  hasProbed = false;
  /** The steps before that it races with: all that may keep it waiting. */
  keepers: readonly number[] = [];
  /** The steps before that are taken at its gate. */
  readonly #atGate: number[] = [];
  /** Some of them: by whom, at which point. */
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

  waysWithout(removed: Removal): number {
    const mayGo = this.#trace.gateOf(this.#point) >= 0 ? this.#askGate(removed) : undefined;
    if (mayGo !== undefined) return mayGo ? 1 : 0;
    return this.#waysAfter(removed.from, removed.rest(this.#end));
  }

  /** Whether steps of `other` may keep the actor waiting without those of the rest. */
  isKeptBy(other: number, removed: Removal): boolean {
    const trace = this.#trace;
    const mayGo = trace.gateOf(this.#point) >= 0 ? this.#askGate(removed, other) : undefined;
    if (mayGo !== undefined) return !mayGo;
    const alone = this.#alone;
    alone.beginAs(removed);
    for (const step of this.keepers) {
      if (trace.actor[step] !== other && !alone.has(step)) alone.add(step);
    }
    return this.#waysAfter(alone.from, alone.rest(this.#end)) === 0;
  }

  /** @param only whose steps count, if not those of all */
  #askGate(removed: Removal, only?: number): boolean | undefined {
    const trace = this.#trace;
    const [actors, points] = [this.#actors, this.#points];
    let left = 0;
    for (let at = 0; at < this.#atGate.length; at++) {
      const step = this.#atGate[at]!;
      if (removed.has(step) || (only !== undefined && trace.actor[step] !== only)) continue;
      actors[left] = trace.actor[step]!;
      points[left] = trace.pointOf(trace.point[step]!);
      left++;
    }
    // Setting a length is slow, and to none gives the memory back.
    if (actors.length !== left) actors.length = left;
    if (points.length !== left) points.length = left;
    return trace.mayGoAfter(this.#actor, this.#point, actors, points);
  }

  /** Behind the steps of the trace before `from`, then `sequence`. */
  #waysAfter(from: number, sequence: readonly number[]): number {
    const trace = this.#trace;
    const [actor, past, point] = [this.#actor, this.#past, this.#point];
    let isSeen = past < from;
    for (let at = 0; isSeen && at < sequence.length; at++) {
      isSeen = !trace.areDependent(trace.point[sequence[at]!]!, point);
    }
    if (isSeen) return trace.ways[from * trace.actors + actor]!;
    this.hasProbed = true;
    const situation = this.#events.situation(actor, past, point, from, sequence);
    let ways = this.#events.waysIn(situation);
    if (ways === undefined) {
      ways = this.#probe.waysOf(from, sequence, actor);
      this.#events.remember(situation, ways);
    }
    return ways;
  }
}
