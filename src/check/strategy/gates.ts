/**
 * Steps that wait for what only few others change, a lock, say: whether they could go behind a
 * sequence follows from the steps at that gate in it, and nothing needs to be run to know.
 */
import type { Trace } from '../trace.ts';

export class Gates {
  readonly #trace: Trace;
  /** The steps at a gate: by whom, at which point. */
  readonly #actors: number[] = [];
  readonly #points: number[] = [];

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  /**
   * Whether `actor` could take its step at `point` behind the steps of the trace before `from`, then
   * `sequence`; `undefined` if only running them tells.
   */
  mayGoAfter(
    from: number,
    sequence: readonly number[],
    actor: number,
    point: number,
  ): boolean | undefined {
    const gate = this.#trace.gateOf(point);
    if (gate < 0) return undefined;
    this.#actors.length = 0;
    this.#points.length = 0;
    for (let step = 0; step < from; step++) this.#pass(step, gate);
    for (let at = 0; at < sequence.length; at++) this.#pass(sequence[at]!, gate);
    return this.#trace.mayGoAfter(actor, point, this.#actors, this.#points);
  }

  #pass(step: number, gate: number): void {
    const trace = this.#trace;
    const point = trace.point[step]!;
    if (trace.gateOf(point) !== gate) return;
    this.#actors.push(trace.actor[step]!);
    this.#points.push(trace.pointOf(point));
  }
}
