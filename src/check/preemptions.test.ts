/**
 * A search with few preemptions runs what the bound allows, once, and little else.
 *
 * `PTSHARE_RANDOM_PROGRAMS=10000` makes it as many as that.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChoosingProgram,
  choosingProgram,
  watchChoices,
} from '../../test/check/choosing_program.ts';
import { fetchAdds, indexer, lastZero, readers } from '../../test/check/literature.ts';
import {
  keepingProgram,
  type RandomProgram,
  randomProgram,
  type Watched,
  watch,
} from '../../test/check/random_program.ts';
import { Random } from '../../test/kernel/random.ts';
import { newSeed } from '../../test/seed.ts';
import { explore, type Scenario, type StrategyOption, World } from './index.ts';

const PROGRAMS = Number(process.env.PTSHARE_RANDOM_PROGRAMS ?? 100);

/**
 * How many ways there are to run threads of so many steps with at most `preemptions` preemptions, by
 * the definition: a switch from a thread that has not ended.
 *
 * @source M. Musuvathi, S. Qadeer, Iterative Context Bounding for Systematic Testing of Multithreaded
 *         Programs, PLDI 2007, section 3
 */
function countSchedules(left: readonly number[], preemptions: number, last = -1): number {
  if (left.every((steps) => steps === 0)) return 1;
  let sum = 0;
  left.forEach((steps, thread) => {
    const isPreemption = last >= 0 && thread !== last && left[last]! > 0;
    if (steps === 0 || (isPreemption && preemptions === 0)) return;
    const rest = left.map((each, at) => (at === thread ? each - 1 : each));
    sum += countSchedules(rest, preemptions - (isPreemption ? 1 : 0), thread);
  });
  return sum;
}

for (const [threads, steps, max] of [
  [2, 3, 0],
  [2, 3, 1],
  [2, 5, 2],
  [3, 3, 1],
  [3, 3, 2],
  [4, 2, 2],
] as const) {
  test(`${threads} threads of ${steps} steps with at most ${max} preemptions: those and no others`, () => {
    const result = explore(fetchAdds(threads, steps), {
      strategy: { name: 'preemptions', max, reduction: 'none' },
    });
    const expected = countSchedules(new Array<number>(threads).fill(steps), max);
    assert.deepEqual([result.executions, result.blocked], [expected, 0]);
    assert.deepEqual(result.bounds, ['switches']);
    assert.equal(result.isComplete, false);
    // The bound of the paper for executions with exactly c preemptions: C(nk, c) (n + c)!
    const choose = (n: number, k: number): number => (k === 0 ? 1 : (choose(n - 1, k - 1) * n) / k);
    const factorial = (n: number): number => (n < 2 ? 1 : n * factorial(n - 1));
    let paper = 0;
    for (let c = 0; c <= max; c++) paper += choose(threads * steps, c) * factorial(threads + c);
    assert.ok(result.executions <= paper);
  });
}

test('a bound on preemptions that nothing exceeds is no bound', () => {
  const result = explore(fetchAdds(3, 3), {
    strategy: { name: 'preemptions', max: 6, reduction: 'none' },
  });
  assert.deepEqual([result.executions, result.isComplete], [1680, true]);
});

interface Bounded {
  readonly executions: number;
  /** With those that were beyond the limit, or given up. */
  readonly run: number;
}

/** Holds a search with a limit against every schedule within it. */
function compareBounded(
  watchAnew: () => Pick<Watched, 'scenario' | 'trace'>,
  max: number,
  text: string,
): Bounded {
  const see = (strategy: StrategyOption) => {
    const watched = watchAnew();
    const traces = new Set<string>();
    const onComplete = () => traces.add(watched.trace());
    return { ...explore(watched.scenario, { strategy, onComplete }), traces };
  };
  const every = see({ name: 'preemptions', max, reduction: 'none' });
  const { traces, executions, beyond, blocked } = see({ name: 'preemptions', max });
  assert.deepEqual(traces, every.traces, `at most ${max}, ${text}`);
  assert.equal(executions, every.traces.size, `at most ${max}, ${text}`);
  return { executions, run: executions + beyond + blocked };
}

