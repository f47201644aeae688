/**
 * Identical threads are explored once: what is seen are all executions of the search of every
 * schedule, up to the names of identical threads, and each of them once.
 *
 * `PTSHARE_RANDOM_PROGRAMS=10000` makes it as many as that.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { identicalAdds, identicalReaders } from '../../test/check/literature.ts';
import { identicalProgram, type Watched, watch } from '../../test/check/random_program.ts';
import { Random } from '../../test/kernel/random.ts';
import { newSeed } from '../../test/seed.ts';
import {
  type Exploration,
  explore,
  identical,
  replay,
  type Scenario,
  type StrategyOption,
  World,
} from './index.ts';

const PROGRAMS = Number(process.env.PTSHARE_RANDOM_PROGRAMS ?? 300);
/** Programs with more schedules are passed over. */
const SCHEDULES_MAX = 4000;

/** All ways to exchange the names of threads within their groups. */
function namings(groups: readonly (readonly number[])[], threads: number): number[][] {
  let all: number[][] = [Array.from({ length: threads }, (_, thread) => thread)];
  for (const group of groups) {
    all = all.flatMap((names) =>
      permutationsOf(group).map((order) => {
        const next = names.slice();
        group.forEach((thread, at) => {
          next[thread] = order[at]!;
        });
        return next;
      }),
    );
  }
  return all;
}

function permutationsOf(items: readonly number[]): number[][] {
  if (items.length === 0) return [[]];
  return items.flatMap((first) =>
    permutationsOf(items.filter((each) => each !== first)).map((rest) => [first, ...rest]),
  );
}

/** The least of what something is called with all names. */
const least = (texts: readonly string[]): string => texts.toSorted()[0]!;

interface Seen extends Exploration {
  /** Up to names. */
  readonly outcomes: ReadonlySet<string>;
  readonly traces: ReadonlySet<string>;
}

function see(
  { scenario, outcome, trace }: Watched,
  names: readonly (readonly number[])[],
  strategy: StrategyOption,
): Seen {
  const [outcomes, traces] = [new Set<string>(), new Set<string>()];
  const seen = new Set<string>();
  const result = explore(scenario, {
    strategy,
    executionsMax: SCHEDULES_MAX,
    onComplete: () => {
      const own = trace();
      if (seen.has(own)) return;
      seen.add(own);
      outcomes.add(least(names.map((each) => outcome(each))));
      traces.add(least(names.map((each) => trace(each))));
    },
  });
  return { ...result, outcomes, traces };
}

test(`${PROGRAMS} random programs with identical threads: all there is up to names, once`, (t) => {
  const seed = newSeed();
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  let [compared, plain, reduced] = [0, 0, 0];
  while (compared < PROGRAMS) {
    const { program, groups } = identicalProgram(random);
    const names = namings(groups, program.length);
    const every = see(watch(program), names, 'none');
    if (!every.isComplete) continue;
    const text = `seed ${seed}, program ${compared}: ${JSON.stringify({ program, groups })}`;
    for (const isTerse of [false, true]) {
      const watched = watch(program, { isTerse });
      const scenario: Scenario = { ...watched.scenario, identical: groups };
      const once = see({ ...watched, scenario }, names, 'optimal');
      assert.ok(once.isComplete, text);
      assert.deepEqual(once.outcomes, every.outcomes, text);
      assert.deepEqual(once.traces, every.traces, text);
      assert.deepEqual([once.executions, once.blocked], [every.traces.size, 0], text);
      reduced += once.executions;
    }
    plain += 2 * explore(watch(program).scenario).executions;
    compared++;
  }
  t.diagnostic(`${reduced} executions instead of ${plain}`);
  assert.ok(reduced < plain);
});

test('60 random programs with identical threads and few preemptions: all there is up to names', () => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let compared = 0; compared < 60; ) {
    const { program, groups } = identicalProgram(random);
    const names = namings(groups, program.length);
    if (!see(watch(program), names, 'none').isComplete) continue;
    for (const max of [0, 1]) {
      const watched = watch(program, { isExact: false });
      const scenario: Scenario = { ...watched.scenario, identical: groups };
      const every = see(watched, names, { name: 'preemptions', max, reduction: 'none' });
      const once = see({ ...watched, scenario }, names, { name: 'preemptions', max });
      const text = `seed ${seed}, at most ${max}: ${JSON.stringify({ program, groups })}`;
      assert.deepEqual(once.traces, every.traces, text);
      assert.equal(once.executions, every.traces.size, text);
    }
    compared++;
  }
});

const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));

for (const [threads, adds] of [
  [3, 3],
  [5, 1],
  [4, 2],
  [16, 1],
] as const) {
  const executions = factorial(threads * adds) / factorial(adds) ** threads / factorial(threads);
  test(`${threads} identical threads of ${adds} fetch-and-adds: ${threads}! times fewer executions`, () => {
    const result = explore(identicalAdds(threads, adds));
    assert.deepEqual([result.executions, result.blocked], [Math.round(executions), 0]);
    assert.deepEqual([result.isComplete, result.isSymmetric], [true, true]);
  });
}

test('readers of one write: how many come before it, not which of them', () => {
  assert.equal(explore(identicalReaders(13)).executions, 14);
});

test('a lost update among identical threads is found, and can be replayed', () => {
  const world = new World();
  const counter = world.word('counter');
  const increment = function* () {
    const value = yield* counter.read();
    yield* counter.write(value + 1);
  };
  const scenario = world.scenario([identical(4, increment)], () =>
    counter.value === 4 ? undefined : 'lost update',
  );
  const { finding } = explore(scenario);
  assert.equal(finding?.property, 'lost update');
  assert.deepEqual(replay(scenario, finding.schedule), finding);
});

test('a signal tells threads apart: with conditions, none are identical', () => {
  const world = new World();
  const [lock, ready] = [world.mutex('lock'), world.condition('ready')];
  const waiter = function* () {
    yield* lock.lock();
    yield* ready.wait(lock);
    yield* lock.unlock();
  };
  const scenario = world.scenario([
    identical(2, waiter),
    function* signaller() {
      yield* ready.signal();
    },
  ]);
  const result = explore(scenario);
  assert.equal(result.isSymmetric, false);
  assert.equal(result.finding?.property, 'lost wake-up');
});
