/**
 * The growing records of a trace, and what they refer to.
 *
 * Records go into chunks, so what is written never moves. A trace that is full goes on counting: the
 * beginning of a run is worth more than a run that ends for want of memory.
 */
import { assert } from '../base/assert.ts';
import {
  ACTORS_MAX,
  CPUS_MAX,
  HEAD_WORDS,
  Kind,
  PARAMETERS_MAX,
  RECORD_WORDS_MAX,
  WIDTHS,
} from './event.ts';
import { type Clock, OPERATIONS_MAX, type Operation, TEXTS_MAX, type Trace } from './trace.ts';

/** 1 MiB. */
export const CHUNK_WORDS: number = 2 ** 18;
const WORD = 2 ** 32;
const PER_WORD = 1 / WORD;
/** Stands for all texts that are not kept. */
const NO_TEXT = 'a text that the trace had no room for';
/** A record, and the pause in front of it. */
const ROOM_WORDS = RECORD_WORDS_MAX + WIDTHS[Kind.pause]!;

export interface TraceOptions {
  readonly clock: Clock;
  /** `PteFormat.id` */
  readonly format: string;
  /** How much may be kept: 256 chunks, which is 256 MiB, if it is not said. */
  readonly chunksMax?: number;
}

export abstract class RecordWriter {
  /** Now. Set by whoever runs operations; it must not go back. */
  time = 0;
  /** Where operations run. Set like `time`. */
  cpu = 0;
  /** Who runs: 0 if each CPU has but one. Set like `time`. */
  actor = 0;

  readonly #clock: Clock;
  readonly #format: string;
  readonly #chunksMax: number;
  readonly #texts = new Map<string, number>();
  readonly #operations: Operation[] = [];
  readonly #chunks: Uint32Array[] = [];
  protected words = new Uint32Array(CHUNK_WORDS);
  #at = 0;
  /** Time of the last event. */
  #last = 0;
  /** Written and dropped together; those that were written before the trace was full. */
  #events = 0;
  #kept = Number.POSITIVE_INFINITY;

  constructor({ clock, format, chunksMax = 256 }: TraceOptions) {
    assert(chunksMax > 0, 'a trace has room for a chunk');
    this.#clock = clock;
    this.#format = format;
    this.#chunksMax = chunksMax;
  }

  /** What has been written until now. Writing may go on, and does not change it. */
  trace(): Trace {
    const chunks = [...this.#chunks];
    const events = Math.min(this.#events, this.#kept);
    if (this.#kept > this.#events) chunks.push(this.words.slice(0, this.#at));
    return {
      clock: this.#clock,
      format: this.#format,
      texts: [...this.#texts.keys()],
      operations: [...this.#operations],
      chunks,
      events,
      dropped: this.#events - events,
    };
  }

  /** Makes an operation known: the number that `operationBegin()` wants. */
  operation(name: string, ...parameters: readonly string[]): number {
    assert(this.#operations.length < OPERATIONS_MAX, 'a trace knows so many operations');
    assert(parameters.length <= PARAMETERS_MAX, 'the parameters of an operation fit a record');
    assert(
      this.#operations.every((known) => known.name !== name),
      'an operation is made known once',
    );
    return this.#operations.push({ name, parameters }) - 1;
  }

  protected textOf(text: string): number {
    const known = this.#texts.get(text);
    if (known !== undefined) return known;
    if (this.#texts.size === TEXTS_MAX - 1 && text !== NO_TEXT) return this.textOf(NO_TEXT);
    if (this.#texts.size === TEXTS_MAX) return TEXTS_MAX - 1;
    return this.#texts.set(text, this.#texts.size).size - 1;
  }

  protected writeOne(kind: number, a: number): void {
    const at = this.begin(kind);
    this.words[at] = a;
  }

  protected writeTwo(kind: number, a: number, b: number): void {
    const at = this.begin(kind);
    const words = this.words;
    words[at] = a;
    words[at + 1] = b;
  }

  /** The head of a record: where its fields go in `words`. */
  protected begin(kind: number): number {
    assert((this.cpu & ~(CPUS_MAX - 1)) === 0, 'the number of a CPU fits a byte');
    assert((this.actor & ~(ACTORS_MAX - 1)) === 0, 'the number of an actor fits two bytes');
    if (this.#at > this.words.length - ROOM_WORDS) this.#nextChunk();
    const since = this.time - this.#last;
    assert(since >= 0, 'time does not go back');
    if (since >= WORD) this.#pause(since);
    const words = this.words;
    const at = this.#at;
    words[at] = kind | (this.cpu << 8) | (this.actor << 16);
    words[at + 1] = since >= WORD ? 0 : since;
    this.#at = at + WIDTHS[kind]!;
    this.#last = this.time;
    this.#events++;
    return at + HEAD_WORDS;
  }

  /** The record under way is that of an operation which begins: keeps as many values as it takes. */
  protected endValues(operation: number): void {
    assert(operation < this.#operations.length, 'an operation that begins is known');
    this.#at += 2 * this.#operations[operation]!.parameters.length;
  }

  #pause(time: number): void {
    const words = this.words;
    words[this.#at] = Kind.pause;
    words[this.#at + 1] = 0;
    words[this.#at + HEAD_WORDS] = time;
    words[this.#at + HEAD_WORDS + 1] = high(time);
    this.#at += WIDTHS[Kind.pause]!;
  }

  /** A trace that is full writes each record over the last. */
  #nextChunk(): void {
    const end = this.#at;
    this.#at = 0;
    if (this.#kept <= this.#events) return;
    this.#chunks.push(this.words.subarray(0, end));
    const isFull = this.#chunks.length === this.#chunksMax;
    if (isFull) this.#kept = this.#events;
    this.words = new Uint32Array(isFull ? ROOM_WORDS : CHUNK_WORDS);
  }
}

/** The high word of an integer; storing it in a `Uint32Array` leaves the low one. */
export function high(integer: number): number {
  return Math.floor(integer * PER_WORD);
}
