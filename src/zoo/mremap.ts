/** mremap(2): a page is at two places for a while, or at none. */
import type { Program } from '../check/index.ts';
import {
  fallocate,
  fork,
  load,
  madvise,
  mmap,
  mremap,
  newInode,
  run,
  store,
  storeNofault,
  type Task,
  writeBack,
} from '../mm/index.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, SMALL_TABLE_PAGES, SMALL_TABLES, TABLE_PAGES } from './small_machine.ts';

/** In another table, and not at the same place of it: the entry is moved, not the table. */
const TARGET = PAGE + TABLE_PAGES + 1;

const KEEP_SIZE_PUNCH_HOLE = 3;
const MAP_SHARED_FIXED = MAP.SHARED | MAP.FIXED;

const moving: Program = {
  name: 'mremap',
  run: (task) =>
    mremap(task, {
      address: PAGE * PAGE_BYTES,
      oldLength: PAGE_BYTES,
      newLength: PAGE_BYTES,
      flags: 3,
      newAddress: TARGET * PAGE_BYTES,
    }),
};

/** Frees the page of the file that is mapped. */
const punching: Program = {
  name: 'fallocate(PUNCH_HOLE)',
  run(task) {
    const [inode] = task.machine.inodes.all();
    const rights = { isReadable: true, isWritable: true, isExecutable: true };
    const file = { mapped: { inode: inode! }, ...rights, pagesMax: 2 ** 32 };
    return fallocate(task, file, KEEP_SIZE_PUNCH_HOLE, 0, PAGE_BYTES);
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

/** Moves all that one table of so many entries maps to where another one is to be: the table moves. */
const movingTable = (pages: number): Program => ({
  name: 'mremap',
  run: (task) =>
    mremap(task, {
      address: PAGE * PAGE_BYTES,
      oldLength: pages * PAGE_BYTES,
      newLength: pages * PAGE_BYTES,
      flags: 3,
      newAddress: (PAGE + pages) * PAGE_BYTES,
    }),
});

export const moveTableWithoutRmapLocks: ZooEntry = {
  id: 'C3',
  aliases: ['CVE-2022-41222', '97113eb39fa7'],
  title: 'mremap() moves a table, and a walk of rmap misses its pages',
  bug: 'moveTableWithoutRmapLocks',
  properties: ['P-UAF-PAGE', 'P-COUNT'],
  actors: ['mremap() of all that one table maps', 'fallocate(FALLOC_FL_PUNCH_HOLE) of a page'],
  story:
    'mremap() may move a whole table instead of its entries. A walk of rmap looks at the VMAs of a ' +
    'file in turn: if it has met the new place before the table came, and the old one after it went, ' +
    'it has missed the pages, and whoever walks takes them for unmapped and frees them. Moving ' +
    'entries takes the locks of rmap if the walk goes that way; moving tables left them out. The ' +
    'mend: always take them.',
  fix: '97113eb39fa7',
  versions: 'until 5.13',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations, tables of 32 entries, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [movingTable(SMALL_TABLE_PAGES), punching],
      {
        ...SMALL_TABLES,
        mapped: [],
        shared: [[PAGE, PAGE + SMALL_TABLE_PAGES]],
        touched: [PAGE],
        flush: 'broadcast',
      },
      { moveTableWithoutRmapLocks: isBroken },
    ),
};

const collapsing: Program = {
  name: 'MADV_COLLAPSE',
  run: (task) => madvise(task, PAGE * PAGE_BYTES, SMALL_TABLE_PAGES * PAGE_BYTES, MADV.COLLAPSE),
};
export const moveTableWithoutRecheck: ZooEntry = {
  id: 'B5',
  aliases: ['CVE-2024-50066', '6fa1066fc5d0'],
  title: 'mremap() moves what was a table when it looked',
  bug: 'moveTableWithoutRecheck',
  properties: ['P-UAF-PT'],
  actors: ['MADV_COLLAPSE of a part of a file', 'mremap() of that part in another process'],
  story:
    'mremap() looks whether the entry that it is about to move refers to a table, and takes its locks ' +
    'afterwards. Since 6.6 a collapse of a file takes the tables of all who map it, and needs the lock ' +
    'of the file for reading only, no mmap lock of theirs. The entry is empty when mremap() moves it: at ' +
    'the new place, page 0 of memory passes for a page table. The mend: look again under the lock of ' +
    'the entry.',
  fix: '6fa1066fc5d0',
  versions: '6.6 to 6.11',
  bounds: '2 CPUs, 2 processes, 1 page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [collapsing, { ...movingTable(SMALL_TABLE_PAGES), mm: 1 }],
      {
        ...SMALL_TABLES,
        mapped: [],
        shared: [[PAGE, PAGE + SMALL_TABLE_PAGES]],
        touched: [PAGE],
        frames: 128,
        mms: 2,
        tables: 16,
        flush: 'broadcast',
      },
      { moveTableWithoutRecheck: isBroken },
      (task) => {
        const child = run(fork(task, 1)) as Task;
        run(load(child, PAGE));
        // The tables stay, the page is in the page cache only.
        for (const each of [task, child])
          run(madvise(each, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.DONTNEED));
      },
    ),
};

/** Writes the page of the file to its disk. */
const cleaning: Program = {
  name: 'writeback',
  run: (task) => writeBack(task, task.machine.inodes.all()[0]!, 0),
};
/** Through what the TLB has of the old address. */
const writingOnce: Program = {
  name: 'copy_to_user_nofault()',
  run: (task) => storeNofault(task, PAGE, 9),
};

/** Maps a file of one page on a disk, shared, and writes to it. */
function mapOnDisk(task: Task): void {
  const inode = newInode(task.machine, 0, { fileSystem: 'ext4', bytes: PAGE_BYTES });
  const rights = { isReadable: true, isWritable: true, isExecutable: false };
  const file = { mapped: { inode }, ...rights, pagesMax: 2 ** 32 };
  const call = { length: PAGE_BYTES, prot: PROT_RW, flags: MAP_SHARED_FIXED, file, offset: 0 };
  run(mmap(task, { ...call, address: PAGE * PAGE_BYTES }));
  run(store(task, PAGE, 1));
}

export const moveAgainstWriteback: ZooEntry = {
  ...moveUnlockedBeforeFlush,
  id: 'C2',
  aliases: ['5d1904204c99'],
  title: 'A page is written to disk at its new place, and written to through its old one',
  properties: ['P-DATA'],
  actors: [
    'mremap() of a page of a file on a disk',
    'writeback of the page',
    'a write to its old address by another thread, with page faults off',
  ],
  story:
    'The switch is that of C1, the loss another one. Writeback finds a page at its new address, takes ' +
    'the right to write from the entry there, flushes that, and writes the page to the disk. A thread ' +
    'that still has the old address in its TLB, as written to before, writes once more: no entry says ' +
    'so, and what it has written is lost when the page is dropped. The mend was to flush before the ' +
    'locks are dropped if an entry was dirty; C1 took two more years.',
  fix: '5d1904204c99',
  versions: 'until 4.9',
  bounds: '3 CPUs, 1 process, 1 page, 3 operations; flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [moving, cleaning, writingOnce],
      { mapped: [], touched: [], flush: 'broadcast' },
      { moveUnlockedBeforeFlush: isBroken },
      mapOnDisk,
    ),
};
