/** What a debugger does: the rules of the kernel are in test/kernel/rules/debugger.ts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPages, newWorld } from '../../../test/mm/small_world.ts';
import * as mm from '../index.ts';

const PAGE = 0x10000;
const PAGE_BYTES = 4096;
const API = 0xaa;

test('a debugger does not wait for userfaultfd, and its reader is told nothing', () => {
  const machine = newWorld(mm, { cpus: 1, mms: 1, frames: 16, tables: 16 });
  const task = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, task, PAGE, PAGE + 2));
  const uffd = mm.userfaultfd(task, 0);
  assert.ok(typeof uffd !== 'number');
  mm.uffdioApi(task, uffd, API, 0);
  const { MISSING } = mm.UffdMode;
  mm.run(mm.uffdioRegister(task, uffd, PAGE * PAGE_BYTES, PAGE_BYTES, MISSING));
  assert.equal(mm.run(mm.poke(task, PAGE, 7)), mm.EIO);
  assert.equal(mm.run(mm.peek(task, PAGE)), mm.EIO);
  assert.deepEqual(uffd.faults, []);
  assert.equal(mm.run(mm.poke(task, PAGE + 1, 7)), 0);
  assert.equal(mm.run(mm.peek(task, PAGE + 1)), 7);
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
});
