/** Walks of page tables, and what comes and goes under them. */
import type { Program } from '../check/index.ts';
import { load, madvise, migratePages, run } from '../mm/index.ts';
import { MADV, PAGE_BYTES } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import {
  advising,
  PAGE,
  race,
  SMALL_TABLE_PAGES,
  SMALL_TABLES,
  unmapping,
} from './small_machine.ts';

const migrating: Program = {
  name: 'migrate_pages',
  run: (task) => migratePages(task, PAGE, PAGE + 1),
};

export const walkWithoutVma: ZooEntry = {
  id: 'B13',
  aliases: ['8782fb61cc84'],
  title: 'A walk goes through tables that no VMA covers any more',
  bug: 'walkWithoutVma',
  properties: ['P-UAF-PT'],
  actors: ['munmap() of the only page of a table', 'migrate_pages() of all that is mapped'],
  story:
    'munmap() takes VMAs out of the tree, downgrades the mmap lock, and frees pages and tables while ' +
    'others may read the address space: no fault finds the VMA any more. A walk of a range that goes on ' +
    'between VMAs finds the tables all the same, and they are freed under it. The mend: where there is no ' +
    'VMA there is nothing to walk; who has to, holds the mmap lock for writing.',
  fix: '8782fb61cc84',
  versions: '4.20 to 6.0',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [unmapping(PAGE), migrating],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], flush: 'broadcast' },
      { walkWithoutVma: isBroken },
    ),
};

export const walkWithoutSnapshot: ZooEntry = {
  id: 'B17',
  aliases: ['3b89863c3fa4'],
  title: 'A walk splits a huge page, and takes the one that comes after it for a table',
  bug: 'walkWithoutSnapshot',
  properties: ['P-UAF-PT'],
  actors: ['madvise(MADV_DONTNEED) of a small page of a huge one of a file', 'a load'],
  story:
    'A walk that wants small pages splits a huge one. Of a file that drops the entry: a fault of another ' +
    'thread may map the huge page again before the walk reads the entry, and the walk takes the first ' +
    'words of the page for entries. Linux did this with pages of 1 GiB, where the model has 2 MiB. The ' +
    'mend: read the entry once, and start again if it is no table.',
  fix: '3b89863c3fa4',
  versions: 'until 6.12, before its mend, with huge pages of 1 GiB',
  bounds:
    '2 CPUs, 1 process, 1 huge page, 2 operations, tables of 32 entries, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [
        advising(PAGE, PAGE + 1, MADV.DONTNEED, 'madvise(MADV_DONTNEED)'),
        { name: 'load', run: (task) => load(task, PAGE + 1) },
      ],
      {
        ...SMALL_TABLES,
        mapped: [],
        shared: [[PAGE, PAGE + SMALL_TABLE_PAGES]],
        touched: [PAGE],
        frames: 128,
        flush: 'broadcast',
      },
      { walkWithoutSnapshot: isBroken },
      (task) => {
        run(madvise(task, PAGE * PAGE_BYTES, SMALL_TABLE_PAGES * PAGE_BYTES, MADV.COLLAPSE));
      },
    ),
};
