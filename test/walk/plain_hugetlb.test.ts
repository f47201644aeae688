/**
 * Huge pages of hugetlb in a VMA that does not say so, as proposed in June 2024: to a walk they are what
 * they are in one that does, of whatever form, without its lock.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../src/arch/index.ts';
import * as mm from '../../src/mm/index.ts';
import { pagemapOf } from '../../src/procfs/index.ts';
import { leavesOf } from './leaves.ts';

const PAGE = 4096;
const HUGE = 512;
const FIRST = 8 * HUGE * HUGE;
const PAGES = 3 * HUGE;
const SHARED_FIXED_NORESERVE = 0x4011;
const MFD_HUGETLB = 4;
const FORMS = Object.values(mm.WalkForm);

/** Two huge pages of a file, one of them written to, and a hole. */
function mapped(isPlain: boolean): mm.Task {
  const format = formatById('x86_64-4level')!;
  const machine = new mm.Machine({ format, frames: 6 * HUGE, tables: 24, hugePages: 2 });
  const task = mm.run(mm.newProcess(machine, 0))!;
  const file = mm.memfdCreate(task, 1, MFD_HUGETLB) as mm.OpenFile;
  const call = { address: FIRST * PAGE, length: PAGES * PAGE, prot: 3, file, offset: 0 };
  assert.equal(mm.run(mm.mmap(task, { ...call, flags: SHARED_FIXED_NORESERVE })), FIRST * PAGE);
  mm.run(mm.store(task, FIRST, 1));
  mm.run(mm.load(task, FIRST + HUGE));
  if (isPlain) task.mm.vmas.at(FIRST)!.flags &= ~mm.VM.HUGETLB;
  return task;
}

/** Entries by their addresses. */
const tables = ({ machine, mm: space }: mm.Task): string[] =>
  leavesOf(machine, space).map(({ slot, level, start }) =>
    [start, level, ...machine.lanes.subarray(slot * 2, slot * 2 + 2)].join(),
  );

const ALL = { vecLength: 9, maxPages: 0, categoryInverted: 0, categoryMask: 0, returnMask: 0x1ff };

function seen(task: mm.Task, form: mm.WalkForm): Record<string, unknown> {
  const { machine } = task;
  const pages = [0, 5, HUGE, 2 * HUGE - 1].map((at) => FIRST + at);
  const frames = pages.map((page) => {
    const frame = mm.run(mm.getUserPageSlow(task, page, mm.FOLL.GET, form));
    mm.run(mm.unpin(task, frame));
    return frame;
  });
  const words = new Uint32Array(2 * PAGES);
  pagemapOf(machine, task.mm, form).read(FIRST, words);
  const present = { flags: 0, start: FIRST * PAGE, end: (FIRST + PAGES) * PAGE };
  const categoryAnyofMask = mm.PageIs.PRESENT;
  return {
    frames,
    scanned: mm.run(mm.pagemapScan(task, { ...ALL, ...present, categoryAnyofMask }, form)),
    frameWords: words.filter((_, index) => index % 2 === 0),
    protectOne: mm.run(mm.mprotect(task, FIRST * PAGE, HUGE * PAGE, 1, form)),
    tables: tables(task),
  };
}

for (const form of FORMS) {
  test(`${form}, what is mapped there is what it is in a VMA of hugetlb`, () => {
    const [plain, usual] = [mapped(true), mapped(false)];
    assert.deepEqual(seen(plain, form), seen(usual, form));
    assert.equal(mm.violationOf(plain.machine), undefined);
  });
}
