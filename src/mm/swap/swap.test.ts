import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILDS } from '../../../test/mm/builds.ts';
import { type Engine, mapPages, newWorld, unmapPages } from '../../../test/mm/small_world.ts';
import type { Machine, Task, WorldSize } from '../index.ts';

const PAGE = 5 * 512;
const BYTES = 4096;
const MADV = { FREE: 8, PAGEOUT: 21 } as const;
const PROT_READ = 1;

/** A process with pages that hold their number, on a machine with a swap device. */
class Host {
  readonly mm: Engine;
  readonly machine: Machine;
  readonly task: Task;

  constructor(mm: Engine, pages: number, size: Partial<WorldSize> = {}) {
    this.mm = mm;
    this.machine = newWorld(mm, { mms: 2, frames: 64, tables: 24, swapSlots: 8, ...size });
    this.task = mm.taskOn(this.machine, 0, 0);
    mm.run(mapPages(mm, this.task, PAGE, PAGE + pages));
    for (let page = PAGE; page < PAGE + pages; page++) this.store(page, page);
  }

  store(page: number, value: number, task = this.task): void {
    assert.equal(this.mm.run(this.mm.store(task, page, value)), 0);
  }

  load(page: number, task = this.task): number {
    return this.mm.run(this.mm.load(task, page));
  }

  advise(pages: number, advice: number): void {
    const { mm, task } = this;
    assert.equal(mm.run(mm.madvise(task, PAGE * BYTES, pages * BYTES, advice)), 0);
    this.check();
  }

  fork(): Task {
    const child = this.mm.run(this.mm.fork(this.task, 0));
    assert.ok(typeof child === 'object');
    this.check();
    return child;
  }

  check(): void {
    this.mm.audit(this.machine);
    assert.equal(this.mm.violationOf(this.machine), undefined);
  }

  /** Pages in memory and pages swapped out, as VmSwap and RssAnon of status tell them. */
  pages(task = this.task): readonly [number, number] {
    return [task.mm.rss[this.mm.Rss.ANON]!, task.mm.rss[this.mm.Rss.SWAP]!];
  }

  get freeSlots(): number {
    const { swapCount, swapCache } = this.machine;
    return swapCount.filter((count, slot) => count === 0 && swapCache[slot] === -1).length;
  }

  residency(pages: number): number[] {
    const resident = new Uint8Array(pages);
    assert.equal(this.mm.run(this.mm.mincore(this.task, PAGE * BYTES, pages * BYTES, resident)), 0);
    return [...resident];
  }
}

