/** A search is handed out in parts where that is worth it, and is the same search where it is not. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastZero } from '../../../test/check/literature.ts';
import { explore, type Scenario } from '../../check/index.ts';
import type { Job, Unit } from './job.ts';
import { Running } from './running.ts';
import { performUnit, rehearse } from './unit.ts';

const JOB: Job = {
  subject: { kind: 'file', file: 'last_zero.mjs' },
  strategy: 'optimal',
  isSaved: false,
  shareAfterMs: 0,
};

/**
 * Searches as threads would that are always short of work, one unit after the other.
 *
 * @param pauseMs  of one unit
 * @param onResult called after each unit
 */
async function search(
  newScenario: () => Scenario,
  pauseMs = 0,
  onResult: (running: Running) => void = () => {},
): Promise<[Running, number]> {
  const running = await Running.open(JOB, 0, async () => newScenario());
  // Somebody has nothing to do; nobody is to stop.
  const shared = Int32Array.of(1, 0);
  const scenario = newScenario();
  let units = 0;
  for (let parts = running.take(2, 2); parts.length > 0; parts = running.take(2, 2)) {
    units++;
    const { subject, strategy } = JOB;
    const unit: Unit = { stop: 1, subject, strategy, parts, isEstimated: false, shareAfterMs: 0 };
    if (units === 2) await new Promise((resolve) => setTimeout(resolve, pauseMs));
    running.add(
      parts,
      performUnit(scenario, unit, shared, () => {}),
    );
    onResult(running);
    if (!running.isOver) await running.share(async () => newScenario());
  }
  return [running, units];
}

test('parts of an execution each are not handed out one by one, and nothing is counted twice', async () => {
  const newScenario = () => lastZero(10);
  const [running, units] = await search(newScenario);
  const { executions, deepest, isComplete } = running.result();
  const whole = explore(newScenario());
  assert.deepEqual([executions, deepest, isComplete], [whole.executions, whole.deepest, true]);
  assert.ok(units < whole.executions / 3, `${units} units of ${whole.executions} executions`);
});

for (const pauseMs of [0, 600]) {
  const said = pauseMs === 0 ? 'is done again by one thread' : 'that has taken long is kept';
  test(`what was handed out in parts of an execution each ${said}`, async () => {
    let [last, losses] = [0, 0];
    const [running] = await search(
      () => lastZero(10),
      pauseMs,
      ({ figures }) => {
        if (figures.executions < last) losses++;
        last = figures.executions;
      },
    );
    assert.equal(running.result().executions, explore(lastZero(10)).executions);
    assert.equal(losses > 0, pauseMs === 0, `${losses} times`);
  });
}

test('a rehearsal searches from the beginning on, and ends when it has been through', () => {
  const { scenario, seen } = counted(lastZero(10));
  let pauses = 0;
  for (const _ of rehearse(scenario)) pauses++;
  assert.ok(pauses > 1, `${pauses} pauses`);
  assert.ok(seen() >= explore(lastZero(10)).executions, 'nothing is left out');
});

/** A scenario that counts how often it is begun. */
function counted(inner: Scenario): { readonly scenario: Scenario; seen(): number } {
  let begun = 0;
  const start: Scenario['start'] = () => {
    begun++;
    return inner.start();
  };
  return { scenario: { ...inner, start }, seen: () => begun };
}
