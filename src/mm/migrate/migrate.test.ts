import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILDS } from '../../../test/mm/builds.ts';
import { type Engine, mapPages, newWorld } from '../../../test/mm/small_world.ts';
import type { Machine, Task } from '../index.ts';

const PAGE = 5 * 512;
const BYTES = 4096;
const SHARED_ANONYMOUS = 0x31;
const MADV_PAGEOUT = 21;

interface Host {
  readonly machine: Machine;
  readonly task: Task;
}

function hostOf(mm: Engine, isShared = false): Host {
  const machine = newWorld(mm, { mms: 2, frames: 64, tables: 24, swapSlots: 4 });
  const task = mm.taskOn(machine, 0, 0);
  if (isShared) {
    const flags = SHARED_ANONYMOUS;
    const call = {
      address: PAGE * BYTES,
      length: BYTES,
      prot: 3,
      flags,
      file: undefined,
      offset: 0,
    };
    assert.equal(mm.run(mm.mmap(task, call)), PAGE * BYTES);
  } else mm.run(mapPages(mm, task, PAGE, PAGE + 1));
  assert.equal(mm.run(mm.store(task, PAGE, 5)), 0);
  return { machine, task };
}

function check(mm: Engine, { machine }: Host): void {
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
}

/** The frame that the page is in now. */
function frameOf(mm: Engine, { task }: Host): number {
  const frame = mm.run(mm.getUserPage(task, PAGE, mm.FOLL.GET));
  mm.run(mm.unpin(task, frame));
  return frame;
}

for (const [build, mm] of BUILDS) {
  for (const isShared of [false, true]) {
    const kind = isShared ? 'shared' : 'private';
    test(`${build}: a ${kind} page is in another frame, with its content and rights`, () => {
      const host = hostOf(mm, isShared);
      const before = frameOf(mm, host);
      assert.equal(mm.run(mm.migratePages(host.task, PAGE, PAGE + 1)), 0);
      check(mm, host);
      assert.notEqual(frameOf(mm, host), before);
      assert.equal(host.machine.frameReferences[before], 0);
      const faultFree = [...host.machine.lanes];
      assert.equal(mm.run(mm.load(host.task, PAGE)), 5);
      assert.equal(mm.run(mm.store(host.task, PAGE, 6)), 0);
      assert.deepEqual([...host.machine.lanes], faultFree, 'the entry lets the page be written to');
      check(mm, host);
    });
  }

  test(`${build}: a page that fork has made common is moved for both, and stays common`, () => {
    const host = hostOf(mm);
    const child = mm.run(mm.fork(host.task, 0));
    assert.ok(typeof child === 'object');
    assert.equal(mm.run(mm.migratePages(child, PAGE, PAGE + 1)), 0);
    check(mm, host);
    assert.equal(host.machine.frameMapcount[frameOf(mm, host)], 2);
    assert.equal(mm.run(mm.store(child, PAGE, 7)), 0);
    assert.equal(mm.run(mm.load(host.task, PAGE)), 5);
    assert.equal(mm.run(mm.load(child, PAGE)), 7);
    check(mm, host);
  });

  test(`${build}: a page that somebody holds stays, with all that its entry said`, () => {
    const host = hostOf(mm);
    for (const flags of [mm.FOLL.GET, mm.FOLL.PIN]) {
      const frame = mm.run(mm.getUserPage(host.task, PAGE, flags));
      const lanes = [...host.machine.lanes];
      assert.equal(mm.run(mm.migratePages(host.task, PAGE, PAGE + 1)), 1);
      assert.deepEqual([...host.machine.lanes], lanes);
      check(mm, host);
      mm.run(mm.unpin(host.task, frame, flags === mm.FOLL.PIN));
    }
    assert.equal(mm.run(mm.migratePages(host.task, PAGE, PAGE + 1)), 0);
  });

  test(`${build}: a page of the swap cache takes its slot along`, () => {
    const host = hostOf(mm);
    assert.equal(mm.run(mm.madvise(host.task, PAGE * BYTES, BYTES, MADV_PAGEOUT)), 0);
    assert.equal(mm.run(mm.load(host.task, PAGE)), 5);
    assert.equal(mm.run(mm.migratePages(host.task, PAGE, PAGE + 1)), 0);
    check(mm, host);
    assert.ok(host.machine.swapCache.includes(frameOf(mm, host)));
    assert.equal(mm.run(mm.madvise(host.task, PAGE * BYTES, BYTES, MADV_PAGEOUT)), 0);
    assert.equal(mm.run(mm.load(host.task, PAGE)), 5);
    check(mm, host);
  });
}
