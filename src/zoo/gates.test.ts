/** Who waits for a lock, an interrupt or a grace period is told by the steps there: as running tells. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { judged } from '../../test/check/gates.ts';
import { explore } from '../check/index.ts';
import { ZOO } from './index.ts';

/** Executions of each race. */
const EXECUTIONS = 60;

test('of every race of the zoo: what is told of steps that wait is what running tells', (t) => {
  const all = { count: 0, waits: 0 };
  let [asked, answered] = [0, 0];
  for (const entry of ZOO) {
    const { scenario, told } = judged(entry.scenario(false), entry.id);
    const run = explore(scenario, { executionsMax: EXECUTIONS });
    const same = explore(entry.scenario(false), { executionsMax: EXECUTIONS });
    assert.deepEqual([same.executions, same.blocked], [run.executions, run.blocked], entry.id);
    asked += run.probes;
    answered += same.probes;
    all.count += told.count;
    all.waits += told.waits;
  }
  t.diagnostic(`${all.count} times told, ${all.waits} to wait; ${asked} probes or ${answered}`);
  assert.ok(all.waits > ZOO.length);
  assert.ok(answered * 10 < asked, 'most of what was asked is told');
});
