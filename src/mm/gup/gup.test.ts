import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPages, newWorld } from '../../../test/mm/small_world.ts';
import * as mm from '../index.ts';

const PAGE = 0x10000;
const { FOLL } = mm;

function newTask(isWritable = true): mm.Task {
  const machine = newWorld(mm, { cpus: 2, mms: 4, frames: 64, tables: 40 });
  const task = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, task, PAGE, PAGE + 4, isWritable));
  return task;
}

function check({ machine }: mm.Task): void {
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
}

const get = (task: mm.Task, page: number, flags: number): number =>
  mm.run(mm.getUserPage(task, page, flags));

function forked(task: mm.Task): mm.Task {
  const child = mm.run(mm.fork(task, 1));
  assert.ok(typeof child !== 'number', 'memory is enough');
  return child;
}

test('getUserPage() faults a page in, and holds it beyond its unmapping', () => {
  const task = newTask();
  const frame = get(task, PAGE, FOLL.GET | FOLL.WRITE);
  task.machine.frameData[frame] = 7;
  assert.equal(mm.run(mm.load(task, PAGE)), 7);
  mm.run(mm.munmap(task, PAGE * 4096, 4 * 4096));
  assert.equal(task.machine.frameData[frame], 7);
  check(task);
  mm.run(mm.unpin(task, frame));
  assert.equal(task.machine.frameReferences[frame], 0);
  check(task);
});

test('a pin is 1024 references of a small folio; the zero page is not counted', () => {
  const task = newTask();
  mm.run(mm.store(task, PAGE, 1));
  const frame = get(task, PAGE, FOLL.PIN);
  assert.equal(task.machine.frameReferences[frame], 1 + 1024);
  assert.equal(get(task, PAGE + 1, FOLL.PIN), mm.ZERO_FRAME);
  assert.equal(task.machine.frameReferences[mm.ZERO_FRAME], 1);
  check(task);
  mm.run(mm.unpin(task, frame, true));
  check(task);
});

test('GUP-fast leaves the zero page and what is not there to the slow path', () => {
  const task = newTask();
  assert.equal(mm.run(mm.gupFast(task, PAGE, false)), mm.NONE);
  assert.equal(mm.run(mm.load(task, PAGE)), 0);
  assert.equal(mm.run(mm.gupFast(task, PAGE, false)), mm.NONE);
  mm.run(mm.store(task, PAGE, 1));
  const frame = mm.run(mm.gupFast(task, PAGE, false));
  assert.notEqual(frame, mm.NONE);
  mm.run(mm.unpin(task, frame));
  check(task);
});

test('a pin for reading unshares a common page first, a reference does not', () => {
  const parent = newTask();
  mm.run(mm.store(parent, PAGE, 1));
  const child = forked(parent);
  const common = get(child, PAGE, FOLL.GET);
  assert.equal(mm.run(mm.gupFast(child, PAGE, false, true)), mm.NONE);
  const own = get(child, PAGE, FOLL.PIN);
  assert.notEqual(own, common);
  mm.run(mm.store(parent, PAGE, 2));
  mm.run(mm.store(child, PAGE, 3));
  // The pin sees what its process writes; the reference sees the page of before.
  assert.deepEqual(
    [own, common].map((frame) => parent.machine.frameData[frame]),
    [3, 1],
  );
  check(parent);
  mm.run(mm.unpin(child, own, true));
  mm.run(mm.unpin(child, common));
  check(parent);
});

test('unmapped, write-protected and PROT_NONE memory is refused, unless it is forced', () => {
  const task = newTask(false);
  assert.equal(get(task, PAGE - 1, FOLL.GET), mm.EFAULT);
  assert.equal(get(task, PAGE, FOLL.GET | FOLL.WRITE), mm.EFAULT);
  const forced = get(task, PAGE, FOLL.GET | FOLL.WRITE | FOLL.FORCE);
  task.machine.frameData[forced] = 7;
  assert.equal(mm.run(mm.load(task, PAGE)), 7);
  assert.equal(mm.run(mm.store(task, PAGE, 1)), -1 - mm.Fault.ACCERR, 'the program may still not');
  mm.run(mm.mprotect(task, PAGE * 4096, 4 * 4096, 0));
  assert.equal(get(task, PAGE, FOLL.GET), mm.EFAULT);
  assert.equal(get(task, PAGE, FOLL.GET | FOLL.FORCE), forced);
  for (const _ of [1, 2]) mm.run(mm.unpin(task, forced));
  check(task);
});

test('a forced write to a private page that is common copies it', () => {
  const parent = newTask();
  mm.run(mm.store(parent, PAGE, 1));
  const child = forked(parent);
  mm.run(mm.mprotect(child, PAGE * 4096, 4096, 1));
  const frame = get(child, PAGE, FOLL.GET | FOLL.WRITE | FOLL.FORCE);
  child.machine.frameData[frame] = 9;
  assert.equal(mm.run(mm.load(parent, PAGE)), 1);
  assert.equal(mm.run(mm.load(child, PAGE)), 9);
  mm.run(mm.unpin(child, frame));
  check(parent);
});

test('what nobody may access is unshared for a pin by force, and copied for a write by force', () => {
  for (const [flags, isWrite] of [
    [FOLL.PIN | FOLL.FORCE, false],
    [FOLL.GET | FOLL.WRITE | FOLL.FORCE, true],
  ] as const) {
    const parent = newTask();
    mm.run(mm.store(parent, PAGE, 1));
    const child = forked(parent);
    const common = get(child, PAGE, FOLL.GET);
    mm.run(mm.mprotect(child, PAGE * 4096, 4096, 0));
    const frame = get(child, PAGE, flags);
    assert.notEqual(frame, common);
    if (isWrite) child.machine.frameData[frame] = 9;
    assert.equal(mm.run(mm.load(child, PAGE)), -1 - mm.Fault.ACCERR);
    mm.run(mm.mprotect(child, PAGE * 4096, 4096, 1));
    assert.equal(mm.run(mm.load(child, PAGE)), isWrite ? 9 : 1);
    assert.equal(mm.run(mm.load(parent, PAGE)), 1);
    mm.run(mm.unpin(child, frame, !isWrite));
    mm.run(mm.unpin(child, common));
    check(parent);
  }
});

test('shared memory cannot be written to by force', () => {
  const task = newTask();
  const call = { address: 0, length: 4096, prot: 1, flags: 0x21, file: undefined, offset: 0 };
  const address = mm.run(mm.mmap(task, call));
  const flags = FOLL.GET | FOLL.WRITE | FOLL.FORCE;
  assert.equal(get(task, address / 4096, flags), mm.EFAULT);
});

test('what is forced out of memory that nobody may access stays out of reach', () => {
  const task = newTask();
  mm.run(mm.mprotect(task, PAGE * 4096, 4 * 4096, 0));
  const call = { address: 0, length: 4096, prot: 0, flags: 0x21, file: undefined, offset: 0 };
  const shared = mm.run(mm.mmap(task, call)) / 4096;
  for (const page of [PAGE, shared]) {
    const frame = get(task, page, FOLL.GET | FOLL.FORCE);
    assert.ok(frame >= 0);
    assert.equal(mm.run(mm.load(task, page)), -1 - mm.Fault.ACCERR);
    mm.run(mm.unpin(task, frame));
  }
  check(task);
});
