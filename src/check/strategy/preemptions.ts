/**
 * A limit on preemptions, for a search that runs one execution for each order of dependent steps.
 *
 * A preemption takes the turn from an actor that could go on. What counts is the least number of
 * them with which the steps can be taken in an order that differs only by independent steps. Of the
 * beginning of an execution that is a lower bound: who is not known to have a further step is free
 * to leave.
 *
 * Steps that are known to come, of actors that would be left behind, are taken to be part of the
 * beginning. Whether one that may wait could go is asked for (a probe): that is the same in every
 * order, since what it waits for depends on it. If steps that are not known yet may keep it waiting,
 * it is not taken to come.
 *
 * @source M. Musuvathi, S. Qadeer, Iterative Context Bounding for Systematic Testing of Multithreaded
 *         Programs, PLDI 2007 (what a preemption is); I. Marmanis, M. Kokologiannakis,
 *         V. Vafeiadis, Reconciling Preemption Bounding with DPOR, TACAS 2023 (beginnings)
 */
import { ENDED, type Trace } from '../trace.ts';
import type { Limit, Probe } from './strategy.ts';

export class Preemptions implements Limit {
  readonly #trace: Trace;
  readonly #probe: Probe;
  readonly #limit: number;
  /** The steps in question. */
  #steps: number[] = [];
  #isWhole = false;
  /** Whether what is pending comes in any case where it can. */
  #isSure = false;
  /** Steps that will come behind these, in whatever order. */
  #pending: readonly number[] = [];
  /** Of each actor, its steps. */
  readonly #lines: number[][] = [];
  /** Of each step of each actor, how many steps of each other actor come before. */
  readonly #needs: number[][][] = [];
  /** How many steps each actor has taken. */
  readonly #taken: number[] = [];
  /** The least number of preemptions with which a state was tried. */
  readonly #tried = new Map<string, number>();
  /** Steps that others wait for, or could. */
  readonly #endsWait = new Set<number>();
  readonly #waits = new Map<string, boolean>();

  constructor(trace: Trace, probe: Probe, limit: number) {
    this.#trace = trace;
    this.#probe = probe;
    this.#limit = limit;
  }

  allows(from: number, sequence: readonly number[]): boolean {
    const steps = Array.from({ length: from }, (_, at) => at).concat(sequence);
    return this.#isWithin(steps, this.#pendingAfter(from, sequence));
  }

  allowsTurn(at: number, actor: number, choice: number): boolean {
    const trace = this.#trace;
    const { actors, points } = trace;
    const row = at * actors;
    // The turn, and what the others stand before, as steps of the trace: those that were there have
    // been explored.
    trace.reserve(actors);
    trace.choice[at] = choice;
    let next = at;
    const lay = (each: number): number => {
      trace.actor[next] = each;
      trace.point[next] = points[row + each]!;
      return next++;
    };
    lay(actor);
    const pending: number[] = [];
    for (let other = 0; other < actors; other++) {
      const point = points[row + other]!;
      if (other !== actor && point !== ENDED) pending.push(lay(other));
    }
    const steps = Array.from({ length: at + 1 }, (_, step) => step);
    return this.#isWithin(steps, pending);
  }

  allowsBefore(length: number): boolean {
    const steps = Array.from({ length }, (_, at) => at);
    this.#isSure = true;
    const isWithin = this.#isWithin(steps, [length]);
    this.#isSure = false;
    return isWithin;
  }

