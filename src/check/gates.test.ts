/** Who waits at a lock is told by the steps at it: the same as running them tells. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judged } from '../../test/check/gates.ts';
import { randomProgram, watch } from '../../test/check/random_program.ts';
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
