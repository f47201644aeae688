/** Counts of shared tables: who is the last, and when does one count. */
import type { ZooEntry } from '../entry.ts';
import { discarding, loading, PAGE, sharingRace } from './sharing_race.ts';

/** Two processes that have one table. */
const PAIR = [
  { mm: 0, touched: [PAGE] },
  { mm: 1, touched: [PAGE] },
];

const VERSIONS = 'never merged: shared page tables for 2.6.15 and 2.6.17-rc3';

export const detachesWithoutRecheck: ZooEntry = {
  id: 'F1',
  aliases: ['shared-2006-last-sharers'],
  title: 'Shared tables of 2006: the last two sharers both leave the table to the other',
  mistake: 'detachesWithoutRecheck',
  properties: ['P-COUNT'],
  actors: ['MADV_DONTNEED in one of two processes that share a table', 'the same in the other'],
  story:
    'Who frees a table looks at its count, sees that somebody else has it, too, and only takes it out ' +
    'of its own address space. Two who do so at once both see the other: nobody frees it. The count ' +
    'has to be looked at where it is changed.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace([discarding(0), discarding(1)], PAIR, {
      mistakes: { detachesWithoutRecheck: isBroken },
    }),
};

export const countsBeforeLinking: ZooEntry = {
  id: 'F2',
  aliases: ['shared-2006-oops-already-mapped'],
  title: 'Shared tables of 2006: a sharer counts before it has linked, and the donor leaves',
  mistake: 'countsBeforeLinking',
  properties: ['P-COUNT', 'P-UAF-PT'],
  actors: ['MADV_DONTNEED in the process that has the table', 'a load in one that finds it there'],
  story:
    'A sharer raises the count of a table that it has found, drops the lock, and then links it. If it ' +
    'cannot, because there is something by now or no memory for the tables above, it lowers the count. ' +
    'Meanwhile the donor has seen the table shared, and left it: to nobody. The lock of the search has ' +
    'to be held until the table is linked, and only then it counts.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations, no memory for tables',
  scenario: (isBroken) =>
    sharingRace(
      [discarding(0), loading(1)],
      [{ mm: 0, touched: [PAGE] }, { mm: 1 }],
      { mistakes: { countsBeforeLinking: isBroken } },
      { tables: 5 },
    ),
};

export const unlocksBeforeFlush: ZooEntry = {
  id: 'F3',
  aliases: ['shared-2006-unlock-before-flush'],
  title: 'Shared tables of 2006: who leaves a table says so before it has left',
  mistake: 'unlocksBeforeFlush',
  properties: ['P-UAF-PT', 'P-TLB', 'P-UAF-PAGE'],
  actors: ['MADV_DONTNEED in one of two processes that share a table', 'the same in the other'],
  story:
    'The count of the table is lowered under its lock; the entry above is cleared and flushed after ' +
    'the lock was dropped. The other one takes the table for its own meanwhile, unmaps its pages, ' +
    'flushes nobody else, and frees it.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace([discarding(0), discarding(1)], PAIR, {
      mistakes: { unlocksBeforeFlush: isBroken },
    }),
};
