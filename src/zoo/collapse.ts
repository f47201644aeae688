/** khugepaged takes tables away from lockless walkers. */
import type { Program } from '../check/index.ts';
import { gupFast, load, NONE, unpin, violate } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { advising, PAGE, race, TABLE_PAGES, writeFrame } from './small_machine.ts';

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
