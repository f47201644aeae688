/** Which turns are asleep in each state of a trace: a mask of choices for each actor. */
import { assert } from '../../base/assert.ts';
import { grown, type Trace } from '../trace.ts';

/** Ways in which one step can go: as many as a mask has bits. */
export const WAYS_MAX = 30;

export class SleepRows {
  readonly #trace: Trace;
  #masks: Int32Array;

  constructor(trace: Trace) {
    this.#trace = trace;
    this.#masks = new Int32Array(64 * trace.actors);
  }

  /** Works out what is asleep in the state `at`, from the state and the step before it. */
  enter(at: number): void {
    const { actors, points } = this.#trace;
    const row = at * actors;
    this.#reserve(at);
    const masks = this.#masks;
    if (at === 0) {
      masks.fill(0, 0, actors);
      return;
    }
    const moved = this.#trace.actor[at - 1]!;
    const point = this.#trace.point[at - 1]!;
    for (let actor = 0; actor < actors; actor++) {
      const mask = masks[row - actors + actor]!;
      const isWoken =
        mask === 0 ||
        actor === moved ||
        this.#trace.areDependent(point, points[row - actors + actor]!);
      masks[row + actor] = isWoken ? 0 : mask;
    }
  }

  /**
   * The masks of all actors in the state `at`.
   *
   * @param before is given if it is the same: most steps wake nobody
   */
  save(at: number, before?: readonly number[]): readonly number[] {
    const { actors } = this.#trace;
    const row = at * actors;
    const masks = this.#masks;
    if (before?.every((mask, actor) => mask === masks[row + actor])) return before;
    return Array.from({ length: actors }, (_, actor) => masks[row + actor]!);
  }

  restore(at: number, masks: readonly number[]): void {
    this.#reserve(at);
    this.#masks.set(masks, at * this.#trace.actors);
  }

  add(at: number, actor: number, choice: number): void {
    this.#masks[at * this.#trace.actors + actor]! |= 1 << choice;
  }

  maskOf(at: number, actor: number): number {
    return this.#masks[at * this.#trace.actors + actor]!;
  }

  /** The first of the `ways` in which the step of `actor` can go that is awake, or -1. */
  firstAwake(at: number, actor: number, ways: number): number {
    assert(ways <= WAYS_MAX, 'a step has at most 30 choices');
    const mask = this.maskOf(at, actor);
    for (let choice = 0; choice < ways; choice++) {
      if ((mask & (1 << choice)) === 0) return choice;
    }
    return -1;
  }

  #reserve(at: number): void {
    while ((at + 1) * this.#trace.actors > this.#masks.length) this.#masks = grown(this.#masks);
  }
}

/** The mask of all choices of a step that can go in `ways` ways. */
export function allOf(ways: number): number {
  return (1 << ways) - 1;
}
