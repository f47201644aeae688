/** Locks: mutexes and spinlocks with one holder, rw-semaphores with one writer or many readers. */
import type { LockOrder } from './lock_order.ts';
import { Kind, pointOf, Shared, type Surroundings, type Task } from './shared.ts';

const FREE = -1;

/** What the three have in common: who holds them, and in which order they are taken. */
abstract class Lock extends Shared {
  protected readonly order: LockOrder;
  protected holder = FREE;
  protected readonly readers = new Set<number>();
  /** Whether a thread that waits for it gives its CPU away. */
  readonly sleeps: boolean;

  constructor(world: Surroundings, order: LockOrder, name: string, id: number, sleeps: boolean) {
    super(world, name, id);
    this.order = order;
    this.sleeps = sleeps;
  }

  override state(): string {
    if (this.holder !== FREE) return `held by thread ${this.holder}`;
    if (this.readers.size === 0) return 'free';
    return `held by readers ${[...this.readers].sort().join(', ')}`;
  }

  override reset(): void {
    this.holder = FREE;
    this.readers.clear();
  }

  override mayGo(_thread: number, kind: Kind): boolean {
    if (kind === Kind.LOCK) return this.holder === FREE && this.readers.size === 0;
    return kind !== Kind.LOCK_SHARED || this.holder === FREE;
  }

  protected *take(): Task {
    this.#expect();
    yield pointOf(Kind.LOCK, this.id);
    this.holder = this.world.running;
    this.order.take(this.world.running, this);
  }

  protected *tryToTake(): Task<boolean> {
    yield pointOf(Kind.TRY_LOCK, this.id);
    if (!this.mayGo(this.world.running, Kind.LOCK)) return false;
    this.holder = this.world.running;
    this.order.take(this.world.running, this);
    return true;
  }

  protected *release(): Task {
    yield pointOf(Kind.UNLOCK, this.id);
    if (this.holder !== this.world.running) this.world.violate('unlock by another thread');
    this.holder = FREE;
    this.order.release(this.world.running, this);
  }

  protected *takeShared(): Task {
    this.#expect();
    yield pointOf(Kind.LOCK_SHARED, this.id);
    this.readers.add(this.world.running);
    this.order.take(this.world.running, this);
  }

  protected *tryToTakeShared(): Task<boolean> {
    yield pointOf(Kind.TRY_LOCK_SHARED, this.id);
    if (this.holder !== FREE) return false;
    this.readers.add(this.world.running);
    this.order.take(this.world.running, this);
    return true;
  }

  protected *releaseShared(): Task {
    yield pointOf(Kind.UNLOCK_SHARED, this.id);
    const wasHeld = this.readers.delete(this.world.running);
    if (!wasHeld) this.world.violate('unlock by another thread');
    this.order.release(this.world.running, this);
  }

  protected *downgrade(): Task {
    yield pointOf(Kind.DOWNGRADE, this.id);
    if (this.holder !== this.world.running) this.world.violate('unlock by another thread');
    this.holder = FREE;
    this.readers.add(this.world.running);
  }

  /** The thread is about to wait for this lock, if it has to. */
  #expect(): void {
    this.order.expect(this.world.running, this);
  }
}

/** A mutex, or a spinlock: a thread that holds one of those may not wait for one that sleeps. */
export class Mutex extends Lock {
  lock(): Task {
    return this.take();
  }

  tryLock(): Task<boolean> {
    return this.tryToTake();
  }

  unlock(): Task {
    return this.release();
  }
}

/**
 * A `struct rw_semaphore`, without its fairness: readers and writers are let in in any order.
 *
 * @source Documentation/locking/locktypes.rst, include/linux/rwsem.h (the names)
 */
export class RwSemaphore extends Lock {
  downRead(): Task {
    return this.takeShared();
  }

  downReadTrylock(): Task<boolean> {
    return this.tryToTakeShared();
  }

  upRead(): Task {
    return this.releaseShared();
  }

  downWrite(): Task {
    return this.take();
  }

  downWriteTrylock(): Task<boolean> {
    return this.tryToTake();
  }

  upWrite(): Task {
    return this.release();
  }

  /** From writer to reader, without a moment in between. */
  downgradeWrite(): Task {
    return this.downgrade();
  }
}
