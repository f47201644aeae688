/** Which folios are mlocked. Facts: kernel 6.18, measured by KPF_MLOCKED of /proc/kpageflags. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { OneProcess, PAGE_BYTES, PROT, TABLE } from '../../../test/mm/one_process.ts';
import { MADV } from '../../uapi/mman.ts';
import {
  audit,
  madvise,
  mlock,
  mprotect,
  mremap,
  munlock,
  munmap,
  run,
  store,
  violationOf,
} from '../index.ts';
import { headOf } from '../page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { walk } from '../table/pgtable.ts';
import { FrameFlag } from '../world/world.ts';
import { isMlocked } from './mlock.ts';

const START = 16 * TABLE;
const TARGET = 32 * TABLE;

/** Locks, unlocks, protects and unmaps pages of `process`, by number. */
class Pages {
  readonly process = new OneProcess();

  constructor(pages: number) {
    this.process.map(START, pages);
  }

  #do(call: typeof mlock, start: number, pages: number): void {
    const { process } = this;
    assert.equal(process.call(call(process.task, start * PAGE_BYTES, pages * PAGE_BYTES)), 0);
  }

  lock(start: number, pages: number): void {
    this.#do(mlock, start, pages);
  }

  unlock(start: number, pages: number): void {
    this.#do(munlock, start, pages);
  }

  unmap(start: number, pages: number): void {
    this.#do(munmap, start, pages);
  }

  protect(start: number, pages: number): void {
    this.#do((task, at, length) => mprotect(task, at, length, PROT.READ), start, pages);
  }

  advise(start: number, pages: number, advice: number): void {
    this.#do((task, at, length) => madvise(task, at, length, advice), start, pages);
  }

  /** `M` for each page that is mlocked, `m` for others, `-` for what is not there. */
  marks(start: number, pages: number): string {
    const { machine, mm } = this.process.task;
    const markOf = (page: number): string => {
      const level = [0, 1].find((at) => {
        const slot = run(walk(machine, mm, page, at));
        return slot >= 0 && isMappedAt(machine, slot, at);
      });
      if (level === undefined) return '-';
      const frame = mappedFrameAt(machine, run(walk(machine, mm, page, level)), level);
      return isMlocked(machine, headOf(machine, frame)) ? 'M' : 'm';
    };
    return Array.from({ length: pages }, (_, index) => markOf(start + index)).join('');
  }
}

test('pages are mlocked while they are there, and by the faults that bring them', () => {
  const pages = new Pages(8);
  pages.process.fill(START, 4);
  pages.lock(START, 2);
  assert.equal(pages.marks(START, 5), 'MMmm-');
  pages.unlock(START, 1);
  assert.equal(pages.marks(START, 4), 'mMmm');
  pages.lock(START + 4, 2);
  assert.equal(pages.marks(START, 8), 'mMmmMM--');
});

/** Two locked pages in a VMA that has lost VM_LOCKED: two others were moved away from it. */
function leftBehind(): Pages {
  const pages = new Pages(4);
  const { process } = pages;
  pages.lock(START, 4);
  const call = {
    address: (START + 2) * PAGE_BYTES,
    oldLength: 2 * PAGE_BYTES,
    newLength: 2 * PAGE_BYTES,
    flags: 5,
    newAddress: TARGET * PAGE_BYTES,
  };
  assert.equal(process.call(mremap(process.task, call)), TARGET * PAGE_BYTES);
  assert.equal(pages.marks(START, 4), 'MM--');
  assert.equal(pages.marks(TARGET, 2), 'MM');
  return pages;
}

test('what is left behind is locked once more by mlock, and stays so, until it was advised out', () => {
  const pages = leftBehind();
  pages.lock(START, 1);
  pages.unlock(START, 1);
  assert.equal(pages.marks(START, 2), 'MM');
  pages.advise(START, 2, MADV.PAGEOUT);
  assert.equal(pages.marks(START, 2), 'MM');
  pages.lock(START, 1);
  pages.unlock(START, 1);
  assert.equal(pages.marks(START, 2), 'mM');
  pages.unmap(START, 2);
  pages.unmap(TARGET, 2);
  assert.equal(pages.process.task.machine.mlockCounts.size, 0);
});

test('how often a page is locked is a part of the state', () => {
  const pages = leftBehind();
  const { machine } = pages.process.task;
  pages.lock(START, 2);
  const saved = machine.save();
  const counts = [...machine.mlockCounts.values()];
  assert.deepEqual(counts, [2, 2]);
  pages.unmap(START, 4);
  assert.equal(machine.mlockCounts.size, 0);
  machine.restore(saved);
  assert.deepEqual([...machine.mlockCounts.values()], counts);
});

test('a huge page is mlocked by who locks all of it at once, and munlocked by any part', () => {
  const pages = new Pages(2 * TABLE);
  pages.advise(START, 2 * TABLE, MADV.HUGEPAGE);
  const { task } = pages.process;
  for (const page of [START, START + TABLE]) assert.equal(run(store(task, page, 7)), 0);
  pages.lock(START, TABLE);
  assert.equal(pages.marks(START, 2), 'MM');
  pages.unlock(START, 1);
  assert.equal(pages.marks(START, 3), 'mmm');
  pages.unlock(START, TABLE);
  pages.lock(START + 1, 1);
  assert.equal(pages.marks(START, 3), 'mmm');
  pages.lock(START, TABLE);
  assert.equal(pages.marks(START, 3), 'mmm');
  // Split by a change of rights it stays mlocked, until one of its pages goes.
  pages.lock(START + TABLE, TABLE);
  pages.protect(START + TABLE + 1, 1);
  assert.equal(pages.marks(START + TABLE, 2), 'MM');
  pages.unmap(START + TABLE + 1, 1);
  assert.equal(pages.marks(START + TABLE, 3), 'm-m');
});

test('a free page that is mlocked is found by an audit', () => {
  const { machine } = new OneProcess().task;
  const free = machine.frameReferences.findLastIndex((references) => references <= 0);
  machine.frameFlags[free]! |= FrameFlag.MLOCKED;
  audit(machine);
  assert.equal(violationOf(machine), 'P-COUNT');
});
