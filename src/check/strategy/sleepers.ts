/**
 * Which of the turns that are asleep in a state sleep to the end, whatever is tried there.
 *
 * What is tried behind them is in vain: it is seen behind the turn that sleeps, or is beyond the
 * limit. Either the limit keeps everybody from what would wake it; or nobody was seen to come there,
 * though the turn could be taken earlier and leave the others all they can do.
 */
import type { SavedMeeting } from '../checkpoint.ts';
import type { Trace } from '../trace.ts';
import type { Encounters } from './encounters.ts';
import type { HappensBefore } from './happens_before.ts';
import { Lookahead } from './lookahead.ts';
import { Meetings } from './meetings.ts';
import type { Limit, Probe } from './strategy.ts';

export class Sleepers {
  readonly #trace: Trace;
  readonly #order: HappensBefore;
  readonly #encounters: Encounters;
  readonly #lookahead: Lookahead;
  readonly #meetings: Meetings;

  constructor(
    trace: Trace,
    order: HappensBefore,
    encounters: Encounters,
    probe: Probe,
    limit: Limit,
  ) {
    this.#trace = trace;
    this.#order = order;
    this.#encounters = encounters;
    this.#lookahead = new Lookahead(trace, probe, limit);
    this.#meetings = new Meetings(trace, order);
  }

  /** Whether a turn has been met that nobody was taken to meet. */
  get isStale(): boolean {
    return this.#meetings.isStale;
  }

  startAnew(): void {
    this.#meetings.startAnew();
  }

  /** An execution has come to its end; the steps before `firstNew` are those of the one before. */
  finish(firstNew: number): void {
    this.#meetings.finish(firstNew);
  }

  /** Whether a turn of one of `asleep` sleeps on, whatever else is tried from the state `at`. */
  sleepOn(at: number, asleep: readonly number[]): boolean {
    return (
      asleep.some((actor) => this.#isOutOfReach(at, at, actor)) ||
      asleep.some((actor) => this.#isReady(at, actor) && this.#isUnmet(at, actor))
    );
  }

  /** The same, if it is this turn that is tried. Steps of the trace from `at` on are given up for that. */
  sleepOnBehind(at: number, actor: number, choice: number, asleep: readonly number[]): boolean {
    const { actors, points } = this.#trace;
    const point = points[at * actors + actor]!;
    this.#trace.reserve(1);
    this.#trace.actor[at] = actor;
    this.#trace.choice[at] = choice;
    this.#trace.point[at] = point;
    return asleep.some((each) => {
      const isWoken =
        each === actor || this.#trace.areDependent(points[at * actors + each]!, point);
      return !isWoken && this.#isOutOfReach(at, at + 1, each);
    });
  }

  save(): readonly SavedMeeting[] {
    return this.#meetings.save();
  }

  restore(saved: readonly SavedMeeting[]): void {
    this.#meetings.restore(saved);
  }

  /** Whether the limit keeps all who may get in the way of `actor` from meeting its turn. */
  #isOutOfReach(at: number, length: number, actor: number): boolean {
    const group = this.#encounters.groupOf(at, actor);
    const turn = this.#trace.points[at * this.#trace.actors + actor]!;
    if (!this.#lookahead.isNeverMet(length, turn, group)) return false;
    this.#encounters.relyOn(at, group);
    return true;
  }

  #isUnmet(at: number, actor: number): boolean {
    return this.#meetings.isUnmet(at, actor, this.#encounters.takenBefore(at));
  }

  /**
   * Whether the turn of `actor` in the state `at` could come right behind its last one, or is all that
   * it does: then what others do before it can be done behind it at no more preemptions.
   */
  #isReady(at: number, actor: number): boolean {
    const { actors, actor: movers, point, points } = this.#trace;
    const last = this.#order.lastOf(actor, at);
    if (last < 0 && !this.#lookahead.isLast(at, actor)) return false;
    const turn = points[at * actors + actor]!;
    for (let step = 0; step < at; step++) {
      if (movers[step] === actor || this.#order.isFixed(step, last, -1)) continue;
      if (this.#trace.areDependent(point[step]!, turn)) return false;
    }
    return true;
  }
}
