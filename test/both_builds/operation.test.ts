/** One source, two builds: what holds for operations in each of them, and in both. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as canonical from '../../src/mm/index.ts';

/** The blanked build has the same names; an operation returns its result instead of a generator. */
const fast = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

for (const [build, mm] of [
  ['canonical', canonical],
  ['blanked', fast],
] as const) {
  test(`${build}: run() brings an operation to its end`, () => {
    const spinlock = { id: 7, holder: mm.FREE };
    mm.run(mm.lock(3, spinlock));
    assert.equal(spinlock.holder, 3);
    mm.run(mm.unlock(3, spinlock));
    assert.equal(spinlock.holder, mm.FREE);
  });

  test(`${build}: assertions stay on`, () => {
    const spinlock = { id: 7, holder: 1 };
    assert.throws(() => mm.run(mm.unlock(2, spinlock)), { name: 'ModelError' });
  });
}

test('canonical: an operation does nothing until it is run, and says what it is about to do', () => {
  const spinlock = { id: 7, holder: canonical.FREE };
  const operation = canonical.lock(3, spinlock);
  const step = operation.next();
  assert.equal(step.done, false);
  assert.equal(canonical.kindOf(step.value), canonical.PointKind.LOCK);
  assert.equal(canonical.objectOf(step.value), 7);
  assert.equal(spinlock.holder, canonical.FREE, 'the point comes before the access');
  assert.equal(operation.next().done, true);
  assert.equal(spinlock.holder, 3);
});

test('blanked: an operation is a plain function, done when it returns', () => {
  const spinlock = { id: 7, holder: fast.FREE };
  const returned: unknown = fast.lock(3, spinlock);
  assert.equal(returned, undefined);
  assert.equal(spinlock.holder, 3);
  assert.match(fast.lock.toString(), /^function +lock\(/);
});
