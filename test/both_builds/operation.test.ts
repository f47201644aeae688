/** One source, two builds: what holds for operations in each of them, and in both. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as canonical from '../../src/mm/index.ts';
import { mapPages, newWorld } from '../mm/small_world.ts';

/** The blanked build has the same names; an operation returns its result instead of a generator. */
const fast = (await import(
  new URL('../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;

const LOCK = 0;

const newMachine = (mm: typeof canonical): canonical.Machine =>
  newWorld(mm, { cpus: 4, frames: 64, tables: 16 });

for (const [build, mm] of [
  ['canonical', canonical],
  ['blanked', fast],
] as const) {
  test(`${build}: run() brings an operation to its end`, () => {
    const machine = newMachine(mm);
    mm.run(mm.lock(machine, 3, LOCK, mm.Rank.ZONE));
    assert.equal(machine.lockHolder[LOCK], 3);
    mm.run(mm.unlock(machine, 3, LOCK, mm.Rank.ZONE));
    assert.equal(machine.lockHolder[LOCK], mm.NONE);
  });

  test(`${build}: assertions stay on`, () => {
    const machine = newMachine(mm);
    mm.run(mm.lock(machine, 1, LOCK, mm.Rank.ZONE));
    assert.throws(() => mm.run(mm.unlock(machine, 2, LOCK, mm.Rank.ZONE)), { name: 'ModelError' });
  });

  test(`${build}: a lock taken against the order is a violation`, () => {
    const machine = newMachine(mm);
    mm.run(mm.lock(machine, 0, LOCK, mm.Rank.ZONE));
    mm.run(mm.mmapReadLock(machine, 0, 0));
    assert.equal(mm.violationOf(machine), 'P-LOCK');
  });

  test(`${build}: an operation that nobody disturbs waits for nobody`, () => {
    const machine = newMachine(mm);
    const task = mm.taskOn(machine, 0, 0);
    assert.equal(mm.run(mapPages(mm, task, 512, 1536)), 512 * 4096);
    for (const page of [512, 513, 1535]) {
      assert.equal(mm.run(mm.store(task, page, page)), 0);
      assert.equal(mm.run(mm.load(mm.taskOn(machine, 1, 0), page)), page);
    }
    assert.equal(task.mm.rss[mm.Rss.ANON], 3);
    mm.audit(machine);
    assert.equal(mm.violationOf(machine), undefined);
  });
}

test('canonical: an operation does nothing until it is run, and says what it is about to do', () => {
  const machine = newMachine(canonical);
  const operation = canonical.lock(machine, 3, LOCK, canonical.Rank.ZONE);
  const step = operation.next();
  assert.equal(step.done, false);
  assert.equal(canonical.kindOf(step.value), canonical.PointKind.LOCK);
  assert.equal(canonical.objectOf(step.value), LOCK);
  assert.equal(machine.lockHolder[LOCK], canonical.NONE, 'the point comes before the access');
  assert.equal(operation.next().done, true);
  assert.equal(machine.lockHolder[LOCK], 3);
});

test('blanked: an operation is a plain function, done when it returns', () => {
  const machine = newMachine(fast);
  const returned: unknown = fast.lock(machine, 3, LOCK, fast.Rank.ZONE);
  assert.equal(returned, undefined);
  assert.equal(machine.lockHolder[LOCK], 3);
  assert.match(fast.lock.toString(), /^function +lock\(/);
});
