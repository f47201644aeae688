import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Pace } from './pace.ts';

const EVERY = 60_000;
const SHARE = 0.01;

test('a cheap sample does not move the next one', () => {
  const pace = new Pace(EVERY, SHARE, 0);
  assert.equal(pace.next(0, 300, 200), EVERY);
  assert.equal(pace.next(EVERY, 500, 200), 2 * EVERY);
});

test('a dear sample moves the next one until that is paid for, too', () => {
  const pace = new Pace(EVERY, SHARE, 0);
  assert.equal(pace.next(0, 3000, 2000), 500_000);
  assert.equal(pace.next(500_000, 3100, 100), 560_000);
});

test('what was not used for hours does not pay for a dear sample', () => {
  const pace = new Pace(EVERY, SHARE, 0);
  for (let began = 0; began <= 100 * EVERY; began += EVERY) {
    assert.equal(pace.next(began, 10, 0), began + EVERY);
  }
  const began = 101 * EVERY;
  // From one interval before it: 20 seconds of CPU time are 2000 seconds at one percent.
  assert.equal(pace.next(began, 20_010, 20_000), began - EVERY + 4_000_000);
});

test('over all intervals the CPU time stays below its share, whatever samples take', () => {
  const costs = [800, 50, 900, 4000, 10, 10, 700, 0, 12_000, 600, 1];
  const pace = new Pace(EVERY, SHARE, 0);
  let began = 0;
  let cpu = 0;
  for (const cost of costs) {
    cpu += cost;
    const next = pace.next(began, cpu, cost);
    assert.ok(next - began >= EVERY);
    began = next;
    assert.ok(cpu <= began * SHARE + 1e-6, `${cpu} ms in ${began} ms`);
  }
});

test('samples that cost the same keep the share even when they have just ended', () => {
  const pace = new Pace(EVERY, SHARE, 0);
  for (let sample = 1, began = 0; sample <= 20; sample++) {
    const cpu = 900 * sample;
    if (sample > 1) assert.ok(cpu <= began * SHARE, `${cpu} ms in ${began} ms`);
    began = pace.next(began, cpu, 900);
  }
});
