/**
 * Where a limit has cut a search off, and what is left to do because of that.
 *
 * Which turns are to be explored from a state follows from the races of all executions that begin
 * with one of them. A limit keeps some of these from being run: then other turns are tried, too. It
 * is enough to try those of a group of actors that nobody else gets in the way of. None is tried
 * if nothing was cut off that one of a group would have done, neither behind the state, nor behind
 * a turn of it that is asleep, and none that leaves a turn asleep to the end.
 *
 * So all executions within the limit are seen, each once: whatever is cut off for good begins with
 * steps that are beyond the limit in any order. Executions are begun in vain, though: that a turn
 * sleeps to the end is not always known before.
 */
import type { SavedCuts, SavedLessons } from '../checkpoint.ts';
import type { Trace } from '../trace.ts';
import { Encounters } from './encounters.ts';
import type { HappensBefore } from './happens_before.ts';
import { SleepRows } from './sleep_rows.ts';
import { Sleepers } from './sleepers.ts';
import type { Limit, Probe } from './strategy.ts';

export class Cuts {
  readonly #trace: Trace;
  readonly #encounters: Encounters;
  readonly #sleepers: Sleepers;
  /** Of the turns that are asleep in a state, those behind which something was cut off. */
  readonly #doubted: SleepRows;
  /** Of each state of the path: whose turns were cut off, there or behind it. */
  readonly #cut: Set<number>[] = [];
  /** And whose behind the turn that is being explored. */
  readonly #cutBelow: Set<number>[] = [];
  /** And whether other turns are tried there by now. */
  readonly #isOpen: boolean[] = [];

  constructor(trace: Trace, order: HappensBefore, probe: Probe, limit: Limit) {
    this.#trace = trace;
    this.#encounters = new Encounters(trace);
    this.#sleepers = new Sleepers(trace, order, this.#encounters, probe, limit);
    this.#doubted = new SleepRows(trace);
  }

  /** Comes to a state. */
  enter(at: number): void {
    this.#encounters.enter(at);
    this.#doubted.enter(at);
    this.#cut[at] = new Set();
    this.#cutBelow[at] = new Set();
    this.#isOpen[at] = false;
    for (let actor = 0; actor < this.#trace.actors; actor++) {
      if (this.#doubted.maskOf(at, actor) !== 0) this.cut(at, actor);
    }
  }

  /** Something is not explored that begins with the state `at`, and in which `actor` goes on. */
  cut(at: number, actor: number): void {
    for (let each = 0; each <= at; each++) this.#cut[each]!.add(actor);
    for (let each = 0; each < at; each++) this.#cutBelow[each]!.add(actor);
  }

  /** An execution has come to its end; the steps before `firstNew` are those of the one before. */
  finish(firstNew: number): void {
    this.#sleepers.finish(firstNew);
  }

  /** The last turn of the state `at` has been explored. */
  end(at: number): void {
    const { actor, choice } = this.#trace;
    const below = this.#cutBelow[at]!;
    if (below.size === 0) return;
    const group = this.#encounters.groupOf(at, actor[at]!);
    if (group.some((each) => below.has(each))) this.#doubted.add(at, actor[at]!, choice[at]!);
    else this.#encounters.relyOn(at, group);
    this.#cutBelow[at] = new Set();
  }

  /**
   * Whose turns are to be tried from the state `at` besides those that have been explored. This is
   * asked for once. Steps of the trace from `at` on are given up for that.
   *
   * @param asleep the actors that have turns that are asleep
   * @param countAwake how many turns of an actor are awake
   */
  open(
    at: number,
    asleep: readonly number[],
    countAwake: (actor: number) => number,
  ): readonly number[] {
    if (this.#isOpen[at]! || this.#cut[at]!.size === 0) return [];
    this.#isOpen[at] = true;
    const isWhole = (actor: number): boolean => countAwake(actor) === 0;
    if (this.#sleepers.sleepOn(at, asleep.filter(isWhole))) return [];
    let best: readonly number[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (const actor of asleep) {
      const group = this.#encounters.groupOf(at, actor);
      const isUncut = !group.some((each) => this.#cut[at]!.has(each));
      const awake = isUncut ? 0 : group.reduce((sum, each) => sum + countAwake(each), 0);
      if (awake < least) [best, least] = [group, awake];
    }
    this.#encounters.relyOn(at, best);
    return least === 0 ? [] : best;
  }

  /** Whether it is in vain to try a turn from the state `at`. */
  isInVain(at: number, actor: number, choice: number, asleep: readonly number[]): boolean {
    return this.#sleepers.sleepOnBehind(at, actor, choice, asleep);
  }

  /** Whether what was left out may not be left out, by what was seen since: all is to be seen anew. */
  startAnew(): boolean {
    if (!this.#encounters.isStale && !this.#sleepers.isStale) return false;
    this.#encounters.startAnew();
    this.#sleepers.startAnew();
    return true;
  }

  save(at: number): SavedCuts {
    return {
      doubted: this.#doubted.save(at),
      cut: [...this.#cut[at]!],
      cutBelow: [...this.#cutBelow[at]!],
      isOpen: this.#isOpen[at]!,
    };
  }

  saveLessons(): SavedLessons {
    return { encounters: this.#encounters.save(), meetings: this.#sleepers.save() };
  }

  restore(at: number, { doubted, cut, cutBelow, isOpen }: SavedCuts): void {
    this.#encounters.enter(at);
    this.#doubted.restore(at, doubted);
    this.#cut[at] = new Set(cut);
    this.#cutBelow[at] = new Set(cutBelow);
    this.#isOpen[at] = isOpen;
  }

  restoreLessons({ encounters, meetings }: SavedLessons): void {
    this.#encounters.restore(encounters);
    this.#sleepers.restore(meetings);
  }
}
