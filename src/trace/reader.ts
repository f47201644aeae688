/** Reads a trace in memory, which is valid: a file becomes one by `decodeTrace()`. */
import {
  CHOICES,
  FIELDS,
  type Field,
  HEAD_WORDS,
  isChoice,
  KINDS,
  Kind,
  type TraceEvent,
} from './event.ts';
import { OPERATION_AT, recordWords, type Trace } from './trace.ts';

const WORD = 2 ** 32;

/** The events of `trace`, in the order in which they were written. */
export function events(trace: Trace): Iterable<TraceEvent> {
  return { [Symbol.iterator]: () => new EventIterator(trace) };
}

/** Not a generator: in this project those are operations of the engine, and one build blanks them. */
class EventIterator implements Iterator<TraceEvent, undefined> {
  readonly #trace: Trace;
  #chunk = 0;
  #at = 0;
  #time = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
  }

  next(): IteratorResult<TraceEvent, undefined> {
    const { chunks, operations } = this.#trace;
    while (this.#chunk < chunks.length) {
      const words = chunks[this.#chunk]!;
      const at = this.#at;
      if (at === words.length) {
        this.#chunk++;
        this.#at = 0;
        continue;
      }
      this.#at += recordWords(words, at, operations);
      this.#time += words[at + 1]!;
      const isPause = (words[at]! & 0xff) === Kind.pause;
      if (!isPause) return { done: false, value: eventAt(this.#trace, words, at, this.#time) };
      this.#time += integerAt(words, at + HEAD_WORDS);
    }
    return { done: true, value: undefined };
  }
}

/** The record at `at`, as readers see it. */
export function eventAt(trace: Trace, words: Uint32Array, at: number, time: number): TraceEvent {
  const head = words[at]!;
  const kind = head & 0xff;
  const event: Record<string, unknown> = {
    kind: KINDS[kind],
    time,
    cpu: (head >>> 8) & 0xff,
    actor: head >>> 16,
  };
  for (const field of FIELDS[kind]!) event[field.name] = fieldAt(trace, words, at, field);
  return event as unknown as TraceEvent;
}

function fieldAt(trace: Trace, words: Uint32Array, record: number, field: Field): unknown {
  const at = record + field.at;
  const { type } = field;
  if (isChoice(type)) return CHOICES[type][words[at]!];
  switch (type) {
    case 'id':
      return words[at]! | 0;
    case 'count':
      return words[at];
    case 'integer':
      return integerAt(words, at);
    case 'entry':
      return { low: words[at], high: words[at + 1] };
    case 'text':
      return trace.texts[words[at]!];
    case 'operation':
      return trace.operations[words[at]!]!.name;
    case 'values': {
      const { parameters } = trace.operations[words[record + OPERATION_AT]!]!;
      return parameters.map((_, index) => integerAt(words, at + 2 * index));
    }
  }
}

/** A low word, then a high one, signed. */
export function integerAt(words: Uint32Array, at: number): number {
  return (words[at + 1]! | 0) * WORD + words[at]!;
}
