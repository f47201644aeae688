/** A search that is stopped and gone on with sees what it would have seen without. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileSystem, indexer, lastZero, readers } from '../../test/check/literature.ts';
import { randomProgram, watch } from '../../test/check/random_program.ts';
import { Random } from '../../test/kernel/random.ts';
import { newSeed } from '../../test/seed.ts';
import {
  type Checkpoint,
  type Exploration,
  explore,
  type Scenario,
  type StrategyOption,
} from './index.ts';

/** Explores in slices of a random size; what is left goes through JSON, as through a file. */
function exploreInSlices(
  newScenario: () => Scenario,
  random: Random,
  strategy: StrategyOption = 'optimal',
): Exploration {
  let from: Checkpoint | undefined;
  for (;;) {
    const result = explore(newScenario(), {
      strategy,
      executionsMax: random.between(1, 9),
      ...(from && { from }),
    });
    if (result.rest === undefined) return result;
    assert.ok(result.bounds.includes('executions'));
    from = JSON.parse(JSON.stringify(result.rest)) as Checkpoint;
  }
}

/** What a search has seen: what it learnt by probes before it was stopped is to be learnt again. */
function seenBy({ probes: _, steps: __, ...seen }: Exploration): Partial<Exploration> {
  return seen;
}

const PROGRAMS: readonly (readonly [string, () => Scenario])[] = [
  ['readers(6)', () => readers(6)],
  ['lastzero(6)', () => lastZero(6)],
  ['filesystem(17)', () => fileSystem(17)],
  ['indexer(13)', () => indexer(13)],
];

for (const [name, program] of PROGRAMS) {
  test(`${name}, stopped again and again, gives the figures of one search`, () => {
    assert.deepEqual(seenBy(exploreInSlices(program, new Random(1))), seenBy(explore(program())));
  });
}

test('60 random programs with a limit on preemptions, stopped again and again', () => {
  const seed = newSeed();
  const random = new Random(seed);
  let cut = 0;
  for (let round = 0; round < 60; round++) {
    const program = randomProgram(random);
    const strategy = { name: 'preemptions', max: random.below(2) } as const;
    const whole = explore(watch(program).scenario, { strategy, executionsMax: 2000 });
    if (whole.bounds.includes('executions')) continue;
    const inSlices = exploreInSlices(() => watch(program).scenario, random, strategy);
    const place = `seed ${seed}, round ${round}: ${JSON.stringify({ program, strategy })}`;
    assert.deepEqual(seenBy(inSlices), seenBy(whole), place);
    if (whole.bounds.includes('preemptions')) cut++;
  }
  assert.ok(cut > 10);
});

test('100 random programs with choices and waiting, stopped again and again', () => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < 100; round++) {
    const program = randomProgram(random);
    const whole = explore(watch(program).scenario, { executionsMax: 2000 });
    if (!whole.isComplete) continue;
    const inSlices = exploreInSlices(() => watch(program).scenario, random);
    const place = `seed ${seed}, round ${round}: ${JSON.stringify(program)}`;
    assert.deepEqual(seenBy(inSlices), seenBy(whole), place);
  }
});

test('a checkpoint of another scenario is refused', () => {
  const { rest } = explore(lastZero(5), { executionsMax: 20 });
  assert.ok(rest);
  assert.throws(() => explore(readers(2), { from: rest }), { name: 'RangeError' });
  assert.throws(() => explore(lastZero(5), { from: rest, strategy: 'none' }), {
    name: 'TypeError',
  });
});

test('a search that is told to stop stops there, and goes on from there', () => {
  const whole = explore(lastZero(6));
  const seen: number[] = [];
  const first = explore(lastZero(6), {
    shouldStop: ({ runs }) => {
      seen.push(runs);
      return runs === 10;
    },
  });
  assert.deepEqual(
    seen,
    Array.from({ length: 11 }, (_, runs) => runs),
  );
  assert.deepEqual([first.bounds, first.isComplete, first.executions], [['stopped'], false, 10]);
  assert.deepEqual(explore(lastZero(6), { from: first.rest! }), whole);
});
