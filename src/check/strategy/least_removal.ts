/**
 * The fewest steps without which an actor that waits could go, where only running them tells.
 *
 * Whoever takes away more than is needed takes what others have done, too, and misses the executions
 * in which that stays. Steps are taken away one at a time, of all that nothing is left behind, until
 * the first such set is found. There may be as many sets as there are orders of the steps: only so
 * many are tried.
 */
import type { HappensBefore } from './happens_before.ts';
import type { Removal } from './removal.ts';
import type { Waiting } from './waiting.ts';

/** Sets of steps that are tried: each may cost an execution. */
const TRIES_MAX = 100;

export class LeastRemoval {
  readonly #order: HappensBefore;
  readonly #waiter: Waiting;

  constructor(order: HappensBefore, waiter: Waiting) {
    this.#order = order;
    this.#waiter = waiter;
  }

  /**
   * Looks for a set with fewer steps than are `removed`, which starts with `first`.
   *
   * @param   removed is what was found then, and as it was if nothing was
   * @returns in how many ways the actor could go, or 0 if nothing was found
   */
  search(first: number, removed: Removal): number {
    const most = this.#gone(removed).length;
    const before = removed.steps.slice();
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
    this.#remove(before[0]!, before.slice(1), removed);
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
