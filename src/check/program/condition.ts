/** Condition variables. A signal that nobody waits for is lost, as it is in pthreads. */

import type { Mutex } from './lock.ts';
import { Kind, pointOf, Shared, type Surroundings, type Task } from './shared.ts';

export const LOST_WAKEUP = 'lost wake-up';

export class Condition extends Shared {
  /** Who waits, and has not been woken. */
  readonly #waiting = new Set<number>();
  readonly #woken = new Set<number>();
  readonly #chosen: () => number;

  /** @param chosen which of those who wait a signal is to wake */
  constructor(world: Surroundings, name: string, id: number, chosen: () => number) {
    super(world, name, id);
    this.#chosen = chosen;
  }

  /** Releases `mutex`, waits to be woken, takes `mutex` again. There are no spurious wake-ups. */
  *wait(mutex: Mutex): Task {
    const me = this.world.running;
    yield pointOf(Kind.ENQUEUE, this.id);
    this.#waiting.add(me);
    yield* mutex.unlock();
    yield pointOf(Kind.WOKEN, this.id);
    this.#woken.delete(me);
    yield* mutex.lock();
  }

  /** Wakes one of those who wait: any of them. */
  *signal(): Task {
    yield pointOf(Kind.SIGNAL, this.id);
    if (this.#waiting.size === 0) return;
    const sorted = [...this.#waiting].sort((one, other) => one - other);
    this.#wake(sorted[this.#chosen()]!);
  }

  *broadcast(): Task {
    yield pointOf(Kind.BROADCAST, this.id);
    for (const thread of this.#waiting) this.#wake(thread);
  }

  /** In how many ways a signal can go now. */
  get ways(): number {
    return Math.max(1, this.#waiting.size);
  }

  override state(): string {
    if (this.#waiting.size === 0) return 'nobody waits';
    return `threads ${[...this.#waiting].sort().join(', ')} wait`;
  }

  override reset(): void {
    this.#waiting.clear();
    this.#woken.clear();
  }

  override mayGo(thread: number, kind: Kind): boolean {
    return kind !== Kind.WOKEN || this.#woken.has(thread);
  }

  #wake(thread: number): void {
    this.#waiting.delete(thread);
    this.#woken.add(thread);
  }
}
