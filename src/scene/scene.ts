/** A trace that is open: its timeline, and what it says at any of its events. */
import { KINDS } from '../trace/event.ts';
import type { EventName, Trace } from '../trace/index.ts';
import { buildTimeline } from './build_timeline.ts';
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
  readonly timeline: Timeline;
  readonly #trace: Trace;
  readonly #names: Names;
  readonly #history: History;
  readonly #pictures: Pictures;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#names = new Names(trace);
    this.timeline = buildTimeline(trace, this.#names);
    this.#history = new History(trace);
    this.#pictures = new Pictures(trace.format, this.#names);
  }

  /** @throws SceneError if the trace has more tables than can be shown */
  picture(event: number): Picture {
    const { state } = this.#history.at(event);
    return this.#pictures.of(event, state);
  }

  /** Prepares some more of the states between; false when all is prepared. */
  prepare(): boolean {
    return this.#history.advance();
  }

  /** Events from `first` on, in words. */
  lines(first: number, count: number): EventLine[] {
    const { cursor } = this.#history.at(first - 1);
    return this.#linesFrom(cursor, count);
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

  #linesFrom(cursor: Cursor, count: number): EventLine[] {
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
}
