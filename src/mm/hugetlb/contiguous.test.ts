/** Huge pages that runs of entries map, as on arm64: every call treats a run as one. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../arch/index.ts';
import {
  audit,
  exit,
  FOLL,
  fork,
  getUserPage,
  hstateBySizeLog,
  load,
  Machine,
  madvise,
  mmap,
  mprotect,
  mremap,
  newProcess,
  run,
  setMaxHugePages,
  store,
  type Task,
  unpin,
  violationOf,
} from '../index.ts';
import { walk } from '../table/pgtable.ts';

const PAGE = 4096;
const HUGE = 512;
const PLACE = 2 ** 20;
const SHARED = 0x21;
const PRIVATE = 0x22;
const MAP_FIXED_HUGETLB = 0x40010;
const MADV_DONTNEED = 4;

/** Sizes of arm64 with granules of 4 KiB that are runs: 16 entries of level 0, and of level 1. */
const RUNS = [
  { name: '64 KiB', pages: 16, level: 0 },
  { name: '32 MiB', pages: 16 * HUGE, level: 1 },
] as const;

/** A process with two pages of a size, mapped at `PLACE`. */
function start(pages: number, flags: number): Task {
  const format = formatById('arm64-4k-48bit')!;
  const sizes = [HUGE, 16, 16 * HUGE];
  const machine = new Machine({
    ...{ format, frames: 5 * 16 * HUGE, mms: 2, tables: 32, gather: 64, hugeSizes: sizes },
  });
  const task = run(newProcess(machine, 0))!;
  const log = Math.log2(pages) + 12;
  const hstate = hstateBySizeLog(machine, log << 26)!;
  assert.equal(run(setMaxHugePages(task, hstate, 4)), 4);
  const call = { address: PLACE * PAGE, length: 2 * pages * PAGE, prot: 3, offset: 0 };
  const all = flags | MAP_FIXED_HUGETLB | (log << 26);
  assert.equal(run(mmap(task, { ...call, flags: all, file: undefined })), PLACE * PAGE);
  return task;
}

/** How many entries of the run at `page` are marked as contiguous. */
function countRun({ machine, mm }: Task, page: number, level: number): number {
  const slot = run(walk(machine, mm, page, level));
  const { format, lanes } = machine;
  let count = 0;
  for (let at = slot; at < slot + 16; at++) {
    if (format.contiguous(lanes[at * 2]!, lanes[at * 2 + 1]!)) count++;
  }
  return count;
}

function check({ machine }: Task): void {
  audit(machine);
  assert.equal(violationOf(machine), undefined);
}

for (const { name, pages, level } of RUNS) {
  test(`a page of ${name} is mapped by 16 entries, which come, change and go together`, () => {
    const task = start(pages, SHARED);
    assert.equal(run(store(task, PLACE + 3, 7)), 0);
    assert.equal(countRun(task, PLACE, level), 16);
    assert.equal(task.mm.hugetlbPages, pages);
    check(task);
    for (const prot of [0, 1, 3]) {
      assert.equal(run(mprotect(task, PLACE * PAGE, pages * PAGE, prot)), 0);
      check(task);
    }
    assert.equal(run(load(task, PLACE + 3)), 7);
    const frame = run(getUserPage(task, PLACE + pages - 1, FOLL.WRITE | FOLL.PIN));
    assert.equal(frame % pages, pages - 1);
    run(unpin(task, frame, true));
    const length = 2 * pages * PAGE;
    const newAddress = 2 * PLACE * PAGE;
    const call = { address: PLACE * PAGE, oldLength: length, newLength: length, newAddress };
    assert.equal(run(mremap(task, { ...call, flags: 3 })), newAddress);
    assert.equal(run(load(task, 2 * PLACE + 3)), 7);
    assert.equal(countRun(task, 2 * PLACE, level), 16);
    check(task);
    assert.equal(run(madvise(task, newAddress, length, MADV_DONTNEED)), 0);
    assert.deepEqual([countRun(task, 2 * PLACE, level), task.mm.hugetlbPages], [0, 0]);
    check(task);
  });

  test(`private pages of ${name} are copied on write`, () => {
    const task = start(pages, PRIVATE);
    assert.equal(run(store(task, PLACE + 1, 5)), 0);
    const child = run(fork(task, 0)) as Task;
    assert.equal(run(store(child, PLACE + 1, 6)), 0);
    assert.deepEqual([run(load(task, PLACE + 1)), run(load(child, PLACE + 1))], [5, 6]);
    assert.equal(run(store(task, PLACE + 2, 8)), 0);
    assert.equal(countRun(child, PLACE, level), 16);
    check(task);
    run(exit(child));
    run(exit(task));
    audit(task.machine);
    const hstate = task.machine.hugetlb.hstates.find((one) => one.pages === pages)!;
    assert.deepEqual([hstate.free.length, hstate.reserved], [4, 0]);
  });
}

test('a size that there is not is refused', () => {
  const task = start(16, SHARED);
  const call = { address: 0, length: PAGE, prot: 3, file: undefined, offset: 0 };
  assert.ok(run(mmap(task, { ...call, flags: SHARED | 0x40000 | (30 << 26) })) < 0);
});
