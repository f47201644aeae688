/**
 * What a limit has cut off, and what becomes of sequences that were not explored because of it.
 *
 * Where all steps of a sequence are independent of a turn, what begins with them is seen behind the
 * turn, and the sequence is left to it. With a limit, what is seen there may be beyond the limit, and
 * cut off, while the same without the turn is not: when the turn has been explored, something was
 * cut off behind it, and others depend on its step, such sequences are explored after all, and no
 * more are left to it.
 */
import type { SavedCuts } from '../checkpoint.ts';
import { ENDED, type Trace } from '../trace.ts';
import { SleepRows } from './sleep_rows.ts';
import type { Branch, WakeupTrees } from './wakeup_tree.ts';

export class Cuts {
  readonly #trace: Trace;
  /** Of the turns that are asleep in a state, those to which nothing is left. */
  readonly #doubted: SleepRows;
  /** Of each state of the path: whether something was cut off behind the branch being explored. */
  readonly #isCut: boolean[] = [];
  /** And whether another actor has a step there that depends on that of the branch. */
  readonly #isMet: boolean[] = [];
  /** Sequences that were left to that branch. */
  readonly #aside: (readonly Branch[])[] = [];

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#doubted = new SleepRows(trace);
  }

  /** Comes to a state, which has branches if the execution goes on from it. */
  enter(at: number): void {
    this.#doubted.enter(at);
  }

  /** Begins to explore a branch of a state. */
  begin(at: number, { aside = [] }: Branch): void {
    this.#isCut[at] = false;
    this.#isMet[at] = false;
    this.#aside[at] = aside;
  }

  /** The limit does not allow a sequence behind the state `from`. */
  cut(from: number): void {
    this.#isCut.fill(true, 0, from);
  }

  /** Looks through the execution that has come to its end. */
  note(): void {
    const { length, actor, actors, point, points } = this.#trace;
    for (let at = 0; at < length; at++) {
      const meets = (other: number, its: number): boolean =>
        other !== actor[at] && its !== ENDED && this.#trace.areDependent(its, point[at]!);
      for (let step = at + 1; !this.#isMet[at] && step < length; step++) {
        this.#isMet[at] = meets(actor[step]!, point[step]!);
      }
      for (let each = 0; !this.#isMet[at] && each < actors; each++) {
        this.#isMet[at] = meets(each, points[length * actors + each]!);
      }
    }
  }

  /** A branch of a state has been explored: what was left to it, and is to be explored after all. */
  end(at: number): readonly Branch[] {
    if (!this.#isCut[at] || !this.#isMet[at]) return [];
    const { actor, choice } = this.#trace;
    this.#doubted.add(at, actor[at]!, choice[at]!);
    return this.#aside[at]!;
  }

  /** The choices of an actor that are asleep, and to which nothing is left. */
  doubtedOf(at: number, actor: number): number {
    return this.#doubted.maskOf(at, actor);
  }

  save(at: number, trees: WakeupTrees): SavedCuts {
    return {
      doubted: this.#doubted.save(at),
      isCut: this.#isCut[at]!,
      isMet: this.#isMet[at]!,
      aside: trees.save(this.#aside[at]!),
    };
  }

  restore(at: number, { doubted, isCut, isMet, aside }: SavedCuts, trees: WakeupTrees): void {
    this.#doubted.restore(at, doubted);
    this.#isCut[at] = isCut;
    this.#isMet[at] = isMet;
    this.#aside[at] = trees.restore(aside);
  }
}
