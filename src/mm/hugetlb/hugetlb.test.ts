/** Huge pages, held against what Linux 6.18 was measured to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../arch/index.ts';
import {
  audit,
  ENOMEM,
  exit,
  Fault,
  FOLL,
  fork,
  ftruncate,
  getUserPage,
  handleUserFault,
  hstateBySizeLog,
  load,
  Machine,
  memfdCreate,
  mmap,
  newHugetlbInode,
  newProcess,
  type OpenFile,
  run,
  setMaxHugePages,
  store,
  type Task,
  unpin,
  violationOf,
  type WorldSize,
} from '../index.ts';

const PAGE = 4096;
const HUGE = 512;
const GIB = HUGE * HUGE;
const MAP = { SHARED: 0x11, PRIVATE: 0x12, ANONYMOUS_HUGETLB: 0x40020, NORESERVE: 0x4000 };

function start(size: Partial<WorldSize>): Task {
  const format = formatById('x86_64-4level')!;
  const machine = new Machine({ format, frames: 64 * HUGE, tables: 64, gather: 64, ...size });
  return run(newProcess(machine, 0))!;
}

function check({ machine }: Task): void {
  audit(machine);
  assert.equal(violationOf(machine), undefined);
}

function map(task: Task, page: number, pages: number, flags: number, file?: OpenFile): number {
  const call = { address: page * PAGE, length: pages * PAGE, prot: 3, flags, file, offset: 0 };
  return run(mmap(task, call));
}

/** Total, free, reserved, surplus. */
function pool({ machine }: Task, which = 0): number[] {
  const { total, free, reserved, surplus } = machine.hugetlb.hstates[which]!;
  return [total, free.length, reserved, surplus];
}

/** All touch each huge page of the GiB, first one of them, then another. @returns how often they fault */
function faultIn(all: readonly Task[], place: number): number {
  let faults = 0;
  for (let page = 0; page < GIB; page += HUGE) {
    for (let turn = 0; turn < all.length; turn++) {
      const task = all[(page / HUGE + turn) % all.length]!;
      if (isMapped(task, place + page)) continue;
      assert.equal(run(handleUserFault(task, place + page, 1)), Fault.DONE);
      faults++;
    }
  }
  return faults;
}

for (const { place, tables } of [
  { place: 8 * GIB, tables: (): number => 1 },
  { place: 8 * GIB + HUGE, tables: (count: number): number => 2 * count },
]) {
  test(`1 GiB from page ${place} on has its tables once, or once for each process`, () => {
    for (const count of [1, 2, 4, 8]) {
      const task = start({
        ...{ mms: count, frames: 514 * HUGE, tables: 40, hugePages: 512, vmas: 32, cpus: 1 },
        contents: false,
      });
      const file = memfdCreate(task, 1, 4) as OpenFile;
      run(ftruncate(task, file, GIB * PAGE));
      assert.equal(map(task, place, GIB, MAP.SHARED, file), place * PAGE);
      const all = [task];
      while (all.length < count) all.push(run(fork(task, 0)) as Task);
      const used = (): number => task.machine.tableUsed.reduce((sum, one) => sum + one, 0);
      const before = used();
      const faults = faultIn(all, place);
      // One table above for each process that had none there.
      assert.equal(used() - before, tables(count) + count);
      for (const { mm } of all) assert.equal(mm.tables, (place % GIB === 0 ? 1 : 2) + 1);
      // With one table the others fault once each, to get it.
      const isShared = place % GIB === 0;
      assert.equal(faults, isShared ? 512 + count - 1 : 512 * count);
      check(task);
    }
  });
}

function isMapped({ machine, mm }: Task, page: number): boolean {
  let table = mm.root;
  for (let level = machine.format.levels - 1; ; level--) {
    const slot = table * machine.tableEntries + (Math.floor(page / 512 ** level) % 512);
    const [low, high] = [machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!];
    if (!machine.format.present(low, high)) return false;
    if (level === 1) return true;
    table = machine.format.table(low, high, level) / machine.tableEntries - machine.size.frames;
  }
}

