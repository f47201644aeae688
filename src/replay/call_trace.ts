/** The calls of a replay, told to a trace. */
import type * as engine from '../mm/index.ts';
import { Subject, type TraceWriter } from '../trace/index.ts';
import type { Request } from './request.ts';

export class CallTrace {
  readonly #trace: TraceWriter;
  readonly #operations = new Map<string, number>();

  constructor(trace: TraceWriter) {
    this.#trace = trace;
    trace.name(Subject.actor, 0, 'recorded processes');
  }

  /** Performs a call as one operation of the trace: descriptors, which are not numbers, are left out. */
  around(task: engine.Task, request: Request, perform: () => number): number {
    const { name, ...rest } = request;
    const parameters = Object.entries(rest).flatMap(([parameter, value]) =>
      typeof value === 'number' ? ([[parameter, value]] as const) : [],
    );
    const operation = this.#operationOf(
      name,
      parameters.map(([parameter]) => parameter),
    );
    this.#trace.time++;
    this.#trace.cpu = task.cpu;
    this.#trace.operationBegin(task.mm.id, operation, ...parameters.map(([, value]) => value));
    const result = perform();
    this.#trace.time++;
    this.#trace.operationEnd(operation, result);
    return result;
  }

  #operationOf(name: string, parameters: readonly string[]): number {
    const known = this.#operations.get(name);
    if (known !== undefined) return known;
    const operation = this.#trace.operation(name, ...parameters);
    this.#operations.set(name, operation);
    return operation;
  }
}
