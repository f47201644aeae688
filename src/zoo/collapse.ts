/** khugepaged takes tables away from lockless walkers. */
import type { Program } from '../check/index.ts';
import {
  ftruncate,
  gupFast,
  load,
  madvise,
  memfdCreate,
  mmap,
  NONE,
  type OpenFile,
  run,
  type Task,
  UffdFeature,
  UffdMode,
  type Userfaultfd,
  uffdioApi,
  uffdioCopy,
  uffdioRegister,
  unpin,
  userfaultfd,
  violate,
} from '../mm/index.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import { UFFD_API } from '../uapi/userfaultfd.ts';
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

/** One page of a huge page's worth of memory is there. */
const SETTING = {
  mapped: [[PAGE, PAGE + TABLE_PAGES]],
  touched: [PAGE],
  frames: 2048,
} as const;

const collapsing = advising(PAGE, PAGE + TABLE_PAGES, MADV.COLLAPSE, 'MADV_COLLAPSE');

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
    yield* madvise(task, PAGE * PAGE_BYTES, SMALL_TABLE_PAGES * PAGE_BYTES, MADV.COLLAPSE);
    yield* madvise(task, PAGE * PAGE_BYTES, SMALL_TABLE_PAGES * PAGE_BYTES, MADV.DONTNEED);
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

/** Where a page is copied from: in another table. */
const SOURCE = PAGE + TABLE_PAGES;
const MAP_PRIVATE_FIXED = MAP.PRIVATE | MAP.FIXED;

/** A file of which one page is there, mapped privately, and filled by userfaultfd. */
function mapWatched(task: Task): void {
  const file = memfdCreate(task, 0, 0) as OpenFile;
  const length = SMALL_TABLE_PAGES * PAGE_BYTES;
  run(ftruncate(task, file, length));
  const place = { address: PAGE * PAGE_BYTES, length, offset: 0 };
  run(mmap(task, { ...place, prot: PROT_RW, flags: MAP_PRIVATE_FIXED, file }));
  run(load(task, PAGE));
  const uffd = userfaultfd(task, 0) as Userfaultfd;
  uffdioApi(task, uffd, UFFD_API, UffdFeature.MINOR_SHMEM);
  run(uffdioRegister(task, uffd, place.address, length, UffdMode.MINOR));
}

const filling: Program = {
  name: 'UFFDIO_COPY',
  run: (task) =>
    uffdioCopy(task, task.machine.userfaultfds.all()[0]!, {
      start: (PAGE + 1) * PAGE_BYTES,
      source: SOURCE * PAGE_BYTES,
      length: PAGE_BYTES,
      mode: 0,
    }),
};

export const retractWithoutRecheck: ZooEntry = {
  id: 'B4',
  aliases: ['CVE-2023-52935', '023f47a8250c'],
  title: 'A collapse takes away a table whose VMA has got private pages meanwhile',
  bug: 'retractWithoutRecheck',
  properties: ['P-COUNT'],
  actors: ['UFFDIO_COPY to a private mapping of a file', 'MADV_COLLAPSE of the file'],
  story:
    'When pages of a file become a huge one, the tables of all who map them go, unless the VMA has an ' +
    'anon_vma: then there may be private pages in them, and walks of rmap. That was looked at before any ' +
    'lock was held. A merge with a neighbour could give the VMA the anon_vma of a process and its child, ' +
    'whose walks then read the table that was being freed; the mend looked again under the mmap lock. ' +
    'Since 6.6 tables go after a grace period and without that lock, and the second look, under the lock ' +
    'of the table, is for what userfaultfd has copied in: here the page goes with the table, and stays ' +
    'mapped by nobody.',
  fix: '023f47a8250c',
  versions: '4.8 to 6.1',
  bounds: '2 CPUs, 1 process, 2 pages, 2 operations, tables of 32 entries, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [filling, advising(PAGE, PAGE + SMALL_TABLE_PAGES, MADV.COLLAPSE, 'MADV_COLLAPSE')],
      {
        ...SMALL,
        mapped: [[SOURCE, SOURCE + 1]],
        touched: [SOURCE],
        flush: 'broadcast',
      },
      { retractWithoutRecheck: isBroken },
      mapWatched,
    ),
};
