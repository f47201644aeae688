/** Who comes to a shared table by the reverse map. */
import type { Program } from '../../check/index.ts';
import { folioReferenced, lockFolio, mlock, run, taskOn, unlockFolio } from '../../mm/index.ts';
import { MADV, PAGE_BYTES } from '../../uapi/mman.ts';
import type { ZooEntry } from '../entry.ts';
import { advising, loading, PAGE, sharingRace, TABLE } from './sharing_race.ts';

const VERSIONS = 'never merged: shared page tables for 2.6.17-rc3';

export const flushesOneMm: ZooEntry = {
  id: 'F7',
  aliases: ['shared-2006-rmap-flush'],
  title: 'Shared tables of 2006: reclaim flushes one of the processes that see an entry',
  mistake: 'flushesOneMm',
  properties: ['P-TLB', 'P-UAF-PAGE'],
  actors: ['MADV_PAGEOUT of a page of a shared table', 'a load by the other process'],
  story:
    'An entry of a shared table is found by the VMA of one process, and that one is flushed; the ' +
    'others keep their translations. There is no record of who they are, so all CPUs have to be ' +
    'flushed. The patch meant to, but a pointer was raised in place of what it points to ' +
    '(`*shared++`), so nobody ever heard that the table is shared.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace(
      [advising(0, MADV.PAGEOUT, 'madvise(MADV_PAGEOUT)'), loading(1)],
      [
        { mm: 0, touched: [PAGE] },
        { mm: 1, touched: [PAGE] },
      ],
      { mistakes: { flushesOneMm: isBroken } },
    ),
};

/** Asks whether the page of the file was used. */
const asking: Program = {
  name: 'page_referenced',
  *run({ machine, cpu }) {
    const [inode] = machine.inodes.all();
    const frame = inode!.pages.get(0);
    yield* lockFolio(machine, cpu, frame);
    yield* folioReferenced(machine, cpu, frame);
    yield* unlockFolio(machine, cpu, frame);
  },
};

export const referencedCountsByVma: ZooEntry = {
  id: 'F8',
  aliases: ['shared-2006-page-referenced'],
  title: 'Shared tables of 2006: page_referenced() stops before it has seen all entries',
  bug: 'referencedCountsByVma',
  properties: ['P-COUNT'],
  actors: ['page_referenced() of a page', 'a load by a process with a table of its own'],
  story:
    'The walk counts down from the number of entries that map the page, once for each VMA where it ' +
    'finds one. An entry of a shared table is found by every sharer, and was counted once when it was ' +
    'mapped: the walk stops early, and a page that another process uses looks unused.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 3 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace(
      [asking, loading(2)],
      [
        { mm: 0, touched: [PAGE] },
        { mm: 1, touched: [PAGE] },
        { mm: 2, pages: TABLE - 1, touched: [PAGE] },
      ],
      { bugs: { referencedCountsByVma: isBroken } },
    ),
};

export const sharesLocked: ZooEntry = {
  id: 'F10',
  aliases: ['shared-2006-mlock'],
  title: 'Shared tables of 2006: a locked page is taken away through somebody else',
  mistake: 'sharesLocked',
  properties: ['P-LIVE'],
  actors: ['MADV_PAGEOUT in a process that shares a table', 'a load in one that has locked it'],
  story:
    'mlock() promises that pages stay. Reclaim finds the entry by a VMA that is not locked, and takes ' +
    'it away: it was the entry of the locked one, too. And who leaves a table to have its rights ' +
    'changed loses its pages until it faults them in again. Locked VMAs must have tables of their own.',
  fix: undefined,
  versions: VERSIONS,
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations',
  scenario: (isBroken) =>
    sharingRace(
      [advising(0, MADV.PAGEOUT, 'madvise(MADV_PAGEOUT)'), loading(1)],
      [
        { mm: 0, touched: [PAGE] },
        { mm: 1, touched: [PAGE] },
      ],
      { mistakes: { sharesLocked: isBroken } },
      {},
      (machine) => run(mlock(taskOn(machine, 0, 1), PAGE * PAGE_BYTES, TABLE * PAGE_BYTES)),
    ),
};
