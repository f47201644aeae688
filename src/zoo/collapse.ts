/** khugepaged takes tables away from lockless walkers. */
import type { Program } from '../check/index.ts';
import { gupFast, load, madvise, NONE, unpin, violate } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { pinning } from './munmap.ts';
import {
  advising,
  PAGE,
  race,
  SMALL_TABLE_PAGES,
  SMALL_TABLES,
  TABLE_PAGES,
  writeFrame,
} from './small_machine.ts';

const MADV_DONTNEED = 4;
const MADV_COLLAPSE = 25;
/** One page of a huge page's worth of memory is there. */
const SETTING = {
  mapped: [[PAGE, PAGE + TABLE_PAGES]],
  touched: [PAGE],
  frames: 2048,
} as const;

const collapsing = advising(PAGE, PAGE + TABLE_PAGES, MADV_COLLAPSE, 'MADV_COLLAPSE');

/** A device writes to the page that it has got; the program must see that. */
const writing: Program = {
  name: 'GUP-fast, write by a device, load',
  *run(task) {
    const frame = yield* gupFast(task, PAGE, true, true);
    if (frame === NONE) return;
    yield* writeFrame(task.machine, frame, 7);
    const value = yield* load(task, PAGE);
    if (value !== 7) violate(task.machine, 'P-DATA');
    yield* unpin(task, frame, true);
  },
};

export const gupAgainstCollapse: ZooEntry = {
  id: 'B1',
  aliases: ['70cbc3cc78a9'],
  title: 'GUP-fast gets a page from a table that khugepaged has unlinked',
  bug: 'gupFastWithoutPmdRecheck',
  properties: ['P-DATA', 'P-COW'],
  actors: [
    'MADV_COLLAPSE of 2 MiB with one page in it',
    'GUP-fast of the page, a write through it, a load',
  ],
  story:
    'khugepaged clears the entry of the table, flushes, and sees that no page is held. GUP-fast has ' +
    'gone past that entry before: it takes its reference now, finds the small entry unchanged, and ' +
    'returns a page that is copied and no longer mapped. Where flushes are no interrupts, nothing ' +
    'had kept it from this since GUP-fast relies on RCU. The mend: having got the reference, GUP-fast ' +
    'looks at the entry of the table again.',
  fix: '70cbc3cc78a9',
  versions: 'until 6.1, all architectures that do not flush by interrupt',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations, flushes by broadcast, no interrupt for walkers',
  scenario: (isBroken) =>
    race(
      [collapsing, writing],
      { ...SETTING, flush: 'broadcast' },
      { gupFastWithoutPmdRecheck: isBroken, collapseWithoutSync: true },
    ),
};

const SMALL = {
  ...SMALL_TABLES,
  mapped: [[PAGE, PAGE + SMALL_TABLE_PAGES]],
  touched: [PAGE],
  frames: 128,
} as const;

/** The table that becomes the deposit of the huge page is freed with it. */
const collapsingAndFreeing: Program = {
  name: 'MADV_COLLAPSE, MADV_DONTNEED',
  *run(task) {
    yield* madvise(task, PAGE * 4096, SMALL_TABLE_PAGES * 4096, MADV_COLLAPSE);
    yield* madvise(task, PAGE * 4096, SMALL_TABLE_PAGES * 4096, MADV_DONTNEED);
  },
};

export const collapseWithoutSync: ZooEntry = {
  id: 'B2',
  aliases: ['2ba99c5e0881'],
  title: 'khugepaged unlinks a table and frees it while GUP-fast is in it',
  bug: 'collapseWithoutSync',
  properties: ['P-UAF-PT'],
  actors: ['MADV_COLLAPSE, then MADV_DONTNEED of the huge page', 'GUP-fast of a page'],
  story:
    'That GUP-fast looks at the entry of the table again (B1) comes too late if the table itself has ' +
    'been freed: what it reads there may be anything. A collapse keeps the table as the deposit of the ' +
    'huge page, which goes with that page, without a grace period. Where TLBs are flushed by ' +
    'interrupts, the flush has waited for walkers. The mend: an interrupt to all CPUs once the entry ' +
    'is cleared.',
  fix: '2ba99c5e0881',
  versions: '2.6.38 to 6.0, all architectures that do not flush by interrupt',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations, tables of 32 entries, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [collapsingAndFreeing, pinning(PAGE)],
      { ...SMALL, flush: 'broadcast' },
      { collapseWithoutSync: isBroken },
    ),
};
