/** Goes through the records of a trace without making an object of any: a million take moments. */
import {
  type EVENTS,
  type EventName,
  FIELDS,
  HEAD_WORDS,
  KINDS,
  Kind,
  type TraceEvent,
} from '../trace/event.ts';
import { eventAt, integerAt } from '../trace/reader.ts';
import { recordWords, type Trace } from '../trace/trace.ts';

/** First word of each field of each kind of event, within its record. */
export const AT = Object.fromEntries(
  KINDS.map((kind, number) => [
    kind,
    Object.fromEntries(FIELDS[number]!.map(({ name, at }) => [name, at])),
  ]),
) as { readonly [K in EventName]: Readonly<Record<keyof (typeof EVENTS)[K], number>> };

/** A place to come back to. */
export interface Mark {
  readonly chunk: number;
  readonly next: number;
  readonly time: number;
  readonly event: number;
}

export class Cursor {
  readonly trace: Trace;
  /** Of the record: its number among the events, -1 before the first. */
  event = -1;
  kind = 0;
  time = 0;
  cpu = 0;
  actor = 0;
  readonly #passedOver: number;
  #chunk = -1;
  #words: Uint32Array = new Uint32Array();
  #at = 0;
  #next = 0;

  /** @param withNames whether events that give a name to something count */
  constructor(trace: Trace, withNames = false) {
    this.trace = trace;
    this.#passedOver = withNames ? -1 : Kind.name;
  }

  /** Goes to the next event; false behind the last. */
  next(): boolean {
    const { chunks, operations } = this.trace;
    for (;;) {
      if (this.#next >= this.#words.length) {
        // Chunks may come to a trace that is still read.
        if (this.#chunk + 1 >= chunks.length) return false;
        this.#words = chunks[++this.#chunk]!;
        this.#next = 0;
        continue;
      }
      const [words, at] = [this.#words, this.#next];
      this.#at = at;
      this.#next = at + recordWords(words, at, operations);
      const head = words[at]!;
      this.kind = head & 0xff;
      this.time += words[at + 1]!;
      if (this.kind === Kind.pause) this.time += integerAt(words, at + HEAD_WORDS);
      if (this.kind === Kind.pause || this.kind === this.#passedOver) continue;
      this.cpu = (head >>> 8) & 0xff;
      this.actor = head >>> 16;
      this.event++;
      return true;
    }
  }

  word(field: number): number {
    return this.#words[this.#at + field]!;
  }

  id(field: number): number {
    return this.#words[this.#at + field]! | 0;
  }

  integer(field: number): number {
    return integerAt(this.#words, this.#at + field);
  }

  text(field: number): string {
    return this.trace.texts[this.word(field)]!;
  }

  /** The event as an object, for who wants all of it. */
  value(): TraceEvent {
    return eventAt(this.trace, this.#words, this.#at, this.time);
  }

  mark(): Mark {
    return { chunk: this.#chunk, next: this.#next, time: this.time, event: this.event };
  }

  /** Where `mark()` was called: `next()` goes on from there. */
  goTo({ chunk, next, time, event }: Mark): void {
    this.#chunk = chunk;
    this.#words = this.trace.chunks[chunk] ?? new Uint32Array();
    this.#next = next;
    this.time = time;
    this.event = event;
  }
}
