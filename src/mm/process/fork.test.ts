import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mapPages, newWorld } from '../../../test/mm/small_world.ts';
import * as mm from '../index.ts';

const FIRST = 0x10000;
const MADV = { DONTFORK: 10, WIPEONFORK: 18 } as const;

interface Family {
  readonly machine: mm.Machine;
  readonly parent: mm.Task;
}

/** A process with eight private pages, of which the first five hold 100 to 104. */
function newFamily(size: Partial<mm.WorldSize> = {}, bugs: mm.Bugs = {}): Family {
  const machine = newWorld(mm, { cpus: 2, mms: 4, frames: 64, tables: 40, ...size }, bugs);
  const parent = mm.taskOn(machine, 0, 0);
  mm.run(mapPages(mm, parent, FIRST, FIRST + 8));
  for (let page = 0; page < 5; page++) mm.run(mm.store(parent, FIRST + page, 100 + page));
  return { machine, parent };
}

function forked(task: mm.Task, cpu = 1): mm.Task {
  const child = mm.run(mm.fork(task, cpu));
  assert.ok(typeof child !== 'number', 'memory is enough');
  check(task.machine);
  return child;
}

function check(machine: mm.Machine): void {
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
}

const words = (task: mm.Task): number[] =>
  [0, 1, 2, 3, 4].map((page) => mm.run(mm.load(task, FIRST + page)));

test('fork() gives the child what the parent has, and each its own writes from then on', () => {
  const { machine, parent } = newFamily();
  const child = forked(parent);
  assert.deepEqual(words(child), [100, 101, 102, 103, 104]);
  assert.deepEqual([...child.mm.rss], [...parent.mm.rss]);
  assert.equal(child.mm.tables, parent.mm.tables);
  mm.run(mm.store(child, FIRST, 1));
  mm.run(mm.store(parent, FIRST + 1, 2));
  assert.deepEqual(words(parent), [100, 2, 102, 103, 104]);
  assert.deepEqual(words(child), [1, 101, 102, 103, 104]);
  check(machine);
});

test('fork() copies nothing: pages become common until one of both writes', () => {
  const { machine, parent } = newFamily();
  const free = (): number => machine.frameReferences.filter((count) => count <= 0).length;
  const before = free();
  const child = forked(parent);
  assert.equal(free(), before);
  mm.run(mm.store(child, FIRST, 1));
  assert.equal(free(), before - 1);
});

test('the last one to have a page writes to it in place', () => {
  const { machine, parent } = newFamily();
  const child = forked(parent);
  const frame = mm.run(mm.gupFast(parent, FIRST, false));
  mm.run(mm.unpin(parent, frame));
  mm.run(mm.exit(child));
  mm.run(mm.store(parent, FIRST, 1));
  const after = mm.run(mm.gupFast(parent, FIRST, true));
  mm.run(mm.unpin(parent, after));
  assert.equal(after, frame);
  check(machine);
});

test('who holds a reference makes the last mapping copy, too', () => {
  const { machine, parent } = newFamily();
  const child = forked(parent);
  const held = mm.run(mm.gupFast(child, FIRST, false));
  mm.run(mm.exit(child));
  mm.run(mm.store(parent, FIRST, 1));
  assert.equal(machine.frameData[held], 100);
  check(machine);
  mm.run(mm.unpin(parent, held));
  check(machine);
});

test('fork() leaves no translation behind that can be written through', () => {
  const { machine, parent } = newFamily({ flush: 'broadcast' });
  mm.taskOn(machine, 1, parent.mm.id);
  forked(parent, 0);
  assert.equal(machine.ledger.size, 0);
  const { machine: broken, parent: other } = newFamily({}, { forkWithoutFlush: true });
  mm.run(mm.fork(other, 1));
  assert.equal(broken.ledger.size, 1, 'one obligation stands for all five pages');
  assert.equal(broken.ledger.countStale(0, 0, FIRST + 4, true), 1);
  assert.equal(broken.ledger.countStale(0, 0, FIRST + 5, true), 0);
});

test('fork() copies a pinned page at once, and the parent keeps the pinned one', () => {
  const { machine, parent } = newFamily();
  const pinned = mm.run(mm.getUserPage(parent, FIRST, mm.FOLL.PIN | mm.FOLL.WRITE));
  const child = forked(parent);
  machine.frameData[pinned] = 7;
  assert.equal(mm.run(mm.load(parent, FIRST)), 7);
  assert.equal(mm.run(mm.load(child, FIRST)), 100);
  mm.run(mm.store(parent, FIRST, 8));
  assert.equal(machine.frameData[pinned], 8);
  mm.run(mm.unpin(parent, pinned, true));
  check(machine);
});

