/** Random searches do what they promise, and what they find is made small. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fetchAdds } from '../../test/check/literature.ts';
import { explore, replay, type Scenario, World } from './index.ts';

/** Two pairs of steps must be in the order of the bug: both reads must come between the writes. */
function bugOfDepthTwo(): Scenario {
  const world = new World();
  const [ready, data] = [world.word('ready'), world.word('data')];
  return world.scenario([
    function* publisher() {
      yield* ready.write(1);
      yield* data.write(1);
    },
    function* consumer() {
      if ((yield* ready.read()) === 1 && (yield* data.read()) === 0) {
        world.violate('read before it was written');
      }
    },
  ]);
}

test('PCT finds a bug of depth 2 at least as often as its bound promises', () => {
  const searches = 400;
  let found = 0;
  let promised = 1;
  for (let seed = 0; seed < searches; seed++) {
    const options = { name: 'pct', depth: 2, seed, executions: 4 } as const;
    const { finding, probability } = explore(bugOfDepthTwo(), { strategy: options });
    if (finding !== undefined) found++;
    else promised = Math.min(promised, probability!);
  }
  // Of four executions, those that are longer than all before are only measured.
  assert.ok(promised >= 1 - (1 - 1 / (2 * 4)) ** 2, `${promised}`);
  assert.ok(found >= promised * searches, `${found} of ${searches}`);
});

test('random and PCT searches repeat with their seed, and never call a search complete', () => {
  for (const name of ['pct', 'random'] as const) {
    const run = () =>
      explore(fetchAdds(3, 2), { strategy: { name, depth: 3, seed: 7, executions: 50 } });
    const result = run();
    assert.deepEqual([result.executions, result.isComplete], [50, false]);
    assert.deepEqual(result.bounds, ['sample']);
    assert.deepEqual(run(), result);
  }
});

test('a finding of a random search is shrunk to the fewest switches there can be', () => {
  const world = new World();
  const [x, y] = [world.word('x'), world.word('y')];
  const busy = function* () {
    for (let round = 0; round < 6; round++) yield* y.fetchAdd(1);
    const before = yield* x.read();
    for (let round = 0; round < 6; round++) yield* y.fetchAdd(1);
    yield* x.write(before + 1);
  };
  const scenario = world.scenario([busy, busy, busy], () =>
    x.value === 3 ? undefined : 'lost update',
  );
  const { finding } = explore(scenario, {
    strategy: { name: 'random', seed: 3, executions: 1000 },
  });
  assert.ok(finding);
  // One thread reads, another one runs from begin to end, the first goes on, then the third.
  const switches = finding.schedule.match(/(.)(?!\1|$)/g)?.length;
  assert.equal(switches, 3);
  assert.deepEqual(replay(scenario, finding.schedule), finding);
});
