/**
 * Where a limit has cut a search off, and what is left to do because of that.
 *
 * Which turns are to be explored from a state follows from the races of all executions that begin
 * with one of them. A limit keeps some of these from being run: then other turns are tried, too. It
 * is enough to try those of a group of actors that nobody else gets in the way of. None is tried
 * if nothing was cut off that one of a group would have done, neither behind the state, nor behind
 * a turn of it that is asleep.
 *
 * So all executions within the limit are seen, each once: whatever is cut off for good begins with
 * steps that are beyond the limit in any order. Executions are begun in vain, though: a turn may
 * sleep to the end.
 */
import type { SavedCuts, SavedEncounters } from '../checkpoint.ts';
import type { Trace } from '../trace.ts';
import { Encounters } from './encounters.ts';
import { SleepRows } from './sleep_rows.ts';

export class Cuts {
  readonly #trace: Trace;
  readonly #encounters: Encounters;
  /** Of the turns that are asleep in a state, those behind which something was cut off. */
  readonly #doubted: SleepRows;
  /** Of each state of the path: whose turns were cut off, there or behind it. */
  readonly #cut: Set<number>[] = [];
  /** And whose behind the turn that is being explored. */
  readonly #cutBelow: Set<number>[] = [];
  /** And whether other turns are tried there by now. */
  readonly #isOpen: boolean[] = [];

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#encounters = new Encounters(trace);
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
   * asked for once.
   *
   * @param isAsleep whether a turn of an actor is asleep
   * @param countAwake how many turns of an actor are awake
   */
  open(
    at: number,
    isAsleep: (actor: number) => boolean,
    countAwake: (actor: number) => number,
  ): readonly number[] {
    if (this.#isOpen[at]! || this.#cut[at]!.size === 0) return [];
    this.#isOpen[at] = true;
    let best: readonly number[] = [];
    let least = Number.POSITIVE_INFINITY;
    for (let actor = 0; actor < this.#trace.actors; actor++) {
      if (!isAsleep(actor)) continue;
      const group = this.#encounters.groupOf(at, actor);
      const isWhole = !group.some((each) => this.#cut[at]!.has(each));
      const awake = isWhole ? 0 : group.reduce((sum, each) => sum + countAwake(each), 0);
      if (awake < least) [best, least] = [group, awake];
    }
    this.#encounters.relyOn(at, best);
    return least === 0 ? [] : best;
  }

  /** Whether what was left out may not be left out, by what was seen since: all is to be seen anew. */
  startAnew(): boolean {
    if (!this.#encounters.isStale) return false;
    this.#encounters.startAnew();
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

  saveEncounters(): SavedEncounters {
    return this.#encounters.save();
  }

  restore(at: number, { doubted, cut, cutBelow, isOpen }: SavedCuts): void {
    this.#encounters.enter(at);
    this.#doubted.restore(at, doubted);
    this.#cut[at] = new Set(cut);
    this.#cutBelow[at] = new Set(cutBelow);
    this.#isOpen[at] = isOpen;
  }

  restoreEncounters(saved: SavedEncounters): void {
    this.#encounters.restore(saved);
  }
}
