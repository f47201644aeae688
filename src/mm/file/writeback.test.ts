import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILDS } from '../../../test/mm/builds.ts';
import { type Engine, newWorld } from '../../../test/mm/small_world.ts';
import type { Task } from '../index.ts';

const PAGE = 4096;
const AT = 16;
const SHARED_FIXED = 0x11;
const MADV_PAGEOUT = 21;

/** A file of one page on a disk, mapped and written to. */
function start(mm: Engine): Task {
  const machine = newWorld(mm, {});
  const task = mm.taskOn(machine, 0, 0);
  const inode = mm.newInode(machine, 0, { fileSystem: 'ext4', bytes: PAGE });
  const rights = { isReadable: true, isWritable: true, isExecutable: false };
  const file = { mapped: { inode }, ...rights, pagesMax: 2 ** 32 };
  const call = { length: PAGE, prot: 3, flags: SHARED_FIXED, file, offset: 0 };
  mm.run(mm.mmap(task, { ...call, address: AT * PAGE }));
  assert.equal(mm.run(mm.store(task, AT, 7)), 0);
  return task;
}

/** @returns how many pages of the file are in memory then: it takes those that are mapped, and clean */
function pageout(mm: Engine, task: Task): number {
  mm.run(mm.load(task, AT));
  mm.run(mm.madvise(task, AT * PAGE, PAGE, MADV_PAGEOUT));
  mm.audit(task.machine);
  assert.equal(mm.violationOf(task.machine), undefined);
  return task.machine.inodes.all()[0]!.pages.size;
}

for (const [build, mm] of BUILDS) {
  test(`${build}: a page that was written back can be dropped, and is read from the disk`, () => {
    const task = start(mm);
    const [inode] = task.machine.inodes.all();
    // What is dirty stays.
    assert.equal(pageout(mm, task), 1);
    mm.run(mm.writeBack(task, inode!, 0));
    assert.equal(inode!.disk.get(0), 7);
    assert.equal(pageout(mm, task), 0);
    assert.equal(mm.run(mm.load(task, AT)), 7);
  });

  test(`${build}: a write after that makes the page dirty once more`, () => {
    const task = start(mm);
    const [inode] = task.machine.inodes.all();
    mm.run(mm.writeBack(task, inode!, 0));
    assert.equal(mm.run(mm.storeNofault(task, AT, 8)), false, 'the entry lets nobody write');
    assert.equal(mm.run(mm.store(task, AT, 9)), 0);
    assert.equal(pageout(mm, task), 1);
    mm.run(mm.writeBack(task, inode!, 0));
    assert.equal(inode!.disk.get(0), 9);
    assert.equal(pageout(mm, task), 0);
  });
}
