/** What the last posting says where it is wrong, beside the searches of the zoo (H1, H2, H3). */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { explore } from '../../../src/check/index.ts';
import { HGM_V2 } from '../../../src/designs/index.ts';
import { EBUSY, EINVAL, fork } from '../../../src/mm/index.ts';
import { owning } from '../../../src/zoo/hugetlb_machine.ts';
import { ALIAS, FIRST, GranularWorld, HUGE } from './granular_world.ts';

test('the inverted test fails every fork of private huge pages, too', () => {
  const forking = { name: 'fork', run: (task: Parameters<typeof fork>[0]) => fork(task, task.cpu) };
  const found = [true, false].map((tryGetInverted) => {
    return explore(owning([forking], { tryGetInverted }), { shrinkMax: 0 }).finding?.property;
  });
  assert.deepEqual(found, ['P-LOCK', undefined]);
});

test('a collapse that fails says what there is behind: nothing to do, or memory of another kind', () => {
  for (const { bugs, isFollowed, result } of [
    { bugs: {}, isFollowed: true, result: EBUSY },
    { bugs: { collapseErrorForgotten: true }, isFollowed: true, result: 0 },
    { bugs: { collapseErrorForgotten: true }, isFollowed: false, result: EINVAL },
  ]) {
    const world = GranularWorld.ready({ options: HGM_V2, bugs });
    // The other mapping is the last of all, or lies below.
    const place = isFollowed ? FIRST : ALIAS;
    if (place === ALIAS) assert.equal(world.split(ALIAS), 0);
    world.advise(place, HUGE, 4);
    assert.equal(world.fill(place, 1), 1);
    world.isolate(true);
    assert.equal(world.collapse(place, HUGE), result);
    world.isolate(false);
    world.end();
  }
});