test('fork() copies a pinned page that nobody may access, for nobody to access', () => {
  const { machine, parent } = newFamily();
  const pinned = mm.run(mm.getUserPage(parent, FIRST, mm.FOLL.PIN | mm.FOLL.WRITE));
  mm.run(mm.mprotect(parent, FIRST * 4096, 8 * 4096, 0));
  const child = forked(parent);
  assert.ok(mm.run(mm.load(child, FIRST)) < 0, 'SIGSEGV');
  machine.frameData[pinned] = 7;
  for (const task of [parent, child]) mm.run(mm.mprotect(task, FIRST * 4096, 8 * 4096, 1));
  assert.deepEqual([mm.run(mm.load(parent, FIRST)), mm.run(mm.load(child, FIRST))], [7, 100]);
  mm.run(mm.unpin(parent, pinned, true));
  check(machine);
});

test('fork() leaves out MADV_DONTFORK, and empties MADV_WIPEONFORK', () => {
  const { machine, parent } = newFamily();
  mm.run(mm.madvise(parent, FIRST * 4096, 4096, MADV.DONTFORK));
  mm.run(mm.madvise(parent, (FIRST + 1) * 4096, 4096, MADV.WIPEONFORK));
  const child = forked(parent);
  assert.ok(mm.run(mm.load(child, FIRST)) < 0);
  assert.equal(mm.run(mm.load(child, FIRST + 1)), 0);
  assert.equal(mm.run(mm.load(child, FIRST + 2)), 102);
  check(machine);
});

test('memory locks are not inherited', () => {
  const { parent } = newFamily();
  mm.run(mm.mlockall(parent, 3));
  const child = forked(parent);
  const locks = child.mm.vmas.all().map(({ flags }) => flags & mm.VM.LOCKED);
  assert.deepEqual(locks, [0]);
  assert.equal(child.mm.defaultFlags, 0);
});

test('a chain of forks has as many anon_vmas as processes, and the last exit leaves nothing', () => {
  const { machine, parent } = newFamily();
  const child = forked(parent);
  const grandchild = forked(child, 0);
  // Its children, the root itself for one; whose own it is; all VMAs that may map its pages.
  const counts = machine.anonVmas.all().map((it) => [it.children, it.activeVmas, it.vmas.size]);
  assert.deepEqual(counts.sort().reverse(), [
    [2, 1, 3],
    [1, 1, 2],
    [0, 1, 1],
  ]);
  mm.run(mm.exit(child));
  check(machine);
  // The one that the middle process has left is taken over.
  const last = forked(grandchild, 1);
  assert.equal(machine.anonVmas.all().length, 3);
  mm.run(mm.exit(parent));
  mm.run(mm.exit(grandchild));
  assert.deepEqual(words(last), [100, 101, 102, 103, 104]);
  mm.run(mm.exit(last));
  check(machine);
  assert.equal(machine.anonVmas.all().length, 0);
  assert.equal(machine.vmas.all().length, 0);
  assert.equal(
    machine.frameReferences.reduce((sum, count) => sum + count),
    1,
    'the zero page',
  );
});

test('fork() that finds no memory half way gives everything back', () => {
  for (const tables of [5, 6, 7]) {
    const { machine, parent } = newFamily({ tables });
    assert.equal(mm.run(mm.fork(parent, 1)), mm.ENOMEM);
    check(machine);
    assert.equal(machine.mms.all().length, 1);
    mm.run(mm.store(parent, FIRST, 1));
    assert.deepEqual(words(parent), [1, 101, 102, 103, 104]);
  }
});

test('a task of clone(CLONE_VM) keeps the address space that the first one leaves', () => {
  const { machine, parent } = newFamily({ flush: 'broadcast' });
  const thread = mm.run(mm.cloneVm(parent, 1));
  mm.run(mm.exit(parent));
  assert.equal(mm.run(mm.load(thread, FIRST)), 100);
  mm.run(mm.exit(thread));
  assert.equal(machine.mms.all().length, 0);
  check(machine);
});

test('the child has the tables of the parent, also those with nothing in them', () => {
  const { machine, parent } = newFamily();
  mm.run(mapPages(mm, parent, FIRST + 1024, FIRST + 1536));
  mm.run(mm.store(parent, FIRST + 1024, 1));
  const before = parent.mm.tables;
  // Shared memory is left to faults.
  const shared = { address: 0, length: 4096, prot: 3, flags: 0x21, file: undefined, offset: 0 };
  mm.run(mm.mmap(parent, shared));
  const child = forked(parent);
  assert.equal(child.mm.tables, before);
  assert.equal(child.mm.vmas.size, parent.mm.vmas.size);
  check(machine);
});
