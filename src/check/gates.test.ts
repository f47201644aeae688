/** Who waits at a lock is told by the steps at it: the same as running them tells. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judged } from '../../test/check/gates.ts';
import {
  keepingProgram,
  type RandomProgram,
  randomProgram,
  watch,
} from '../../test/check/random_program.ts';
import { Random } from '../../test/kernel/random.ts';
import { newSeed } from '../../test/seed.ts';
import { explore } from './index.ts';

const PROGRAMS = Number(process.env.PTSHARE_RANDOM_PROGRAMS ?? 3000);

test(`${PROGRAMS} random programs: what is told of locks is what running the steps tells`, (t) => {
  const seed = newSeed();
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  const all = { count: 0, waits: 0 };
  for (let round = 0; round < PROGRAMS; round++) {
    const program = randomProgram(random);
    const text = `seed ${seed}, program ${round}: ${JSON.stringify(program)}`;
    const { scenario, told } = judged(watch(program).scenario, text);
    const asked = explore(scenario, { executionsMax: 300 });
    const answered = explore(watch(program).scenario, { executionsMax: 300 });
    assert.equal(answered.executions, asked.executions, text);
    assert.equal(answered.blocked, asked.blocked, text);
    assert.ok(answered.probes <= asked.probes, text);
    all.count += told.count;
    all.waits += told.waits;
  }
  t.diagnostic(`${all.count} times told, ${all.waits} times to wait`);
  assert.ok(all.waits > PROGRAMS, 'and many a thread had to wait');
});

/** Threads of steps at one rw-semaphore: `downRead upRead | tryWrite`. */
function atOneLock(text: string): RandomProgram {
  return text.split(' | ').map((body) => body.split(' ').map((what) => [what, 1, 0] as const));
}

/** In which somebody lets go of a lock that others keep a writer from: that has to stay. */
const LET_GO: readonly RandomProgram[] = [
  atOneLock('tryWrite downRead | downWrite | tryRead | downRead'),
  [
    [
      ['add', 0, 1],
      ['downWrite', 1, 0],
      ['read', 1, 2],
    ],
    [['tryRead', 1, 0]],
    [
      ['tryWrite', 1, 0],
      ['downRead', 1, 0],
      ['read', 0, 2],
    ],
    [
      ['write', 0, 4],
      ['downRead', 1, 0],
      ['write', 1, 2],
    ],
  ],
  // What it has let go of comes behind a failed try of another, and would go with that one.
  atOneLock('tryWrite downRead | downRead | downRead upRead | tryWrite downWrite'),
  atOneLock('downRead | downRead | tryRead | downRead upRead | tryWrite downWrite'),
  // Without the steps of others, a try that has failed would not have.
  atOneLock('tryWrite | downRead | downRead | downWrite | tryWrite tryRead'),
  atOneLock('tryWrite tryRead | downWrite | tryWrite downRead | downRead'),
];

test('no more steps are undone than keep an actor waiting', () => {
  for (const program of LET_GO) assert.equal(ordersMissed(program), 0, JSON.stringify(program));
});

test(`${PROGRAMS} random programs of locks, tried and kept: no order is missed`, (t) => {
  const seed = newSeed();
  t.diagnostic(`seed ${seed}`);
  const random = new Random(seed);
  let complete = 0;
  for (let round = 0; round < PROGRAMS; round++) {
    const program = keepingProgram(random);
    const missed = ordersMissed(program);
    assert.equal(missed ?? 0, 0, `seed ${seed}, program ${round}: ${JSON.stringify(program)}`);
    if (missed !== undefined) complete++;
  }
  t.diagnostic(`${complete} searched to the end`);
  assert.ok(complete > PROGRAMS / 2, 'and most are small enough');
});

/**
 * How many orders of dependent steps sleep sets see and optimal searches do not: one that is told of
 * locks and one that has to run the steps. `undefined` if there are too many.
 */
function ordersMissed(program: RandomProgram): number | undefined {
  const all = explore(watch(program).scenario, { strategy: 'sleep', executionsMax: 5000 });
  if (!all.isComplete) return undefined;
  const found = [false, true].map((isTerse) => {
    const { executions, blocked } = explore(watch(program, { isTerse }).scenario);
    assert.equal(blocked, 0, JSON.stringify(program));
    assert.ok(executions <= all.executions, `an order is seen twice: ${JSON.stringify(program)}`);
    return executions;
  });
  return all.executions - Math.min(...found);
}
