/** Plain programs to explore: threads that are generator functions, and what they share. */
import { DEADLOCK } from '../execution.ts';
import type { Actor, Scenario } from '../scenario.ts';
import { Condition, LOST_WAKEUP } from './condition.ts';
import { keeperAfter, Mutex, RwSemaphore } from './lock.ts';
import { LockOrder } from './lock_order.ts';
import {
  areDependent,
  canChange,
  canWait,
  isOfLock,
  Kind,
  kindName,
  kindOf,
  objectOf,
  type Shared,
  type Task,
} from './shared.ts';
import { Word } from './word.ts';

/** What a thread runs. Its name is the function's. */
export type ThreadBody = () => Task<unknown>;

/** Threads that do the same: which of them does what makes no difference. */
export interface Identical {
  readonly count: number;
  readonly body: ThreadBody;
}

/** `count` threads that run `body`; of executions that differ only in their names one is explored. */
export function identical(count: number, body: ThreadBody): Identical {
  return { count, body };
}

/**
 * A world of shared words, locks and conditions. Make them first, then `scenario()` of the threads:
 *
 *     const world = new World();
 *     const counter = world.word('counter');
 *     const increment = function* () {
 *       const value = yield* counter.read();
 *       yield* counter.write(value + 1);
 *     };
 *     explore(world.scenario([increment, increment], () =>
 *       counter.value === 2 ? undefined : 'lost update'));
 *
 * Whatever else threads share, they must not touch: orders of such accesses are not searched.
 */
export class World {
  readonly #shared: Shared[] = [];
  readonly #order: LockOrder;
  #violation: string | undefined;
  #choice = 0;
  /** Where each thread stands, `undefined` once it has ended. */
  #points: (number | undefined)[] = [];
  /** The thread whose step this is. */
  running = 0;

  constructor() {
    this.#order = new LockOrder(this);
  }

  word(name: string, initial = 0): Word {
    return this.#add(new Word(this, name, this.#shared.length, initial));
  }

  mutex(name: string): Mutex {
    return this.#add(new Mutex(this, this.#order, name, this.#shared.length, true));
  }

  spinlock(name: string): Mutex {
    return this.#add(new Mutex(this, this.#order, name, this.#shared.length, false));
  }

  rwSemaphore(name: string): RwSemaphore {
    return this.#add(new RwSemaphore(this, this.#order, name, this.#shared.length, true));
  }

  condition(name: string): Condition {
    return this.#add(new Condition(this, name, this.#shared.length, () => this.#choice));
  }

  /** Reports that a property is violated; the first one counts. */
  violate(property: string): void {
    this.#violation ??= property;
  }

  /**
   * With identical threads neither a body nor `atEnd` may tell them apart, as by `running`. In a world
   * with conditions they are threads like any other: a signal chooses among those who wait by name.
   *
   * @param atEnd what a final state violates, or `undefined`
   */
  scenario(
    threads: readonly (ThreadBody | Identical)[],
    atEnd: () => string | undefined = () => undefined,
  ): Scenario<number> {
    const shared = this.#shared;
    const bodies = threads.flatMap((each) =>
      typeof each === 'function' ? [each] : new Array<ThreadBody>(each.count).fill(each.body),
    );
    const canName = shared.some((each) => each instanceof Condition);
    return {
      start: () => this.#start(bodies),
      identical: canName ? [] : groupsOf(threads),
      mayGo: (thread, at) => {
        const kind = kindOf(at);
        return kind <= Kind.WRITE || shared[objectOf(at)]!.mayGo(thread, kind);
      },
      countChoices: (_thread, at) =>
        kindOf(at) === Kind.SIGNAL ? (shared[objectOf(at)] as Condition).ways : 1,
      choose: (choice) => {
        this.#choice = choice;
      },
      areDependent,
      canChange,
      pointNow: (thread, at) => (shared[objectOf(at)] as Word).casNow(thread),
      canWait,
      gateOf: (at) => (isOfLock(at) ? objectOf(at) : -1),
      keeperAfter: (_thread, at, threads, points) => keeperAfter(at, threads, points),
      canChoose: (at) => kindOf(at) === Kind.SIGNAL,
      violation: () => this.#violation,
      violationAtEnd: atEnd,
      nameDeadlock: () => this.#nameDeadlock(),
      state: () => shared.map((each) => ({ of: each.name, is: each.state() })),
      describe: (at) => `${kindName(kindOf(at))} ${shared[objectOf(at)]!.name}`,
    };
  }

  #add<S extends Shared>(shared: S): S {
    this.#shared.push(shared);
    return shared;
  }

  #start(threads: readonly ThreadBody[]): Actor<number>[] {
    this.#violation = undefined;
    this.#order.reset(threads.length);
    for (const shared of this.#shared) shared.reset();
    return threads.map((body, thread) => {
      const task = body();
      const next = (): IteratorResult<number, unknown> => {
        this.running = thread;
        const result = task.next();
        this.#points[thread] = result.done === true ? undefined : result.value;
        return result;
      };
      return { name: body.name || `thread ${thread}`, operation: { next }, isDaemon: false };
    });
  }

  /** Threads that nobody will wake, or that wait for each other. */
  #nameDeadlock(): string {
    const stuck = this.#points.filter((at) => at !== undefined);
    return stuck.every((at) => kindOf(at) === Kind.WOKEN) ? LOST_WAKEUP : DEADLOCK;
  }
}

/** The numbers of threads that are identical, by group. */
function groupsOf(threads: readonly (ThreadBody | Identical)[]): number[][] {
  const groups: number[][] = [];
  let next = 0;
  for (const each of threads) {
    const first = next;
    next += typeof each === 'function' ? 1 : each.count;
    if (next > first + 1) groups.push(Array.from({ length: next - first }, (_, at) => first + at));
  }
  return groups;
}
