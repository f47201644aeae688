/**
 * Small programs of exchanges, locks, tries and waiting, with the number of executions that Nidhugg
 * counts: those in which somebody waits for ever included.
 *
 * @source github.com/nidhugg/nidhugg, tests/smoke: what C-tests/ does, the numbers of
 *         reference.results.txt (`--sc`, and `--sc --optimal` where threads wait)
 */
import { type Scenario, type Task, type ThreadBody, World } from '../../src/check/index.ts';

export interface Counted {
  /** The name of the test there. */
  readonly name: string;
  readonly executions: number;
  readonly scenario: Scenario;
}

const times = (count: number, body: (index: number) => Task): ThreadBody[] =>
  Array.from({ length: count }, (_, index) => () => body(index));
const isZero = (value: number): boolean => value === 0;

/** Whoever waits for ever is no finding here, so that everything is counted. */
function counted(
  name: string,
  executions: number,
  program: (world: World) => readonly ThreadBody[],
): Counted {
  const world = new World();
  const scenario = world.scenario(program(world));
  const start = (): ReturnType<Scenario['start']> =>
    scenario.start().map((actor) => ({ ...actor, isDaemon: true }));
  return { name, executions, scenario: { ...scenario, start } };
}

export const COUNTED: readonly Counted[] = [
  counted('fib_bench_true_1', 11, (world) => fibonacci(world, 1)),
  counted('fib_bench_true_2', 140, (world) => fibonacci(world, 2)),
  counted('bug_after_1k', 1716, (world) => {
    const x = world.word('x');
    function* writing(): Task {
      for (let value = 0; value < 6; value++) yield* x.write(value);
    }
    function* reading(): Task {
      yield* x.read();
      yield* writing();
    }
    return [writing, reading];
  }),
  // A compare-and-exchange that fails only reads.
  counted('cmpxhg_test_3', 5, (world) => {
    const x = world.word('x');
    return times(3, function* (index) {
      yield* x.cas(index, index + 1);
    });
  }),
  counted('mutex_order_2', 2, (world) => locking(world, { locking: 2 })),
  counted('mutex_order_3', 6, (world) => locking(world, { locking: 3 })),
  counted('mutex_vs_trylock_1', 3, (world) => locking(world, { locking: 1, trying: 1 })),
  counted('mutex_vs_trylock_2', 16, (world) => locking(world, { locking: 1, trying: 2 })),
  counted('mutex_trylock_unlock', 24, (world) => locking(world, { trying: 3 })),
  counted('mutex_trylock_deadlock', 6, (world) => locking(world, { trying: 3, keeps: () => true })),
  counted('mutex_deadlock_2', 2, (world) => locking(world, { locking: 2, keeps: () => true })),
  counted('mutex_deadlock_3', 3, (world) => locking(world, { locking: 3, keeps: () => true })),
  counted('mutex_deadlock_one', 5, (world) =>
    locking(world, { locking: 3, keeps: (index) => index === 2 }),
  ),
  counted('mutex_hard', 4, (world) =>
    locking(world, { locking: 3, keeps: (index, before) => index !== before }),
  ),
  counted('simplified_dekker_opt', 3, (world) => {
    const [x, y] = [world.word('x'), world.word('y')];
    return times(2, function* (index) {
      const [mine, its] = index === 0 ? [x, y] : [y, x];
      yield* mine.write(1);
      yield* its.until(isZero);
      yield* mine.write(0);
    });
  }),
  counted('dekker_lock_trylock_opt', 4, (world) => {
    const [x, y] = [world.word('x'), world.word('y')];
    return [
      function* trying(): Task {
        yield* x.write(1);
        yield* y.read();
        yield* x.write(0);
      },
      function* locking(): Task {
        yield* y.write(1);
        yield* x.until(isZero);
        yield* y.write(0);
      },
    ];
  }),
  counted('broken_mutual_exclusion_opt', 4, (world) => {
    const x = world.word('x');
    return times(2, function* () {
      yield* x.until(isZero);
      yield* x.write(1);
    });
  }),
  counted('revealed_write_opt', 2, (world) => {
    const [x, y] = [world.word('x'), world.word('y')];
    return [
      function* revealing(): Task {
        yield* x.until(isZero);
        yield* y.write(1);
      },
      function* hiding(): Task {
        yield* x.write(1);
        yield* y.until((value) => value === 1);
      },
    ];
  }),
  counted('parker_reproc_1_opt', 7, (world) => {
    const [x, y, count, condition] = [
      world.word('x'),
      world.word('y'),
      world.word('count'),
      world.word('condition'),
    ];
    return [
      function* parking(): Task {
        yield* x.write(1);
        if ((yield* y.read()) !== 0) return;
        yield* condition.write(1);
        yield* x.write(0);
        yield* count.write(0);
      },
      function* unparking(): Task {
        yield* y.write(1);
        yield* x.until(isZero);
        const before = yield* count.read();
        yield* count.write(1);
        yield* y.write(0);
        if (before < 1) yield* condition.write(0);
      },
    ];
  }),
  counted('plptest_burns_nobound', 9, (world) => {
    const [first, second, critical] = [
      world.word('first'),
      world.word('second'),
      world.word('critical'),
    ];
    function* enter(thread: number): Task {
      yield* critical.write(thread);
      yield* critical.read();
    }
    return [
      function* before(): Task {
        yield* first.write(0);
        yield* first.write(1);
        yield* second.until(isZero);
        yield* enter(0);
        yield* first.write(0);
      },
      function* behind(): Task {
        yield* second.write(0);
        yield* first.until(isZero);
        yield* second.write(1);
        yield* first.until(isZero);
        yield* enter(1);
        yield* second.write(0);
      },
    ];
  }),
];

interface Locking {
  /** Threads that take the mutex, and those that try to, before them. */
  readonly locking?: number;
  readonly trying?: number;
  /** Whether a thread keeps it, by its index and how many have had it before. */
  readonly keeps?: (index: number, before: number) => boolean;
}

/** Threads that count under one mutex. */
function locking(
  world: World,
  { locking = 0, trying = 0, keeps = () => false }: Locking,
): ThreadBody[] {
  const [mutex, count] = [world.mutex('mutex'), world.word('count')];
  return times(trying + locking, function* (index) {
    if (index >= trying) yield* mutex.lock();
    else if (!(yield* mutex.tryLock())) return;
    const before = yield* count.fetchAdd(1);
    if (!keeps(index, before)) yield* mutex.unlock();
  });
}

/** Two threads add each other's word to their own, a third one reads both. */
function fibonacci(world: World, rounds: number): ThreadBody[] {
  const [i, j] = [world.word('i', 1), world.word('j', 1)];
  const adding = (into: typeof i): ThreadBody =>
    function* () {
      for (let round = 0; round < rounds; round++) {
        const sum = (yield* i.read()) + (yield* j.read());
        yield* into.write(sum);
      }
    };
  return [
    adding(i),
    adding(j),
    function* reading(): Task {
      yield* i.read();
      yield* j.read();
    },
  ];
}
