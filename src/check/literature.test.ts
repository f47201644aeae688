/** The number of executions that the literature gives for its programs, and that mathematics gives. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchAdds, fileSystem, indexer, lastZero, readers } from '../../test/check/literature.ts';
import { COUNTED } from '../../test/check/nidhugg.ts';
import {
  type Access,
  countTraces,
  scenarioOf,
  straightLine,
} from '../../test/check/straight_line.ts';
import { Random } from '../../test/kernel/random.ts';
import { newSeed } from '../../test/seed.ts';
import { explore, type Scenario } from './index.ts';

function countOptimally(scenario: Scenario): number {
  const result = explore(scenario);
  assert.ok(result.isComplete);
  assert.equal(result.blocked, 0);
  return result.executions;
}

/**
 * @source P. Abdulla, S. Aronis, B. Jonsson, K. Sagonas, Optimal Dynamic Partial Order Reduction,
 *         POPL 2014, tables of section 9, columns of the optimal algorithm: readers(8) 256 and
 *         readers(13) 8192; lastzero(5) 64, lastzero(10) 3328, lastzero(15) 147456;
 *         filesystem(14) 2, (16) 8, (18) 32, (19) 64; indexer(12) 8, indexer(15) 4096
 */
const PUBLISHED: readonly (readonly [string, (size: number) => Scenario, [number, number][]])[] = [
  [
    'readers',
    readers,
    [
      [2, 4],
      [8, 256],
      [13, 8192],
    ],
  ],
  [
    'lastzero',
    lastZero,
    [
      [5, 64],
      [10, 3328],
    ],
  ],
  [
    'filesystem',
    fileSystem,
    [
      [13, 1],
      [14, 2],
      [16, 8],
      [18, 32],
      [19, 64],
    ],
  ],
  [
    'indexer',
    indexer,
    [
      [11, 1],
      [12, 8],
      [13, 64],
      [15, 4096],
    ],
  ],
];

for (const [name, program, sizes] of PUBLISHED) {
  for (const [size, executions] of sizes) {
    test(`${name}(${size}) has the ${executions} executions that were published, none in vain`, () => {
      assert.equal(countOptimally(program(size)), executions);
    });
  }
}

for (const { name, executions, scenario } of COUNTED) {
  test(`${name}: ${executions} executions, as many as Nidhugg has counted`, () => {
    assert.equal(countOptimally(scenario), executions);
  });
}

test('three threads of three fetch-and-adds to one word have 9! / (3! 3! 3!) executions', () => {
  assert.equal(countOptimally(fetchAdds(3, 3)), 1680);
});

/** Each line: name, threads, traces. Cycles that sequential consistency forbids are left out. */
const LITMUS: readonly (readonly [string, readonly string[], number])[] = [
  ['store buffering', ['Wx Ry', 'Wy Rx'], 2 ** 2 - 1],
  ['message passing', ['Wx Wy', 'Ry Rx'], 2 ** 2 - 1],
  ['load buffering', ['Rx Wy', 'Ry Wx'], 2 ** 2 - 1],
  ['2+2w', ['Wx Wy', 'Wy Wx'], 2 ** 2 - 1],
  ['write to read causality', ['Wx', 'Rx Wy', 'Ry Rx'], 2 ** 3 - 1],
  ['independent reads of independent writes', ['Wx', 'Wy', 'Rx Ry', 'Ry Rx'], 2 ** 4 - 1],
  ['store buffering in a ring of 5', ['Wa Rb', 'Wb Rc', 'Wc Rd', 'Wd Re', 'We Ra'], 2 ** 5 - 1],
  ['five writers of one word', ['Wx', 'Wx', 'Wx', 'Wx', 'Wx'], 120],
  // In these two, events that a race leaves alone come only after it, or only in a later execution.
  ['an old race with its later steps', ['Rx Wy', 'Wx Wz', 'Wx Wx', 'Ry Wz'], 48],
  ['an old race with new steps', ['Rz Wx Rx', 'Ry Wz', 'Wx Ry Ry', 'Rz Wz', 'Rx Wy Rx'], 615],
  ['threads that share nothing', ['Wa Ra', 'Wb Rb', 'Wc Rc'], 1],
];

for (const [name, text, traces] of LITMUS) {
  test(`${name}: ${traces} executions`, () => {
    const threads = straightLine(text);
    assert.equal(countTraces(threads), traces, 'counted from the text');
    assert.equal(countOptimally(scenarioOf(threads)), traces);
  });
}

test('300 random programs without branches have as many executions as orders of their conflicts', () => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < 300; round++) {
    const threads = Array.from({ length: random.between(2, 4) }, () =>
      Array.from(
        { length: random.between(1, 3) },
        (): Access => `${random.pick(['R', 'W'] as const)}${random.pick(['x', 'y', 'z'])}`,
      ),
    );
    assert.equal(
      countOptimally(scenarioOf(threads)),
      countTraces(threads),
      `seed ${seed}, round ${round}: ${JSON.stringify(threads)}`,
    );
  }
});
