import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILDS } from '../../../test/mm/builds.ts';
import { type Engine, newWorld } from '../../../test/mm/small_world.ts';
import type { Machine, OpenFile, Task, Userfaultfd } from '../index.ts';

const PAGE = 4096;
const HUGE = 512;
const GIB = HUGE * HUGE;
const FIRST = 8 * GIB;
const MFD_HUGETLB = 4;
const SHARED_FIXED_NORESERVE = 0x4011;
const EAGAIN = -11;
const EBUSY = -16;

/** Two processes that share the table of one GiB of a file, with 7 in its first page. */
function start(mm: Engine): readonly [Task, Task] {
  const machine = newWorld(mm, { mms: 2, frames: 6 * HUGE, tables: 16, hugePages: 2 });
  const task = mm.taskOn(machine, 0, 0);
  const file = mm.memfdCreate(task, 1, MFD_HUGETLB) as OpenFile;
  const call = { prot: 3, flags: SHARED_FIXED_NORESERVE, file, offset: 0 };
  mm.run(mm.mmap(task, { ...call, address: FIRST * PAGE, length: GIB * PAGE }));
  mm.run(mm.store(task, FIRST, 7));
  const child = mm.run(mm.fork(task, 0)) as Task;
  assert.equal(mm.run(mm.load(child, FIRST)), 7);
  return [task, child];
}

/** Which pages of the first huge one were written to. */
const WRITTEN = {
  ...{ flags: 0, start: FIRST * PAGE, end: (FIRST + HUGE) * PAGE, vecLength: 1, maxPages: 0 },
  ...{ categoryInverted: 0, categoryMask: 2, categoryAnyofMask: 0, returnMask: 2 },
};

const frameOf = ({ inodes }: Machine): number => inodes.all()[0]!.pages.get(0);

function move(mm: Engine, task: Task): number {
  return mm.run(mm.migrateHugetlbPage(task, task.machine.inodes.all()[0]!, 0));
}

function check(mm: Engine, { machine }: Task): void {
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
}

for (const [build, mm] of BUILDS) {
  test(`${build}: a huge page that two processes share is moved with its content`, () => {
    const [task, child] = start(mm);
    const { machine } = task;
    const old = frameOf(machine);
    assert.equal(move(mm, task), 0);
    assert.notEqual(frameOf(machine), old);
    assert.deepEqual(machine.hugetlb.hstates[0]!.free, [old]);
    check(mm, task);
    // One of them has given the table up, and finds the page again.
    assert.deepEqual([mm.run(mm.load(task, FIRST)), mm.run(mm.load(child, FIRST))], [7, 7]);
    mm.run(mm.store(child, FIRST, 9));
    assert.equal(mm.run(mm.load(task, FIRST)), 9);
    check(mm, task);
  });

  test(`${build}: a huge page that is moved stays write-protected, or out of reach`, () => {
    const [task] = start(mm);
    const uffd = mm.userfaultfd(task, 1) as Userfaultfd;
    const { PAGEFAULT_FLAG_WP, WP_HUGETLBFS_SHMEM, WP_ASYNC } = mm.UffdFeature;
    mm.uffdioApi(task, uffd, 0xaa, PAGEFAULT_FLAG_WP | WP_HUGETLBFS_SHMEM | WP_ASYNC);
    mm.run(mm.uffdioRegister(task, uffd, FIRST * PAGE, GIB * PAGE, mm.UffdMode.WP));
    mm.run(mm.store(task, FIRST, 8));
    mm.run(mm.uffdioWriteprotect(task, uffd, FIRST * PAGE, HUGE * PAGE, mm.UffdWpMode.WP));
    const written = (): number => mm.run(mm.pagemapScan(task, WRITTEN)).result;
    assert.deepEqual([written(), move(mm, task), written()], [0, 0, 0]);
    mm.run(mm.store(task, FIRST, 9));
    assert.equal(written(), 1);
    mm.run(mm.mprotect(task, FIRST * PAGE, GIB * PAGE, 0));
    assert.equal(move(mm, task), 0);
    assert.equal(mm.run(mm.load(task, FIRST)), -1 - mm.Fault.ACCERR);
    check(mm, task);
  });

  test(`${build}: a huge page that somebody holds stays where it is, and mapped`, () => {
    const [task] = start(mm);
    const frame = mm.run(mm.getUserPage(task, FIRST, mm.FOLL.GET | mm.FOLL.WRITE));
    assert.equal(frame, frameOf(task.machine));
    assert.equal(move(mm, task), EAGAIN);
    assert.equal(frameOf(task.machine), frame);
    assert.equal(task.machine.hugetlb.hstates[0]!.free.length, 1);
    mm.run(mm.unpin(task, frame));
    assert.equal(mm.run(mm.load(task, FIRST)), 7);
    check(mm, task);
  });

  test(`${build}: there is nothing to move where the file has no page`, () => {
    const [task] = start(mm);
    const [inode] = task.machine.inodes.all();
    assert.equal(mm.run(mm.migrateHugetlbPage(task, inode!, 1)), EBUSY);
    check(mm, task);
  });
}
