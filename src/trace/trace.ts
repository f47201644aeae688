/** A trace in memory: records of events, and what they refer to. */
import { HEAD_WORDS, Kind, WIDTHS } from './event.ts';

/** What times count: steps of a schedule, or nanoseconds. */
export const CLOCKS = ['steps', 'ns'] as const;
export type Clock = (typeof CLOCKS)[number];

/** An operation of the engine that traces can name: a system call, for instance. */
export interface Operation {
  readonly name: string;
  readonly parameters: readonly string[];
}

/** More are neither written nor read. */
export const TEXTS_MAX: number = 2 ** 20;
export const OPERATIONS_MAX: number = 2 ** 12;

export interface Trace {
  readonly clock: Clock;
  /** The `PteFormat` that gives page-table entries their meaning. */
  readonly format: string;
  readonly texts: readonly string[];
  readonly operations: readonly Operation[];
  /** Records, one behind the other; none lies in two chunks. */
  readonly chunks: readonly Uint32Array[];
  readonly events: number;
  /** Events that came when the trace was full. */
  readonly dropped: number;
}

/** Where a record of that kind says which operation. */
export const OPERATION_AT: number = HEAD_WORDS + 1;

/** Words of the record at `at`, of a trace whose operations are these. */
export function recordWords(
  words: Uint32Array,
  at: number,
  operations: readonly Operation[],
): number {
  const kind = words[at]! & 0xff;
  if (kind !== Kind.operationBegin) return WIDTHS[kind]!;
  return WIDTHS[kind]! + 2 * operations[words[at + OPERATION_AT]!]!.parameters.length;
}
