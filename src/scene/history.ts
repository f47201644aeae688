/** The state at any event: from the last one that was kept before it. */
import type { Trace } from '../trace/trace.ts';
import { Cursor, type Mark } from './cursor.ts';
import { State } from './state.ts';

/** So many events are gone through again at most, if there is memory for the states between. */
const INTERVAL = 8192;
const KEPT_MAX = 512;
/** Of the tables that kept states do not share with those before them. */
const WORDS_MAX = 2 ** 26;

interface Kept {
  readonly mark: Mark;
  readonly state: State;
}

export class History {
  readonly #trace: Trace;
  /** Ascending. */
  readonly #kept: Kept[];
  #words = 0;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#kept = [{ mark: new Cursor(trace).mark(), state: new State() }];
  }

  /** What is true behind `event`; -1 for the beginning. The cursor stands at that event. */
  at(event: number): { readonly state: State; readonly cursor: Cursor } {
    const from = this.#kept.findLast(({ mark }) => mark.event <= event)!;
    const cursor = new Cursor(this.#trace);
    cursor.goTo(from.mark);
    const state = new State(from.state);
    while (cursor.event < event && cursor.next()) {
      state.apply(cursor);
      this.#keep(cursor, state);
    }
    return { state, cursor };
  }

  /** Goes on for an interval, so that later questions are answered sooner; false at the end. */
  advance(): boolean {
    const last = this.#kept.at(-1)!.mark.event;
    this.at(last + INTERVAL);
    return this.#kept.at(-1)!.mark.event > last;
  }

  #keep(cursor: Cursor, state: State): void {
    const last = this.#kept.at(-1)!.mark.event;
    const isDue = cursor.event - last >= INTERVAL && this.#kept.length < KEPT_MAX;
    const { copiedWords } = state.tables;
    if (!isDue || this.#words + copiedWords > WORDS_MAX) return;
    this.#words += copiedWords;
    state.tables.copiedWords = 0;
    this.#kept.push({ mark: cursor.mark(), state: new State(state) });
  }
}