for (const [build, mm] of BUILDS) {
  for (const swapIsSynchronous of [false, true]) {
    const device = swapIsSynchronous ? 'a device that answers at once' : 'a disk';
    test(`${build}: what MADV_PAGEOUT writes to ${device} is there when it is touched`, () => {
      const host = new Host(mm, 3, { swapIsSynchronous });
      host.advise(2, MADV.PAGEOUT);
      assert.deepEqual(host.pages(), [1, 2]);
      assert.deepEqual(host.residency(3), [0, 0, 1]);
      assert.equal(host.freeSlots, 6);
      assert.equal(host.load(PAGE), PAGE);
      host.store(PAGE + 1, 77);
      assert.equal(host.load(PAGE + 1), 77);
      host.check();
      assert.deepEqual(host.pages(), [3, 0]);
    });

    test(`${build}: parent and child keep their content on ${device}, then part by writing`, () => {
      const host = new Host(mm, 1, { swapIsSynchronous });
      host.advise(1, MADV.PAGEOUT);
      const child = host.fork();
      assert.equal(
        host.machine.swapCount.reduce((sum, count) => sum + count),
        2,
      );
      assert.deepEqual(host.pages(child), [0, 1]);
      host.store(PAGE, 9, child);
      host.check();
      assert.equal(host.load(PAGE), PAGE);
      host.check();
      assert.equal(host.load(PAGE, child), 9);
      mm.run(mm.exit(child));
      host.check();
    });
  }

  test(`${build}: munmap frees slots, and MADV_FREE those of pages that are out`, () => {
    const host = new Host(mm, 3);
    host.advise(3, MADV.PAGEOUT);
    assert.equal(host.freeSlots, 5);
    host.advise(1, MADV.FREE);
    assert.equal(host.freeSlots, 6);
    assert.equal(host.load(PAGE), 0);
    assert.equal(mm.run(unmapPages(mm, host.task, PAGE, PAGE + 3)), 0);
    assert.equal(host.freeSlots, 8);
    host.check();
  });

  test(`${build}: a page that was only read stays in the swap cache, and is not written again`, () => {
    const host = new Host(mm, 1);
    host.advise(1, MADV.PAGEOUT);
    assert.equal(host.load(PAGE), PAGE);
    assert.equal(host.freeSlots, 7);
    // What is clean is not written: whatever the device has by now comes back.
    host.machine.swapData[host.machine.swapCache.findIndex((head) => head >= 0)] = 1234;
    host.advise(1, MADV.PAGEOUT);
    assert.equal(host.load(PAGE), 1234);
  });

  test(`${build}: a write takes the page out of the swap cache, and its slot is free`, () => {
    const host = new Host(mm, 1);
    host.advise(1, MADV.PAGEOUT);
    host.store(PAGE, 8);
    assert.equal(host.freeSlots, 8);
    host.check();
  });

  test(`${build}: unmapping a page of the swap cache frees its slot with it`, () => {
    const host = new Host(mm, 1);
    host.advise(1, MADV.PAGEOUT);
    host.load(PAGE);
    assert.equal(mm.run(unmapPages(mm, host.task, PAGE, PAGE + 1)), 0);
    assert.equal(host.freeSlots, 8);
    host.check();
  });

  test(`${build}: rights that change meanwhile are those that the page comes back with`, () => {
    const host = new Host(mm, 1);
    host.advise(1, MADV.PAGEOUT);
    assert.equal(mm.run(mm.mprotect(host.task, PAGE * BYTES, BYTES, PROT_READ)), 0);
    assert.equal(host.load(PAGE), PAGE);
    assert.ok(mm.run(mm.store(host.task, PAGE, 1)) < 0, 'the page is read-only');
    host.check();
  });

  test(`${build}: mremap moves pages that are out`, () => {
    const host = new Host(mm, 1);
    host.advise(1, MADV.PAGEOUT);
    const newAddress = (PAGE + 1024) * BYTES;
    const call = {
      address: PAGE * BYTES,
      oldLength: BYTES,
      newLength: BYTES,
      flags: 3,
      newAddress,
    };
    assert.equal(mm.run(mm.mremap(host.task, call)), newAddress);
    host.check();
    assert.equal(host.load(PAGE + 1024), PAGE);
    host.check();
  });

  test(`${build}: what is pinned stays, and so does what finds no slot`, () => {
    const host = new Host(mm, 3, { swapSlots: 1 });
    const frame = mm.run(mm.getUserPage(host.task, PAGE, mm.FOLL.PIN));
    assert.ok(frame > 0);
    host.advise(3, MADV.PAGEOUT);
    assert.deepEqual(host.pages(), [2, 1]);
    assert.deepEqual(host.residency(3), [1, 0, 1]);
    mm.run(mm.unpin(host.task, frame, true));
  });

  test(`${build}: pages that were swapped out come back to GUP`, () => {
    const host = new Host(mm, 1);
    host.advise(1, MADV.PAGEOUT);
    const frame = mm.run(mm.getUserPage(host.task, PAGE, mm.FOLL.GET | mm.FOLL.WRITE));
    assert.equal(host.machine.frameData[frame], PAGE);
    host.check();
    mm.run(mm.unpin(host.task, frame));
  });
}
