/**
 * The fewest steps without which an actor that waits could go, where only running them tells.
 *
 * Whoever takes away more than is needed takes what others have done, too, and misses the executions
 * in which that stays. Steps are taken away one at a time, of all that nothing is left behind, until
 * the first such set is found. There may be as many sets as there are orders of the steps: only so
 * many are tried.
 */
import type { Trace } from '../trace.ts';
import type { HappensBefore } from './happens_before.ts';
import type { Removal } from './removal.ts';
import type { Waiting } from './waiting.ts';

/** Sets of steps that are tried: each may cost an execution. */
const TRIES_MAX = 100;

export class LeastRemoval {
  readonly #trace: Trace;
  readonly #order: HappensBefore;
  readonly #waiter: Waiting;

  constructor(trace: Trace, order: HappensBefore, waiter: Waiting) {
    this.#trace = trace;
    this.#order = order;
    this.#waiter = waiter;
  }

  /**
   * Takes steps out until the actor could go: `first`, and as few more as are found.
   *
   * @returns in how many ways it could go then, or 0 if none were found
   */
  search(first: number, removed: Removal): number {
    const waiter = this.#waiter;
    removed.begin(first);
    const alone = waiter.waysWithout(removed);
    if (alone > 0 || waiter.keepers.every((step) => removed.has(step))) return alone;
    const ways = this.#guess(removed);
    const guessed = ways > 0 ? removed.steps.slice(1) : undefined;
    const most = ways > 0 ? this.#gone(removed).length : waiter.keepers.length + 1;
    const least = this.#searchBelow(first, most, removed);
    if (least > 0 || guessed === undefined) return least;
    this.#remove(first, guessed, removed);
    return ways;
  }

  /**
   * Takes out what keeps the actor waiting by itself, actor by actor, then the rest: whoever has let
   * go of a lock keeps nobody waiting, and what it has done stays, if that is possible.
   */
  #guess(removed: Removal): number {
    const waiter = this.#waiter;
    const { keepers } = waiter;
    let ways = 0;
    for (const isSparing of [true, false]) {
      for (let at = keepers.length - 1; at >= 0 && ways === 0; at--) {
        const step = keepers[at]!;
        if (removed.has(step)) continue;
        if (isSparing && !waiter.isKeptBy(this.#trace.actor[step]!, removed)) continue;
        removed.add(step);
        ways = waiter.waysWithout(removed);
      }
    }
    return ways;
  }

  /** Looks for a set with fewer steps than `most`, the smallest first. */
  #searchBelow(first: number, most: number, removed: Removal): number {
    const tried = new Set<string>();
    removed.begin(first);
    const least = this.#gone(removed).length;
    // Each set has one step more than the one that it comes from.
    const sets: (readonly number[])[] = [[]];
    for (let at = 0; at < sets.length && tried.size < TRIES_MAX; at++) {
      const set = sets[at]!;
      if (least + set.length + 1 >= most) break;
      for (const last of this.#lastWithout(first, set, removed)) {
        const more = [...set, last];
        this.#remove(first, more, removed);
        const key = this.#gone(removed).join();
        if (tried.has(key)) continue;
        tried.add(key);
        const ways = this.#waiter.waysWithout(removed);
        if (ways > 0) return ways;
        sets.push(more);
      }
    }
    return 0;
  }

  #gone(removed: Removal): number[] {
    return this.#waiter.keepers.filter((step) => removed.has(step));
  }

  /** Those that may keep the actor waiting and are left without `steps`, if no other happens after. */
  #lastWithout(first: number, steps: readonly number[], removed: Removal): number[] {
    this.#remove(first, steps, removed);
    const left = this.#waiter.keepers.filter((step) => !removed.has(step));
    return left.filter((step) =>
      left.every((other) => other <= step || !this.#order.isBefore(step, other)),
    );
  }

  #remove(first: number, steps: readonly number[], removed: Removal): void {
    removed.begin(first);
    for (const step of steps) removed.add(step);
  }
}