test(`with reduction, ${PROGRAMS} random programs: each order that needs so few preemptions, once`, (t) => {
  const seed = newSeed();
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  const [accepted, run] = [
    [0, 0, 0],
    [0, 0, 0],
  ];
  for (let round = 0; round < PROGRAMS; ) {
    const program = random.chance(70) ? randomProgram(random) : keepingProgram(random);
    const every = explore(watch(program).scenario, { strategy: 'none', executionsMax: 4000 });
    if (every.bounds.length > 0) continue;
    const place = `seed ${seed}: ${JSON.stringify(program)}`;
    for (const max of [0, 1, 2]) {
      const bounded = compareBounded(() => watch(program, { isExact: false }), max, place);
      accepted[max]! += bounded.executions;
      run[max]! += bounded.run;
    }
    round++;
  }
  t.diagnostic(`accepted ${accepted}, run ${run}, with at most 0, 1, 2 preemptions`);
  run.forEach((count, max) => {
    assert.ok(count <= 2 * accepted[max]!, `at most ${max}: ${count} for ${accepted[max]}`);
  });
});

/** Programs with orders that are reached only where several races are reversed at once. */
const HIDDEN: readonly RandomProgram[] = [
  [
    [
      ['cas', 1, 1],
      ['read', 0, 1],
    ],
    [
      ['read', 1, 2],
      ['write', 0, 2],
    ],
    [
      ['write', 1, 3],
      ['write', 0, 3],
    ],
    [
      ['read', 0, 4],
      ['read', 1, 4],
    ],
  ],
  [
    [
      ['read', 0, 1],
      ['tryWrite', 0, 0],
    ],
    [
      ['downRead', 0, 0],
      ['write', 0, 2],
      ['upRead', 0, 0],
    ],
    [
      ['read', 0, 3],
      ['tryRead', 1, 0],
    ],
  ],
  [
    [
      ['add', 0, 1],
      ['cas', 1, 1],
    ],
    [
      ['read', 1, 2],
      ['add', 1, 2],
      ['read', 0, 2],
    ],
    [
      ['read', 0, 3],
      ['write', 1, 3],
      ['cas', 0, 3],
    ],
  ],
  [
    [
      ['try', 1, 0],
      ['cas', 0, 1],
      ['lock', 0, 0],
      ['add', 0, 3],
      ['unlock', 0, 0],
    ],
    [
      ['lock', 1, 0],
      ['read', 0, 3],
      ['unlock', 1, 0],
      ['lock', 1, 0],
      ['add', 0, 3],
    ],
    [['read', 0, 3]],
  ],
  [
    [
      ['write', 0, 1],
      ['read', 1, 1],
    ],
    [
      ['add', 1, 2],
      ['cas', 1, 2],
    ],
    [
      ['read', 1, 3],
      ['add', 1, 3],
    ],
    [
      ['add', 0, 4],
      ['add', 1, 4],
    ],
  ],
  [
    [
      ['signal', 0, 0],
      ['cas', 1, 1],
    ],
    [
      ['signal', 0, 0],
      ['read', 1, 2],
    ],
    [
      ['write', 1, 3],
      ['read', 0, 3],
    ],
    [
      ['read', 1, 4],
      ['signal', 0, 0],
    ],
  ],
  [
    [
      ['write', 1, 1],
      ['lock', 0, 0],
      ['add', 0, 3],
      ['unlock', 0, 0],
      ['lock', 0, 0],
    ],
    [
      ['lock', 1, 0],
      ['cas', 1, 1],
      ['unlock', 1, 0],
    ],
    [
      ['lock', 1, 0],
      ['cas', 0, 2],
      ['unlock', 1, 0],
      ['lock', 1, 0],
      ['read', 1, 3],
    ],
  ],
];

