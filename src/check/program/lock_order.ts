/**
 * Which locks are taken while which are held: a cycle may deadlock, even if it did not today.
 *
 * A lock that is only tried waits for nobody: it is no end of an edge. Once held, others wait for it:
 * it is the start of edges like any other.
 *
 * @source Documentation/locking/lockdep-design.rst
 */
import type { Surroundings } from './shared.ts';

export const SELF_DEADLOCK = 'self-deadlock';
export const LOCK_ORDER = 'lock-order cycle';
export const ATOMIC_SLEEP = 'sleeps with a spinlock held';

interface Held {
  readonly id: number;
  readonly sleeps: boolean;
}

export class LockOrder {
  readonly #world: Surroundings;
  readonly #held: Held[][] = [];
  /** For each lock, those that threads have waited for while they held it. */
  readonly #after = new Map<number, Set<number>>();

  constructor(world: Surroundings) {
    this.#world = world;
  }

  reset(threads: number): void {
    this.#held.length = 0;
    for (let thread = 0; thread < threads; thread++) this.#held.push([]);
    this.#after.clear();
  }

  /** Before `thread` waits for `lock`. */
  expect(thread: number, lock: Held): void {
    for (const held of this.#held[thread]!) {
      if (held === lock) this.#world.violate(SELF_DEADLOCK);
      else if (lock.sleeps && !held.sleeps) this.#world.violate(ATOMIC_SLEEP);
      else this.#connect(held.id, lock.id);
    }
  }

  take(thread: number, lock: Held): void {
    this.#held[thread]!.push(lock);
  }

  release(thread: number, lock: Held): void {
    const held = this.#held[thread]!;
    const at = held.lastIndexOf(lock);
    if (at >= 0) held.splice(at, 1);
  }

  #connect(from: number, to: number): void {
    let after = this.#after.get(from);
    if (after === undefined) {
      after = new Set();
      this.#after.set(from, after);
    }
    if (after.has(to)) return;
    after.add(to);
    if (this.#leads(to, from, new Set())) this.#world.violate(LOCK_ORDER);
  }

  #leads(from: number, to: number, seen: Set<number>): boolean {
    if (from === to) return true;
    if (seen.has(from)) return false;
    seen.add(from);
    for (const next of this.#after.get(from) ?? []) {
      if (this.#leads(next, to, seen)) return true;
    }
    return false;
  }
}
