/** The calls of a session, told to a trace. */
import type * as engine from '../mm/index.ts';
import { Subject, type TraceWriter } from '../trace/index.ts';
import type { CallSpec } from './calls/spec.ts';
import type { Value } from './language/evaluate.ts';
import type { Outcome } from './outcome.ts';

/** Who runs on a CPU: processes are 0, and handlers have no process. */
export const TracedActor = { PROCESS: 0, INTERRUPT: 1, CALLBACKS: 2 } as const;

export class CallTrace {
  readonly #trace: TraceWriter;
  readonly #operations = new Map<string, number>();

  constructor(trace: TraceWriter) {
    this.#trace = trace;
    trace.name(Subject.actor, TracedActor.PROCESS, 'processes');
    trace.name(Subject.actor, TracedActor.INTERRUPT, 'interrupt');
    trace.name(Subject.actor, TracedActor.CALLBACKS, 'RCU callbacks');
  }

  /** Strings, which are names of files, are left out. */
  begin(task: engine.Task, spec: CallSpec, values: readonly Value[]): void {
    this.#trace.time++;
    this.#trace.cpu = task.cpu;
    const numbers = values.flatMap((value) => (typeof value === 'string' ? [] : [asSafe(value)]));
    this.#trace.operationBegin(task.mm.id, this.#operationOf(spec), ...numbers);
  }

  end(spec: CallSpec, outcome: Outcome): void {
    this.#trace.time++;
    this.#trace.operationEnd(this.#operationOf(spec), resultOf(outcome));
  }

  #operationOf({ name, parameters }: CallSpec): number {
    const known = this.#operations.get(name);
    if (known !== undefined) return known;
    const names = parameters.filter(({ isString }) => isString !== true).map((one) => one.name);
    const operation = this.#trace.operation(name, ...names);
    this.#operations.set(name, operation);
    return operation;
  }
}

/** A negative errno for a call that failed. */
function resultOf(outcome: Outcome): number {
  if (outcome.kind === 'returned') return asSafe(outcome.value);
  if (outcome.kind === 'failed') return -outcome.errno;
  return outcome.kind === 'signalled' || outcome.kind === 'waiting' ? -1 : 0;
}

/** The nearest integer that a trace can hold. */
function asSafe(value: bigint): number {
  const { MAX_SAFE_INTEGER } = Number;
  return Math.max(-MAX_SAFE_INTEGER, Math.min(MAX_SAFE_INTEGER, Number(value)));
}
