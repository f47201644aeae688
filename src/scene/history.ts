/** The state at any event: from the last one that was kept before it. */
import type { Trace } from '../trace/trace.ts';
import { Cursor, type Mark } from './cursor.ts';
import { State } from './state.ts';

/** So many events are gone through again at most, in a trace of up to four million. */
const INTERVAL_MIN = 8192;
const KEPT_MAX = 512;
/** Of the tables that kept states do not share with those before them. */
const WORDS_MAX = 2 ** 26;

interface Kept {
  readonly mark: Mark;
  readonly state: State;
}

interface Reached {
  readonly cursor: Cursor;
  readonly state: State;
}

export class History {
  readonly #trace: Trace;
  /** Ascending. */
  #kept: Kept[];
  /** The last answer: who steps forward goes on from there. */
  #reached: Reached;
  #interval = INTERVAL_MIN;
  #words = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
    const cursor = new Cursor(trace);
    this.#kept = [{ mark: cursor.mark(), state: new State() }];
    this.#reached = { cursor, state: new State() };
  }

  /** What is true behind `event`; -1 for the beginning. To be looked at before the next question. */
  at(event: number): State {
    const kept = this.#before(event);
    let reached = this.#reached;
    const isNear = reached.cursor.event <= event && reached.cursor.event >= kept.mark.event;
    if (!isNear) {
      reached = { cursor: this.#cursorAt(kept), state: new State(kept.state) };
      this.#reached = reached;
    }
    const { cursor, state } = reached;
    while (cursor.event < event && cursor.next()) {
      state.apply(cursor);
      this.#keep(cursor, state);
    }
    return state;
  }

  /** A cursor at `event`; -1 for the beginning. */
  cursor(event: number): Cursor {
    const cursor = this.#cursorAt(this.#before(event));
    while (cursor.event < event && cursor.next());
    return cursor;
  }

  #before(event: number): Kept {
    return this.#kept.findLast(({ mark }) => mark.event <= event)!;
  }

  #cursorAt({ mark }: Kept): Cursor {
    const cursor = new Cursor(this.#trace);
    cursor.goTo(mark);
    return cursor;
  }

  /** Goes on for an interval, so that later questions are answered sooner; false at the end. */
  advance(): boolean {
    const last = this.#kept.at(-1)!.mark.event;
    this.at(last + this.#interval);
    return this.#kept.at(-1)!.mark.event > last;
  }

  #keep(cursor: Cursor, state: State): void {
    const last = this.#kept.at(-1)!.mark.event;
    const { copiedWords } = state.tables;
    if (cursor.event - last < this.#interval || this.#words + copiedWords > WORDS_MAX) return;
    this.#words += copiedWords;
    state.tables.copiedWords = 0;
    this.#kept.push({ mark: cursor.mark(), state: new State(state) });
    if (this.#kept.length === KEPT_MAX) this.#thinOut();
  }

  /** Of a trace that is longer than it seemed, every second state is enough. */
  #thinOut(): void {
    this.#kept = this.#kept.filter((_, index) => index % 2 === 0);
    this.#interval *= 2;
  }
}
