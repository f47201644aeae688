/** What must be known of a whole trace before it is drawn: names, and which faults are woken. */
import { type Choice, Subject } from './event.ts';
import { events } from './reader.ts';
import type { Trace } from './trace.ts';

export class Survey {
  readonly #names: readonly Map<number, string>[];
  /** Faults that end in a wake-up, by the number of the event that begins them. */
  readonly wokenFaults: ReadonlySet<number>;

  constructor(trace: Trace) {
    const names = Object.keys(Subject).map(() => new Map<number, string>());
    const woken = new Set<number>();
    const faultOf = new Map<number, number>();
    let number = 0;
    for (const event of events(trace)) {
      if (event.kind === 'name') names[Subject[event.subject]]!.set(event.id, event.text);
      else if (event.kind === 'faultBegin') faultOf.set(event.actor, number);
      else if (event.kind === 'faultEnd') faultOf.delete(event.actor);
      else if (event.kind === 'wake') {
        const fault = faultOf.get(event.woken);
        if (fault !== undefined) woken.add(fault);
      }
      number++;
    }
    this.#names = names;
    this.wokenFaults = woken;
  }

  /** The last name that the trace gives it. */
  nameOf(subject: Choice<'subject'>, id: number): string | undefined {
    return this.#names[Subject[subject]]!.get(id);
  }
}
