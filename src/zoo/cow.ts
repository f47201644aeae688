/** Copying on write: whose page is it, and who still sees the old one? */
import type { Program } from '../check/index.ts';
import {
  FOLL,
  fork,
  getUserPage,
  load,
  madvise,
  memfdCreate,
  mmap,
  run,
  type Task,
  unpin,
  violate,
  writeFile,
} from '../mm/index.ts';
import { MADV, MAP, PAGE_BYTES, PROT } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import {
  advising,
  PAGE,
  race,
  readFrame,
  SMALL_TABLE_PAGES,
  SMALL_TABLES,
  storing,
  writeFrame,
} from './small_machine.ts';

const MAP_PRIVATE_FIXED = MAP.PRIVATE | MAP.FIXED;

/** A child that shares all pages with the process, in address space number 1. */
const withChild = (task: Task): void => {
  run(fork(task, 1));
};

/** Holds a page for reading, unmaps it, and must go on seeing what it was. */
const holdingOn: Program = {
  name: 'get_user_pages, MADV_DONTNEED, read twice (child)',
  mm: 1,
  *run(task) {
    const frame = yield* getUserPage(task, PAGE, FOLL.GET);
    if (frame < 0) return;
    const before = yield* readFrame(task.machine, frame);
    yield* madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.DONTNEED);
    const after = yield* readFrame(task.machine, frame);
    if (before !== after) violate(task.machine, 'P-COW');
    yield* unpin(task, frame);
  },
};

/** The kernel writes to the page for the parent. */
const receiving: Program = {
  name: 'read(2) into the page',
  *run(task) {
    const frame = yield* getUserPage(task, PAGE, FOLL.GET | FOLL.WRITE);
    if (frame < 0) return;
    yield* writeFrame(task.machine, frame, 7);
    yield* unpin(task, frame);
  },
};

export const reuseByMapcount: ZooEntry = {
  id: 'B7',
  aliases: ['CVE-2020-29374', '17839856fd58'],
  title: 'Copy on write goes either way: a child reads the secrets of its parent',
  bug: 'reuseByMapcount',
  properties: ['P-COW'],
  actors: [
    'the child holds the page for reading, discards its mapping, reads it',
    'read(2) into the page in the parent',
  ],
  story:
    'After fork() a child gets a reference to a shared page and unmaps it. The parent writes: one ' +
    'entry maps the page, so the old rule takes it for its own and writes in place. The child reads ' +
    'what the parent writes, through the reference. Only the count of references tells whose a ' +
    'page is.',
  fix: '17839856fd58',
  versions: 'until 5.7.3',
  bounds: '2 CPUs, 2 processes, 1 page, 4 operations',
  scenario: (isBroken) =>
    race(
      [holdingOn, receiving],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], mms: 2, frames: 24, tables: 16 },
      { reuseByMapcount: isBroken },
      withChild,
    ),
};

/** Maps a file of one page for reading, privately, and may be asked for it at any time. */
function mapFile(task: Task): void {
  const file = memfdCreate(task, 0, 0);
  if (typeof file === 'number') return;
  run(writeFile(task, file, 0, PAGE_BYTES, 5));
  const call = { address: PAGE * PAGE_BYTES, length: PAGE_BYTES, prot: PROT.READ, file, offset: 0 };
  run(mmap(task, { ...call, flags: MAP_PRIVATE_FIXED }));
}

/** Writes where the program may not, as ptrace() and /proc/self/mem do: the file must stay. */
const forcing: Program = {
  name: 'write to /proc/self/mem',
  *run(task) {
    const frame = yield* getUserPage(task, PAGE, FOLL.WRITE | FOLL.FORCE | FOLL.GET);
    if (frame < 0) return;
    yield* writeFrame(task.machine, frame, 7);
    const [inode] = task.machine.inodes.all();
    const content = yield* readFrame(task.machine, inode!.pages.get(0));
    if (content !== 5) violate(task.machine, 'P-COW');
    yield* unpin(task, frame);
  },
};