test('orders that need few preemptions, and are next only to those that need more, are found', () => {
  for (const program of HIDDEN) {
    for (const max of [0, 1, 2])
      compareBounded(() => watch(program, { isExact: false }), max, JSON.stringify(program));
  }
});

test('with reduction, random programs whose steps have choices: each order and choice, once', (t) => {
  const seed = newSeed();
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  for (let round = 0; round < PROGRAMS; ) {
    const program = choosingProgram(random);
    const { scenario } = watchChoices(program);
    if (!explore(scenario, { strategy: 'none', executionsMax: 4000 }).isComplete) continue;
    const place = `seed ${seed}: ${JSON.stringify(program)}`;
    for (const max of [0, 1, 2]) compareBounded(() => watchChoices(program), max, place);
    round++;
  }
});

/** In which one choice of a step needs more preemptions than another. */
const CHOICES_APART: readonly ChoosingProgram[] = [
  [
    [9, 2, 13],
    [5, 10, 42],
    [34, 12, 38],
  ],
  [
    [19, 23, 4],
    [19, 6, 5, 23],
    [8, 41, 14],
  ],
];

test('what others do beside a choice that needs more preemptions than another is found', () => {
  for (const program of CHOICES_APART) {
    for (const max of [0, 1, 2]) {
      compareBounded(() => watchChoices(program), max, JSON.stringify(program));
    }
  }
});

/** Programs of the literature. */
const BOUNDED: readonly (readonly [string, () => Scenario])[] = [
  ['3 threads of 3 fetch_add', () => fetchAdds(3, 3)],
  ['4 threads of 2 fetch_add', () => fetchAdds(4, 2)],
  ['readers(5)', () => readers(5)],
  ['lastzero(7)', () => lastZero(7)],
  ['indexer(12)', () => indexer(12)],
  ['indexer(13)', () => indexer(13)],
];

for (const [name, program] of BOUNDED) {
  test(`${name} with few preemptions: at most twice as many executions are run as accepted`, () => {
    for (const max of [0, 1, 2]) {
      const { executions, beyond, blocked } = explore(program(), {
        strategy: { name: 'preemptions', max },
      });
      assert.ok(executions > 0);
      assert.ok(beyond + blocked <= executions, `${max}: ${executions}, ${beyond}, ${blocked}`);
    }
  });
}

test('60 random programs of threads that mostly do not meet: no order is missed', (t) => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < 60; round++) {
    // Two and two meet in a word of their own, and a fifth one may meet either.
    const program: RandomProgram = [0, 0, 1, 1, 2].map((word, thread) =>
      Array.from({ length: 1 + random.below(2) }, () => {
        const place = word === 2 && random.chance(60) ? random.below(3) : word;
        return [random.pick(['read', 'write', 'add', 'cas']), place, thread] as const;
      }),
    );
    const place = `seed ${seed}: ${JSON.stringify(program)}`;
    for (const max of [0, 1]) compareBounded(() => watch(program, { isExact: false }), max, place);
  }
  t.diagnostic(`seed ${seed}`);
});

test('fetch-and-adds with few preemptions: each schedule is an order, and no other is run', () => {
  for (const [threads, adds] of [
    [3, 3],
    [4, 2],
    [2, 5],
  ] as const) {
    for (const max of [0, 1, 2]) {
      const result = explore(fetchAdds(threads, adds), { strategy: { name: 'preemptions', max } });
      const expected = countSchedules(new Array<number>(threads).fill(adds), max);
      assert.deepEqual([result.executions, result.beyond, result.blocked], [expected, 0, 0]);
    }
  }
});

test('waiting for a lock is no preemption', () => {
  const world = new World();
  const lock = world.mutex('lock');
  const taker = function* () {
    yield* lock.lock();
    yield* lock.unlock();
  };
  const at = (max: number) =>
    explore(world.scenario([taker, taker]), {
      strategy: { name: 'preemptions', max, reduction: 'none' },
    }).executions;
  // Whoever holds the lock is stopped once, the other one waits.
  assert.deepEqual([at(0), at(1)], [2, 2]);
});