  accepts(): boolean {
    const steps = Array.from({ length: this.#trace.length }, (_, at) => at);
    return this.#isWithin(steps, [], true);
  }

  /** The next step of each actor behind `sequence`, as far as it is known. */
  #pendingAfter(from: number, sequence: readonly number[]): number[] {
    const { actors, actor, length } = this.#trace;
    const pending: number[] = [];
    const isDone = new Set(sequence);
    // What the last step comes to is not known: nor is what its actor does then.
    const seen = new Set<number>([actor[sequence.at(-1)!]!]);
    for (let step = from; step < length && seen.size < actors; step++) {
      if (isDone.has(step) || seen.has(actor[step]!)) continue;
      seen.add(actor[step]!);
      pending.push(step);
    }
    return pending;
  }

  /**
   * Whether the limit is enough for `steps`, and `pending` behind them: numbers of steps of the trace.
   *
   * @param isWhole whether nothing comes behind
   */
  #isWithin(steps: number[], pending: readonly number[], isWhole = false): boolean {
    this.#steps = steps;
    this.#pending = pending;
    this.#isWhole = isWhole;
    this.#tried.clear();
    this.#waits.clear();
    this.#layOut();
    for (let actor = 0; actor < this.#trace.actors; actor++) this.#taken[actor] = 0;
    return this.#goOn(-1, 0);
  }

  #layOut(): void {
    const { actors, actor, point } = this.#trace;
    this.#endsWait.clear();
    for (let each = 0; each < actors; each++) {
      this.#lines[each] = [];
      this.#needs[each] = [];
    }
    const lay = (step: number, at: number): void => {
      const mine = actor[step]!;
      const needs = new Array<number>(actors).fill(0);
      for (let before = at - 1; before >= 0; before--) {
        const other = this.#steps[before]!;
        const its = actor[other]!;
        if (its === mine || !this.#trace.areDependent(point[other]!, point[step]!)) continue;
        if (this.#trace.canWait(point[step]!)) this.#endsWait.add(other);
        if (needs[its] === 0) needs[its] = this.#lines[its]!.indexOf(other) + 1;
      }
      this.#lines[mine]!.push(step);
      this.#needs[mine]!.push(needs);
    };
    this.#steps.forEach(lay);
    for (const step of this.#pending) {
      const isSure =
        !this.#trace.canWait(point[step]!) || this.#isSure || this.#goesStraightTo(step);
      if (isSure) lay(step, this.#steps.length);
    }
    if (this.#isWhole) this.#findEndsOfWaiting();
  }

  /**
   * Whether the actor of a step that may wait goes straight to it from a step on which it depends: then
   * steps that are not known yet cannot keep it waiting there, unless it has been left before.
   */
  #goesStraightTo(pending: number): boolean {
    const { actor, point } = this.#trace;
    const mine = actor[pending]!;
    const line = this.#lines[mine]!;
    const isRelated = (step: number): boolean =>
      this.#trace.areDependent(point[step]!, point[pending]!);
    const last = line.findLastIndex(isRelated);
    if (last < 0) return false;
    const needs = this.#needs[mine]!;
    const isKnown = (count: number, other: number): boolean =>
      count === 0 || needs.slice(0, last + 1).some((each) => each[other]! >= count);
    for (let at = last + 1; at < line.length; at++) {
      if (this.#trace.canWait(point[line[at]!]!) || !needs[at]!.every(isKnown)) return false;
    }
    return true;
  }

  /** What the steps that were not taken in a whole execution depend on. */
  #findEndsOfWaiting(): void {
    const { actors, actor, point, points, length } = this.#trace;
    for (let waiting = 0; waiting < actors; waiting++) {
      const number = points[length * actors + waiting]!;
      if (number === ENDED) continue;
      for (const step of this.#steps) {
        const isOther = actor[step] !== waiting;
        if (isOther && this.#trace.areDependent(point[step]!, number)) this.#endsWait.add(step);
      }
    }
  }

  /** Runs on from the actor that went last; whether all steps can be taken. */
  #goOn(last: number, spent: number): boolean {
    const before = this.#taken[last];
    if (before === undefined) return this.#change(last, spent);
    let isPossible = false;
    while (!isPossible && this.#isNext(last)) {
      // To stop before a step is never cheaper than to stop behind it, unless it ends a wait.
      const step = this.#lines[last]![this.#taken[last]!]!;
      if (this.#endsWait.has(step) && spent < this.#limit)
        isPossible = this.#change(last, spent + 1);
      this.#taken[last]!++;
    }
    if (!isPossible) {
      isPossible = this.#change(last, spent + (this.#isPreempted(last) ? 1 : 0));
    }
    this.#taken[last] = before;
    return isPossible;
  }

  /** Lets another actor than `last` go on; whether all steps can be taken. */
  #change(last: number, spent: number): boolean {
    const { actors } = this.#trace;
    if (this.#lines.every((line, actor) => line.length === this.#taken[actor])) return true;
    const key = `${last} ${this.#taken.join()}`;
    if (spent > this.#limit || (this.#tried.get(key) ?? Number.POSITIVE_INFINITY) <= spent) {
      return false;
    }
    this.#tried.set(key, spent);
    // Whoever can run to the end now may as well, unless others wait for that.
    for (let next = 0; next < actors; next++) {
      if (next !== last && this.#canFinish(next)) return this.#goOn(next, spent);
    }
    for (let next = 0; next < actors; next++) {
      if (next !== last && this.#isNext(next) && this.#goOn(next, spent)) return true;
    }
    return false;
  }

  /** Whether `actor` has steps left, can take them all in a row, and nobody waits for one. */
  #canFinish(actor: number): boolean {
    const { length, points, actors } = this.#trace;
    const line = this.#lines[actor]!;
    const first = this.#taken[actor]!;
    if (first === line.length) return false;
    if (this.#isWhole && points[length * actors + actor] !== ENDED) return false;
    for (let at = first; at < line.length; at++) {
      if (this.#endsWait.has(line[at]!)) return false;
      if (!this.#needs[actor]![at]!.every((count, other) => count <= this.#taken[other]!)) {
        return false;
      }
    }
    return true;
  }

  /** Whether all that comes before the next step of `actor` has been taken. */
  #isNext(actor: number): boolean {
    const needs = this.#needs[actor]![this.#taken[actor]!];
    return needs?.every((count, other) => count <= this.#taken[other]!) ?? false;
  }

  /** Whether `actor` could go on, but another one is to. */
  #isPreempted(actor: number): boolean {
    const { length, points, actors } = this.#trace;
    const step = this.#lines[actor]![this.#taken[actor]!];
    if (step !== undefined) {
      return !this.#trace.canWait(this.#trace.point[step]!) || !this.#isWaiting(actor);
    }
    const end = points[length * actors + actor]!;
    return this.#isWhole && end !== ENDED && !this.#isWaiting(actor);
  }

  #isWaiting(actor: number): boolean {
    const key = `${actor} ${this.#taken.join()}`;
    let isWaiting = this.#waits.get(key);
    if (isWaiting === undefined) {
      const taken = this.#steps.filter((step) => {
        const mine = this.#trace.actor[step]!;
        return this.#lines[mine]!.indexOf(step) < this.#taken[mine]!;
      });
      isWaiting = this.#probe.waysOf(0, taken, actor) === 0;
      this.#waits.set(key, isWaiting);
    }
    return isWaiting;
  }
}
