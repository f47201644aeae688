/** Locks: mutexes and spinlocks with one holder, rw-semaphores with one writer or many readers. */
import type { Keeper } from '../scenario.ts';
import type { LockOrder } from './lock_order.ts';
import { Kind, kindOf, pointOf, Shared, type Surroundings, type Task } from './shared.ts';

const FREE = -1;

/** Who holds a lock. */
class Holders {
  writer = FREE;
  readonly readers = new Set<number>();

  reset(): void {
    this.writer = FREE;
    if (this.readers.size > 0) this.readers.clear();
  }

  has(thread: number): boolean {
    return this.writer === thread || this.readers.has(thread);
  }

  /** One of them, the writer if there is one. */
  one(): number | undefined {
    return this.writer === FREE ? this.readers.values().next().value : this.writer;
  }

  mayGo(kind: Kind): boolean {
    if (kind === Kind.LOCK) return this.writer === FREE && this.readers.size === 0;
    return kind !== Kind.LOCK_SHARED || this.writer === FREE;
  }

  /** A step of `thread`; whether it has got, or had, the lock. */
  step(thread: number, kind: Kind): boolean {
    switch (kind) {
      case Kind.TRY_LOCK:
        return this.mayGo(Kind.LOCK) && this.step(thread, Kind.LOCK);
      case Kind.TRY_LOCK_SHARED:
        return this.mayGo(Kind.LOCK_SHARED) && this.step(thread, Kind.LOCK_SHARED);
      case Kind.LOCK:
        this.writer = thread;
        return true;
      case Kind.LOCK_SHARED:
        this.readers.add(thread);
        return true;
      case Kind.UNLOCK_SHARED:
        return this.readers.delete(thread);
      default: {
        const wasHeld = this.writer === thread;
        this.writer = FREE;
        if (kind === Kind.DOWNGRADE) this.readers.add(thread);
        return wasHeld;
      }
    }
  }
}

/** Which of the steps at a lock, from the start, keeps it from being taken behind them. */
export function keeperAfter(
  at: number,
  threads: readonly number[],
  points: readonly number[],
): Keeper {
  const holders = new Holders();
  const since: number[] = [];
  for (let step = 0; step < points.length; step++) {
    const thread = threads[step]!;
    const hasHeld = holders.has(thread);
    holders.step(thread, kindOf(points[step]!));
    if (!hasHeld) since[thread] = step;
  }
  return holders.mayGo(kindOf(at)) ? 'nobody' : since[holders.one()!];
}

/** What the three have in common: who holds them, and in which order they are taken. */
abstract class Lock extends Shared {
  protected readonly order: LockOrder;
  readonly #holders = new Holders();
  /** Whether a thread that waits for it gives its CPU away. */
  readonly sleeps: boolean;

  constructor(world: Surroundings, order: LockOrder, name: string, id: number, sleeps: boolean) {
    super(world, name, id);
    this.order = order;
    this.sleeps = sleeps;
  }

  override state(): string {
    const { writer, readers } = this.#holders;
    if (writer !== FREE) return `held by thread ${writer}`;
    if (readers.size === 0) return 'free';
    return `held by readers ${[...readers].sort().join(', ')}`;
  }

  override reset(): void {
    this.#holders.reset();
  }

  override mayGo(_thread: number, kind: Kind): boolean {
    return this.#holders.mayGo(kind);
  }

  protected *take(kind: Kind): Task {
    this.order.expect(this.world.running, this);
    yield pointOf(kind, this.id);
    this.#holders.step(this.world.running, kind);
    this.order.take(this.world.running, this);
  }

  protected *tryToTake(kind: Kind): Task<boolean> {
    yield pointOf(kind, this.id);
    if (!this.#holders.step(this.world.running, kind)) return false;
    this.order.take(this.world.running, this);
    return true;
  }

  protected *release(kind: Kind): Task {
    yield pointOf(kind, this.id);
    const wasHeld = this.#holders.step(this.world.running, kind);
    if (!wasHeld) this.world.violate('unlock by another thread');
    if (kind !== Kind.DOWNGRADE) this.order.release(this.world.running, this);
  }
}

/** A mutex, or a spinlock: a thread that holds one of those may not wait for one that sleeps. */
export class Mutex extends Lock {
  lock(): Task {
    return this.take(Kind.LOCK);
  }

  tryLock(): Task<boolean> {
    return this.tryToTake(Kind.TRY_LOCK);
  }

  unlock(): Task {
    return this.release(Kind.UNLOCK);
  }
}

/**
 * A `struct rw_semaphore`, without its fairness: readers and writers are let in in any order.
 *
 * @source Documentation/locking/locktypes.rst, include/linux/rwsem.h (the names)
 */
export class RwSemaphore extends Lock {
  downRead(): Task {
    return this.take(Kind.LOCK_SHARED);
  }

  downReadTrylock(): Task<boolean> {
    return this.tryToTake(Kind.TRY_LOCK_SHARED);
  }

  upRead(): Task {
    return this.release(Kind.UNLOCK_SHARED);
  }

  downWrite(): Task {
    return this.take(Kind.LOCK);
  }

  downWriteTrylock(): Task<boolean> {
    return this.tryToTake(Kind.TRY_LOCK);
  }

  upWrite(): Task {
    return this.release(Kind.UNLOCK);
  }

  /** From writer to reader, without a moment in between. */
  downgradeWrite(): Task {
    return this.release(Kind.DOWNGRADE);
  }
}
