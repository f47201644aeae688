/** Guesses of how many executions there are, against the numbers that are published or searched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  fetchAdds,
  identicalAdds,
  indexer,
  lastZero,
  readers,
} from '../../test/check/literature.ts';
import { estimate, explore, type Scenario } from './index.ts';

const KNOWN: readonly (readonly [string, () => Scenario, number])[] = [
  ['readers(8)', () => readers(8), 256],
  ['lastzero(5)', () => lastZero(5), 64],
  ['indexer(13)', () => indexer(13), 64],
  ['3 threads of 3 fetch_add', () => fetchAdds(3, 3), 1680],
];

for (const [name, program, executions] of KNOWN) {
  test(`${name} is guessed: ${executions} executions`, () => {
    const guess = estimate(program(), { rounds: 20 })!;
    const place = JSON.stringify(guess);
    assert.ok(guess.executions > executions * 0.7 && guess.executions < executions * 1.4, place);
    assert.ok(guess.low <= executions && executions <= guess.high, place);
  });
}

test('with room for all of a tree nothing is guessed', () => {
  for (const program of [() => fetchAdds(2, 3), () => identicalAdds(3, 2)]) {
    const { executions } = explore(program());
    const { low, high } = estimate(program(), { rounds: 3, width: 1000 })!;
    assert.deepEqual([low, high], [executions, executions]);
  }
});

test('a guess that is stopped says nothing', () => {
  assert.equal(estimate(readers(8), { shouldStop: () => true }), undefined);
});
