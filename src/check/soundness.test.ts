/**
 * Nothing is lost and nothing is seen twice: on random programs with locks, conditions and waiting,
 * the reduced searches are held against the search of every schedule.
 *
 * `PTSHARE_RANDOM_PROGRAMS=10000` makes it as many as that.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { choosingProgram, watchChoices } from '../../test/check/choosing_program.ts';
import { type RandomProgram, randomProgram, watch } from '../../test/check/random_program.ts';
import { Random } from '../../test/kernel/random.ts';
import { newSeed } from '../../test/seed.ts';
import { type Exploration, explore, type StrategyOption, World } from './index.ts';

const PROGRAMS = Number(process.env.PTSHARE_RANDOM_PROGRAMS ?? 300);
/** Programs with more schedules are passed over. */
const SCHEDULES_MAX = 4000;

interface Seen extends Exploration {
  readonly outcomes: ReadonlySet<string>;
  readonly traces: ReadonlySet<string>;
}

function see(program: RandomProgram, strategy: StrategyOption, isTerse = false): Seen {
  const watched = watch(program, { isTerse });
  const outcomes = new Set<string>();
  const traces = new Set<string>();
  const result = explore(watched.scenario, {
    strategy,
    executionsMax: SCHEDULES_MAX,
    onComplete: () => {
      outcomes.add(watched.outcome());
      traces.add(watched.trace());
    },
  });
  return { ...result, outcomes, traces };
}

test(`${PROGRAMS} random programs: the same final states, each order of conflicts once`, (t) => {
  const seed = newSeed();
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  let compared = 0;
  while (compared < PROGRAMS) {
    const program = randomProgram(random);
    const all = see(program, 'none');
    if (!all.isComplete) continue;
    const text = `seed ${seed}, program ${compared}: ${JSON.stringify(program)}`;
    for (const [strategy, isTerse] of [
      ['optimal', false],
      ['optimal', true],
      ['sleep', false],
    ] as const) {
      const reduced = see(program, strategy, isTerse);
      assert.ok(reduced.isComplete, text);
      assert.deepEqual(reduced.outcomes, all.outcomes, text);
      assert.deepEqual(reduced.traces, all.traces, text);
      assert.equal(reduced.executions, all.traces.size, text);
      if (strategy === 'optimal') assert.equal(reduced.blocked, 0, text);
    }
    compared++;
  }
});

test(`${PROGRAMS} random programs whose steps have choices: each order and choice once`, (t) => {
  const seed = newSeed();
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  let compared = 0;
  while (compared < PROGRAMS) {
    const program = choosingProgram(random);
    const [plain, reduced] = (['none', 'optimal'] as const).map((strategy) => {
      const { scenario, trace } = watchChoices(program);
      const traces = new Set<string>();
      const onComplete = () => traces.add(trace());
      return {
        ...explore(scenario, { strategy, onComplete, executionsMax: SCHEDULES_MAX }),
        traces,
      };
    });
    if (!plain!.isComplete) continue;
    const text = `seed ${seed}, program ${compared}: ${JSON.stringify(program)}`;
    assert.deepEqual(reduced!.traces, plain!.traces, text);
    assert.deepEqual([reduced!.executions, reduced!.blocked], [plain!.traces.size, 0], text);
    compared++;
  }
});

/** In which a writer may go before some readers that keep their lock, and behind others that do not. */
const BETWEEN_READERS: readonly RandomProgram[] = [
  [
    [
      ['downRead', 0, 0],
      ['add', 1, 1],
      ['upRead', 0, 0],
    ],
    [['downRead', 0, 0]],
    [['downWrite', 0, 0]],
    [
      ['read', 1, 4],
      ['downRead', 0, 0],
    ],
  ],
  [
    [['downWrite', 0, 0]],
    [
      ['downRead', 0, 0],
      ['write', 1, 2],
    ],
    [
      ['downRead', 0, 0],
      ['downRead', 0, 0],
    ],
    [
      ['downRead', 0, 0],
      ['read', 0, 4],
      ['upRead', 0, 0],
    ],
  ],
];

for (const [at, program] of BETWEEN_READERS.entries()) {
  test(`a writer may go between readers (${at})`, () => {
    const all = see(program, 'none');
    assert.ok(all.isComplete);
    for (const isTerse of [false, true]) {
      const { traces, executions, blocked } = see(program, 'optimal', isTerse);
      assert.deepEqual(traces, all.traces);
      assert.deepEqual([executions, blocked], [all.traces.size, 0]);
    }
  });
}

test('a writer may go before two readers that wait for each other with the lock held', () => {
  const world = new World();
  const [x, y, lock] = [world.word('x'), world.word('y'), world.rwSemaphore('lock')];
  const order: string[] = [];
  const orders = new Set<string>();
  const meet = (mine: typeof x, other: typeof x) =>
    function* reader() {
      yield* lock.downRead();
      order.push('reader');
      yield* mine.write(1);
      yield* other.until((value) => value === 1);
      yield* lock.upRead();
    };
  const scenario = world.scenario([
    meet(x, y),
    meet(y, x),
    function* writer() {
      yield* lock.downWrite();
      order.push('writer');
      yield* lock.upWrite();
    },
  ]);
  const result = explore(
    {
      ...scenario,
      start: () => {
        order.length = 0;
        return scenario.start();
      },
    },
    { onComplete: () => orders.add(order.join(' ')) },
  );
  assert.deepEqual(
    [...orders].sort(),
    ['reader reader writer', 'writer reader reader'],
    'and not between them',
  );
  assert.deepEqual([result.executions, result.blocked], [2, 0]);
});
