/** Who waits at a lock is told by the steps at it: the same as running them tells. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judged } from '../../test/check/gates.ts';
import { type RandomProgram, randomProgram, watch } from '../../test/check/random_program.ts';
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

/** In which somebody lets go of a lock that others keep a writer from: that has to stay. */
const LET_GO: readonly RandomProgram[] = [
  [
    [
      ['tryWrite', 1, 0],
      ['downRead', 1, 0],
    ],
    [['downWrite', 1, 0]],
    [['tryRead', 1, 0]],
    [['downRead', 1, 0]],
  ],
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
];

test('where only running them tells, no more steps are undone than keep an actor waiting', () => {
  for (const program of LET_GO) {
    const text = JSON.stringify(program);
    const { executions } = explore(watch(program).scenario, { strategy: 'sleep' });
    const asked = explore(judged(watch(program).scenario, text).scenario);
    assert.deepEqual([asked.executions, asked.blocked], [executions, 0], text);
    const terse = explore(watch(program, true).scenario);
    assert.deepEqual([terse.executions, terse.blocked], [executions, 0], text);
  }
});