test('the owner of private pages has its own, and a child without a page gets a signal', () => {
  const task = start({ mms: 2, hugePages: 1 });
  assert.equal(map(task, GIB, HUGE, MAP.PRIVATE | MAP.ANONYMOUS_HUGETLB), GIB * PAGE);
  assert.deepEqual(pool(task), [1, 1, 1, 0]);
  assert.equal(run(store(task, GIB, 5)), 0);
  const child = run(fork(task, 0)) as Task;
  assert.equal(run(load(child, GIB)), 5);
  assert.equal(run(store(task, GIB, 6)), 0);
  assert.equal(run(load(child, GIB)), -1 - Fault.SIGBUS);
  assert.equal(run(load(task, GIB)), 6);
  check(task);
  run(exit(child));
  run(exit(task));
  assert.deepEqual(pool(task), [1, 1, 0, 0]);
});

test('what is reserved is not given to others', () => {
  const task = start({ hugePages: 3 });
  const shared = MAP.SHARED | MAP.ANONYMOUS_HUGETLB;
  assert.equal(map(task, GIB, 2 * HUGE, shared), GIB * PAGE);
  assert.equal(map(task, 2 * GIB, 2 * HUGE, shared), ENOMEM);
  assert.equal(map(task, 2 * GIB, 2 * HUGE, shared | MAP.NORESERVE), 2 * GIB * PAGE);
  assert.equal(run(store(task, 2 * GIB, 1)), 0);
  assert.equal(run(store(task, 2 * GIB + HUGE, 1)), -1 - Fault.SIGBUS);
  assert.equal(run(store(task, GIB + HUGE, 1)), 0);
  assert.deepEqual(pool(task), [3, 1, 1, 0]);
  check(task);
});

test('a pool that is made smaller keeps what is promised as surplus', () => {
  const task = start({ hugePages: 3 });
  map(task, GIB, 2 * HUGE, MAP.SHARED | MAP.ANONYMOUS_HUGETLB);
  assert.equal(run(store(task, GIB, 1)), 0);
  const [hstate] = task.machine.hugetlb.hstates;
  run(setMaxHugePages(task, hstate!, 0));
  assert.deepEqual(pool(task), [2, 1, 1, 2]);
  assert.equal(run(store(task, GIB + HUGE, 1)), 0);
  check(task);
  run(exit(task));
  assert.deepEqual(pool(task), [0, 0, 0, 0]);
});

test('a page of 1 GiB is mapped by one entry, and needs no tables below', () => {
  const task = start({ frames: 2 * GIB, gigantic: 1, contents: false });
  const flags = MAP.SHARED | MAP.ANONYMOUS_HUGETLB | (30 << 26);
  assert.equal(map(task, GIB, GIB, flags), GIB * PAGE);
  assert.equal(run(handleUserFault(task, GIB + 12345, 1)), Fault.DONE);
  assert.equal(task.mm.tables, 1);
  assert.equal(task.mm.hugetlbPages, GIB);
  check(task);
  run(exit(task));
  assert.deepEqual(pool(task, 1), [1, 1, 0, 0]);
});

test('a mount has what it was promised, and no more than it may have', () => {
  const task = start({ hugePages: 6 });
  const hstate = hstateBySizeLog(task.machine, 0)!;
  const subpool = { pagesMax: 3, pagesMin: 2, used: 0, reserved: 2 };
  hstate.reserved += 2;
  const inode = newHugetlbInode(task, hstate, { subpool });
  const rights = { isReadable: true, isWritable: true, isExecutable: true };
  const file = { mapped: { inode }, ...rights, pagesMax: 2 ** 51 };
  assert.equal(map(task, GIB, 4 * HUGE, MAP.SHARED, file), ENOMEM);
  assert.equal(map(task, GIB, 3 * HUGE, MAP.SHARED, file), GIB * PAGE);
  assert.deepEqual([pool(task), subpool.used, subpool.reserved], [[6, 6, 3, 0], 3, 0]);
});

test('who pins a page gets the small one that was asked for, and keeps the huge one', () => {
  const task = start({ hugePages: 1 });
  map(task, GIB, HUGE, MAP.PRIVATE | MAP.ANONYMOUS_HUGETLB);
  const frame = run(getUserPage(task, GIB + 3, FOLL.WRITE | FOLL.PIN));
  assert.equal(frame % HUGE, 3);
  run(exit(task));
  assert.equal(pool(task)[1], 0);
  run(unpin(task, frame, true));
  assert.deepEqual(pool(task), [1, 1, 0, 0]);
});
