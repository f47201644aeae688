/** Steps that are taken out of a trace, and with them all that happens after one of them. */
import type { Trace } from '../trace.ts';
import type { HappensBefore } from './happens_before.ts';

export class Removal {
  readonly #trace: Trace;
  readonly #order: HappensBefore;
  /** Of each step, 1 if it has gone. */
  #gone = new Uint8Array(64);
  /** The first step that was taken out. */
  from = 0;
  /** Those that were taken out for their own sake, in the order in which they were. */
  readonly steps: number[] = [];

  constructor(trace: Trace, order: HappensBefore) {
    this.#trace = trace;
    this.#order = order;
  }

  /** Takes out `first`, and nothing else yet. */
  begin(first: number): void {
    const { length } = this.#trace;
    if (length > this.#gone.length) this.#gone = new Uint8Array(2 * length);
    this.#gone.fill(0, 0, length);
    this.from = first;
    this.steps.length = 0;
    this.steps.push(first);
    this.#order.markAfter(first, this.#gone);
  }

  /** Takes out what another one has, and nothing else yet. */
  beginAs(other: Removal): void {
    this.#gone = other.#gone.slice();
    this.from = other.from;
  }

  add(step: number): void {
    if (step < this.from) this.from = step;
    this.steps.push(step);
    this.#order.markAfter(step, this.#gone);
  }

  has(step: number): boolean {
    return this.#gone[step] === 1;
  }

  /** What is left of the steps before `end`, from the first that was taken out on. */
  rest(end: number): number[] {
    const rest: number[] = [];
    for (let at = this.from; at < end; at++) if (this.#gone[at] === 0) rest.push(at);
    return rest;
  }
}
