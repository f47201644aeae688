/** mremap(2): a page is at two places for a while, or at none. */
import type { Program } from '../check/index.ts';
import { fallocate, mremap } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, TABLE_PAGES } from './small_machine.ts';

/** In another table, and not at the same place of it: the entry is moved, not the table. */
const TARGET = PAGE + TABLE_PAGES + 1;

const KEEP_SIZE_PUNCH_HOLE = 3;

const moving: Program = {
  name: 'mremap',
  run: (task) =>
    mremap(task, {
      address: PAGE * 4096,
      oldLength: 4096,
      newLength: 4096,
      flags: 3,
      newAddress: TARGET * 4096,
    }),
};

/** Frees the page of the file that is mapped. */
const punching: Program = {
  name: 'fallocate(PUNCH_HOLE)',
  run(task) {
    const [inode] = task.machine.inodes.all();
    const rights = { isReadable: true, isWritable: true, isExecutable: true };
    const file = { mapped: { inode: inode! }, ...rights, pagesMax: 2 ** 32 };
    return fallocate(task, file, KEEP_SIZE_PUNCH_HOLE, 0, 4096);
  },
};

export const moveUnlockedBeforeFlush: ZooEntry = {
  id: 'C1',
  aliases: ['CVE-2018-18281', 'eb66ae030829'],
  title: 'mremap() flushes when the page can be freed at its new place',
  bug: 'moveUnlockedBeforeFlush',
  properties: ['P-UAF-PAGE'],
  actors: [
    'mremap() of one shared page to another address',
    'fallocate(FALLOC_FL_PUNCH_HOLE) of the page',
  ],
  story:
    'mremap() moves an entry and drops the page-table locks; the old address is flushed later. ' +
    'A hole punch (or ftruncate()) finds the page at its new address, flushes that, and frees it, while TLBs still ' +
    'lead to it from the old address. The mend: flush the old range before either lock is dropped, ' +
    'if any present entry was moved.',
  fix: 'eb66ae030829',
  versions: '3.2 to 4.18',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations; flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [moving, punching],
      // Who flushes by interrupt gives the same result, and ten times as many executions.
      { mapped: [], shared: [[PAGE, PAGE + 1]], touched: [PAGE], flush: 'broadcast' },
      { moveUnlockedBeforeFlush: isBroken },
    ),
};
