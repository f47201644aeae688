import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, quantile, SCORE_MAX, scores, slope } from './stats.ts';

test('median() and quantile() of odd and even numbers of values', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([9, 1, 5, 7]), 6);
  const hundred = Float64Array.from({ length: 100 }, (_, i) => i + 1);
  assert.equal(quantile(hundred, 0.95), 95);
  assert.equal(quantile(hundred, 0), 1);
  assert.equal(quantile(hundred, 1), 100);
});

test('scores() finds what Iglewicz and Hoaglin find in their example', () => {
  // Two outliers of this sample are hidden from a z-score: the outliers inflate the deviation.
  const values = [2.1, 2.6, 2.4, 2.5, 2.3, 2.1, 2.3, 2.6, 8.2, 8.3];
  const found = scores(values).flatMap((score, i) => (score > SCORE_MAX ? [values[i]] : []));
  assert.deepEqual(found, [8.2, 8.3]);
});

test('scores() tells one apart from many that are equal, and none from equal ones', () => {
  const odd = scores([...new Array<number>(20).fill(4), 400]);
  assert.ok(odd[20]! > SCORE_MAX);
  assert.deepEqual(odd.slice(0, 20), new Array(20).fill(0));
  assert.deepEqual(scores([7, 7, 7]), [0, 0, 0]);
  assert.deepEqual(scores([]), []);
});

test('slope() is that of the line, and one wild day does not turn it', () => {
  const line = Array.from({ length: 9 }, (_, x) => [x, 3 * x + 1] as const);
  assert.equal(slope(line), 3);
  assert.equal(slope(line.map(([x, y]) => [x, x === 4 ? 1e6 : y] as const)), 3);
});
