/**
 * The programs on which partial-order reductions are measured.
 *
 * @source readers, lastzero: P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas, Optimal Dynamic Partial
 *         Order Reduction, POPL 2014; filesystem, indexer: C. Flanagan, P. Godefroid, Dynamic
 *         Partial-Order Reduction for Model Checking Software, POPL 2005
 */
import { identical, type Scenario, type Task, World } from '../../src/check/index.ts';

const times = <T>(count: number, make: (index: number) => T): T[] =>
  Array.from({ length: count }, (_, index) => make(index));

/** One thread writes a word that `count` threads read. */
export function readers(count: number): Scenario {
  const world = new World();
  const x = world.word('x');
  return world.scenario([
    function* writer() {
      yield* x.write(42);
    },
    ...times(
      count,
      () =>
        function* reader() {
          yield* x.read();
        },
    ),
  ]);
}

/** Threads add to their neighbour's element, while one looks for the last zero. */
export function lastZero(count: number): Scenario {
  const world = new World();
  const array = times(count + 1, (index) => world.word(`array[${index}]`));
  return world.scenario([
    function* seeker() {
      let at = count;
      while ((yield* array[at]!.read()) !== 0) at--;
    },
    ...times(
      count,
      (index) =>
        function* adder(): Task {
          const before = yield* array[index]!.read();
          yield* array[index + 1]!.write(before + 1);
        },
    ),
  ]);
}

/** Threads allocate blocks to inodes under locks of both; few of them meet. */
export function fileSystem(count: number): Scenario {
  const [blocks, inodes] = [26, 32];
  const world = new World();
  const inodeLocks = times(inodes, (index) => world.mutex(`locki[${index}]`));
  const inode = times(inodes, (index) => world.word(`inode[${index}]`));
  const blockLocks = times(blocks, (index) => world.mutex(`lockb[${index}]`));
  const busy = times(blocks, (index) => world.word(`busy[${index}]`));
  return world.scenario(
    times(
      count,
      (thread) =>
        function* allocate(): Task {
          const i = thread % inodes;
          yield* inodeLocks[i]!.lock();
          if ((yield* inode[i]!.read()) === 0) {
            let b = (i * 2) % blocks;
            for (;;) {
              yield* blockLocks[b]!.lock();
              if ((yield* busy[b]!.read()) === 0) break;
              yield* blockLocks[b]!.unlock();
              b = (b + 1) % blocks;
            }
            yield* busy[b]!.write(1);
            yield* inode[i]!.write(b + 1);
            yield* blockLocks[b]!.unlock();
          }
          yield* inodeLocks[i]!.unlock();
        },
    ),
  );
}

/** Threads insert into a hash table by compare-and-swap; few of their keys collide. */
export function indexer(count: number): Scenario {
  const [size, messages] = [128, 4];
  const world = new World();
  const table = times(size, (index) => world.word(`table[${index}]`));
  return world.scenario(
    times(
      count,
      (thread) =>
        function* insert(): Task {
          for (let message = 1; message <= messages; message++) {
            const word = message * 11 + thread;
            let at = (word * 7) % size;
            while (!(yield* table[at]!.cas(0, word))) at = (at + 1) % size;
          }
        },
    ),
  );
}

/** `threads` threads add to one word `adds` times each. */
export function fetchAdds(threads: number, adds: number): Scenario {
  const world = new World();
  const x = world.word('x');
  return world.scenario(
    times(
      threads,
      () =>
        function* adder() {
          for (let add = 0; add < adds; add++) yield* x.fetchAdd(1);
        },
    ),
  );
}

/** The same, by threads that are said to be identical. */
export function identicalAdds(threads: number, adds: number): Scenario {
  const world = new World();
  const x = world.word('x');
  const adder = function* () {
    for (let add = 0; add < adds; add++) yield* x.fetchAdd(1);
  };
  return world.scenario([identical(threads, adder)]);
}

/** One thread writes a word that `count` threads read, which are said to be identical. */
export function identicalReaders(count: number): Scenario {
  const world = new World();
  const x = world.word('x');
  return world.scenario([
    function* writer() {
      yield* x.write(42);
    },
    identical(count, function* reader() {
      yield* x.read();
    }),
  ]);
}
