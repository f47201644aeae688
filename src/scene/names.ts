/** What things are called in a trace. */
import { CHOICES, Kind } from '../trace/event.ts';
import type { Trace } from '../trace/trace.ts';
import { AT, Cursor } from './cursor.ts';

type Subject = (typeof CHOICES.subject)[number];

export class Names {
  readonly #names = new Map<string, string>();
  readonly #cursor: Cursor;

  constructor(trace: Trace) {
    this.#cursor = new Cursor(trace, true);
    this.extend();
  }

  /** Reads what has come to the trace since. */
  extend(): void {
    const cursor = this.#cursor;
    const { subject, id, text } = AT.name;
    while (cursor.next()) {
      if (cursor.kind !== Kind.name) continue;
      const what = CHOICES.subject[cursor.word(subject)]!;
      this.#names.set(`${what} ${cursor.id(id)}`, cursor.text(text));
    }
  }

  of(subject: Subject, id: number): string {
    const known = this.#names.get(`${subject} ${id}`);
    if (known !== undefined) return known;
    return subject === 'cpu' ? `CPU ${id}` : `${subject} ${id}`;
  }

  /** Of an actor of a CPU; nothing if the CPU has but one, without a name. */
  ofActor(actor: number): string {
    return this.#names.get(`actor ${actor}`) ?? (actor === 0 ? '' : `actor ${actor}`);
  }
}
