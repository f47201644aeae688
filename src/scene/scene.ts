/** A trace that is open: its timeline, and what it says at any of its events. */
import { KINDS } from '../trace/event.ts';
import type { EventName, Trace, TraceDecoder } from '../trace/index.ts';
import { TimelineBuilder } from './build_timeline.ts';
import { Cursor } from './cursor.ts';
import { History } from './history.ts';
import { Names } from './names.ts';
import { type Picture, Pictures } from './picture.ts';
import type { Timeline } from './timeline.ts';
import { inWords, RULES, type Rule } from './words.ts';

/** An event, to be read. */
export interface EventLine {
  readonly event: number;
  readonly time: number;
  readonly cpu: number;
  /** Name of the actor; empty if the CPU has but one. */
  readonly actor: string;
  readonly kind: EventName;
  readonly text: string;
  readonly rule: Rule | undefined;
}

export class Scene {
  readonly #trace: Trace;
  readonly #names: Names;
  readonly #decoder: TraceDecoder | undefined;
  readonly #builder: TimelineBuilder;
  readonly #history: History;
  readonly #pictures: Pictures;

  /** @param decoder if the trace is still read */
  constructor(trace: Trace, decoder?: TraceDecoder) {
    this.#trace = trace;
    this.#decoder = decoder;
    this.#names = new Names(trace);
    this.#builder = new TimelineBuilder(trace, this.#names);
    this.#builder.extend();
    this.#history = new History(trace);
    this.#pictures = new Pictures(trace.format, this.#names);
  }

  /** How much of the trace has been read, from 0 to 1. */
  get share(): number {
    return this.#decoder?.isDone === false ? this.#decoder.share : 1;
  }

  get events(): number {
    return this.#builder.events;
  }

  /**
   * Reads some more of a trace that is not read to its end; false behind it.
   *
   * @throws TraceError
   */
  read(): boolean {
    if (this.#decoder?.next() !== true) return false;
    this.#names.extend();
    this.#builder.extend();
    return true;
  }

  /** Of what has been read, in arrays of its own. */
  timeline(): Timeline {
    return this.#builder.timeline();
  }

  /** @throws SceneError if the trace has more tables than can be shown */
  picture(event: number): Picture {
    return this.#pictures.of(event, this.#history.at(event));
  }

  /** Prepares some more of the states between; false when all is prepared. */
  prepare(): boolean {
    return this.#history.advance();
  }

  /** Events from `first` on, in words. */
  lines(first: number, count: number): EventLine[] {
    const cursor = this.#history.cursor(first - 1);
    const lines: EventLine[] = [];
    for (let at = 0; at < count && cursor.next(); at++) {
      const kind = KINDS[cursor.kind]!;
      lines.push({
        event: cursor.event,
        time: cursor.time,
        cpu: cursor.cpu,
        actor: this.#names.ofActor(cursor.actor),
        kind,
        text: inWords(cursor.value(), this.#names),
        rule: RULES[kind],
      });
    }
    return lines;
  }

  /** The next event whose text contains `text`, behind `from` or in front of it; -1 if none does. */
  search(text: string, from: number, isForward: boolean): number {
    const wanted = text.toLowerCase();
    const cursor = new Cursor(this.#trace);
    let found = -1;
    while (cursor.next()) {
      if (!isForward && cursor.event >= from) break;
      if (isForward && cursor.event <= from) continue;
      if (!inWords(cursor.value(), this.#names).toLowerCase().includes(wanted)) continue;
      found = cursor.event;
      if (isForward) break;
    }
    return found;
  }
}