const discarding: Program = {
  name: 'MADV_DONTNEED',
  run: (task) => madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.DONTNEED),
};

export const forcedWriteForgotten: ZooEntry = {
  id: 'B8',
  aliases: ['CVE-2016-5195', 'dirty-cow', '19be0eaffa3a'],
  title: 'Dirty COW: a forced write reaches the file behind a private mapping',
  bug: 'forcedWriteForgotten',
  properties: ['P-COW'],
  actors: ['a forced write to a private read-only page of a file', 'MADV_DONTNEED of the page'],
  story:
    'A write that is forced copies the page, and then asks for it again for reading only, since the ' +
    'copy is not writable either. MADV_DONTNEED discards the copy in between: the second look finds ' +
    'the page of the file, and the write goes there. The mend: ask for writing again, and accept a ' +
    "page that is not writable only if it is the process's own.",
  fix: '19be0eaffa3a',
  versions: '2.6.22 to 4.8',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations',
  scenario: (isBroken) =>
    race(
      [forcing, discarding],
      { mapped: [], touched: [] },
      { forcedWriteForgotten: isBroken },
      mapFile,
    ),
};

/** Having seen the new value, nobody goes back to the old one. */
const loadingTwice: Program = {
  name: 'load twice',
  *run(task) {
    const before = yield* load(task, PAGE);
    const after = yield* load(task, PAGE);
    if (before === 7 && after !== 7) violate(task.machine, 'P-DATA');
  },
};

export const cowWithoutFlush: ZooEntry = {
  id: 'M8',
  aliases: ['cow-without-flush'],
  title: 'A page is copied on write, and other CPUs go on with the original',
  bug: 'cowWithoutFlush',
  properties: ['P-DATA', 'P-UAF-PAGE', 'P-TLB'],
  actors: ['a store to a page that is shared with a child', 'two loads by another thread'],
  story:
    'The entry changes from one page to another. Unless it is cleared and flushed between, one ' +
    'thread writes to the copy while another one still reads the original.',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 2 processes, 1 page, 3 operations',
  scenario: (isBroken) =>
    race(
      [storing(PAGE, 7), loadingTwice],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], mms: 2, frames: 24, tables: 16 },
      { cowWithoutFlush: isBroken },
      withChild,
    ),
};

/** Of a huge page, the child gives one small page up: its entry is split first. */
const splitting: Program = {
  ...advising(PAGE + 1, PAGE + 2, MADV.DONTNEED, 'MADV_DONTNEED of one page (child)'),
  mm: 1,
};

export const hugeReuseByMapcount: ZooEntry = {
  id: 'B6',
  aliases: ['CVE-2020-29368', 'c444eb564fb1'],
  title: "A huge page is taken for one process's own while the other one splits its entry",
  bug: 'hugeReuseByMapcount',
  properties: ['P-COW'],
  actors: [
    'a child discards one small page of a huge page that it shares with its parent',
    'a store to it by the parent',
  ],
  story:
    'Who maps a huge page was the sum of two counts: of entries for all of it, and of small ones, the most ' +
    'that a page of it has. When an entry is split, one of the first kind becomes many of the second. ' +
    'A write that looks at the small ones before, and at the large ones behind that, counts one process ' +
    'where there are two, writes in place, and the child reads it. The mend held the lock of the page ' +
    'while entries are split. Today references count, and each small entry has one.',
  fix: 'c444eb564fb1',
  versions: '4.6 to 5.7',
  bounds:
    '2 CPUs, 2 processes, 1 huge page, 2 operations, tables of 32 entries, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [splitting, storing(PAGE, 7)],
      {
        ...SMALL_TABLES,
        thp: 'always',
        mapped: [[PAGE, PAGE + SMALL_TABLE_PAGES]],
        touched: [PAGE],
        mms: 2,
        frames: 256,
        tables: 16,
        flush: 'broadcast',
      },
      { hugeReuseByMapcount: isBroken },
      withChild,
    ),
};
