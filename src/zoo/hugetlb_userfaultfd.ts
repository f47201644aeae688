/** Huge pages that userfaultfd fills and write-protects: which of the locks of hugetlb who takes. */
import type { Program } from '../check/index.ts';
import {
  fallocate,
  load,
  migrateHugetlbPage,
  type Op,
  PmScan,
  pagemapScan,
  run,
  store,
  type Task,
  UffdFeature,
  UffdMode,
  type Userfaultfd,
  uffdioApi,
  uffdioCopy,
  uffdioRegister,
  uffdioWake,
  userfaultfd,
  violate,
} from '../mm/index.ts';
import { MAP, PAGE_BYTES } from '../uapi/mman.ts';
import { UFFD_API } from '../uapi/userfaultfd.ts';
import type { ZooEntry } from './entry.ts';
import { FIRST, HUGE, mapping, unmap } from './hugetlb_machine.ts';
import { SMALL_TABLE_PAGES, SMALL_TABLES } from './small_machine.ts';

const MAP_SHARED_FIXED = MAP.SHARED | MAP.FIXED;
const MAP_SHARED_FIXED_NORESERVE = MAP.SHARED | MAP.FIXED | MAP.NORESERVE;

const at = (page: number): number => page * PAGE_BYTES;

/** A descriptor of `task`, ready, that is told of the huge pages `[FIRST, FIRST + pages)`. */
function watch(task: Task, pages: number, mode: number, features = 0): Userfaultfd {
  const uffd = userfaultfd(task, 0) as Userfaultfd;
  uffdioApi(task, uffd, UFFD_API, features);
  run(uffdioRegister(task, uffd, at(FIRST), at(pages), mode));
  return uffd;
}

/** The descriptor that was made before the race. */
const known = ({ machine }: Task): Userfaultfd => machine.userfaultfds.all()[0]!;

/** Write-protects a huge page that nobody has touched. */
const scanning: Program = {
  name: 'PAGEMAP_SCAN(PM_SCAN_WP_MATCHING)',
  run: (task) =>
    pagemapScan(task, {
      flags: PmScan.WP_MATCHING,
      ...{ start: at(FIRST), end: at(FIRST + HUGE), vecLength: 1, maxPages: 0 },
      ...{ categoryInverted: 0, categoryMask: 0, categoryAnyofMask: 0, returnMask: 0 },
    }),
};

export const scanTakesVmaLockAgain: ZooEntry = {
  id: 'A27',
  aliases: ['pagemap-scan-waits-for-itself'],
  title: 'PAGEMAP_SCAN of huge pages waits for a lock that its own walk holds',
  bug: 'scanTakesVmaLockAgain',
  properties: ['deadlock', 'P-LOCK'],
  actors: ['PAGEMAP_SCAN that write-protects a huge page which nobody has touched'],
  story:
    'A walk of page tables holds the lock of a VMA of hugetlb for reading, all the way. PAGEMAP_SCAN ' +
    'write-protects what it tells of: pages that are mapped in its own way, but where nothing is mapped it ' +
    'called the function of UFFDIO_WRITEPROTECT, which takes that lock for writing. The thread waits for ' +
    'itself, and cannot be killed. The mend: make the table, and note the protection in the entry, under ' +
    'the lock of the table.',
  fix: undefined,
  versions: '6.7 to 6.18, before its mend',
  bounds: '1 CPU, 1 process, 1 huge page, 1 operation',
  scenario: (isBroken) =>
    mapping([scanning], { scanTakesVmaLockAgain: isBroken }, HUGE, MAP_SHARED_FIXED, (task) => {
      watch(task, HUGE, UffdMode.WP, UffdFeature.WP_ASYNC);
    }),
};

/** The page has been there all the time. */
const loadingAgain: Program = {
  name: 'load',
  *run(task) {
    const value = yield* load(task, FIRST);
    if (value < 0) violate(task.machine, 'P-LIVE');
  },
};

const migrating: Program = {
  name: 'migrate_pages',
  run: (task) => migrateHugetlbPage(task, task.machine.inodes.all()[0]!, 0),
};

export const toldWithoutRecheck: ZooEntry = {
  id: 'A14',
  aliases: ['CVE-2022-3522', '2ea7ff1e39cb', 'f9bf6c03eca1'],
  title: 'A fault on hugetlb takes an entry that is just being changed for a page that is missing',
  bug: 'toldWithoutRecheck',
  properties: ['P-LIVE'],
  actors: ['a load from a huge page of whose minor faults userfaultfd is told', 'its migration'],
  story:
    'A fault on hugetlb reads the entry without the lock of the table. Who changes an entry clears it ' +
    'first, under that lock: write protection for userfaultfd does, and migration, here. What makes a page, ' +
    'or maps one, looks again under the lock; what tells userfaultfd did not. It was told that a page is ' +
    'missing, or not mapped, that had been there all the time; with UFFD_FEATURE_SIGBUS, as here, the ' +
    'program gets a signal. The mend: look again under the lock of the table, and try the fault again if ' +
    'there is something. What waits for userfaultfd still looks without it (D15).',
  fix: '2ea7ff1e39cb',
  versions: '4.11 to 6.0',
  bounds: '2 CPUs, 1 process, 1 huge page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    mapping(
      [loadingAgain, migrating],
      { toldWithoutRecheck: isBroken },
      HUGE,
      MAP_SHARED_FIXED_NORESERVE,
      (task, file) => {
        run(fallocate(task, file, 0, 0, at(HUGE)));
        run(load(task, FIRST));
        watch(task, HUGE, UffdMode.MINOR, UffdFeature.SIGBUS);
      },
      { contents: false, flush: 'broadcast' },
    ),
};

/** A huge page has as many pages as a table has entries. */
const NEXT = FIRST + SMALL_TABLE_PAGES;

const loading: Program = { name: 'load', run: (task) => load(task, FIRST) };

/** Who waits for the page is woken, to find that it may not access it any more. */
const unmappingAndWaking: Program = {
  name: 'munmap, UFFDIO_WAKE',
  *run(task) {
    yield* unmap(task, FIRST, HUGE);
    yield* uffdioWake(task, known(task), at(FIRST), at(HUGE));
  },
};

export const userfaultLocksVmaAgain: ZooEntry = {
  id: 'A13',
  aliases: ['CVE-2022-50630', '958f32ce832b'],
  title: 'A fault on hugetlb that has waited for userfaultfd uses its VMA, which has gone',
  bug: 'userfaultLocksVmaAgain',
  properties: ['P-UAF-VMA'],
  actors: [
    'a load from a huge page that userfaultfd is told of',
    'munmap() of all of it, then UFFDIO_WAKE',
  ],
  story:
    'A fault that waits for userfaultfd drops its locks first: those of hugetlb, and the mmap lock, or that ' +
    'of its VMA. Those of hugetlb it took back when it was woken, to drop them where they had been taken. ' +
    'While it slept, another thread may unmap the VMA, or map something else there: the VMA is freed, and ' +
    'its lock. The mend: a fault that has waited ends, and takes no lock of before.',
  fix: '958f32ce832b',
  versions: '4.11 to 6.0',
  bounds: '2 CPUs, 1 process, 1 huge page, 3 operations',
  scenario: (isBroken) =>
    mapping(
      [loading, unmappingAndWaking],
      { userfaultLocksVmaAgain: isBroken },
      HUGE,
      MAP_SHARED_FIXED,
      (task) => {
        watch(task, HUGE, UffdMode.MISSING);
      },
    ),
};

const copying: Program = {
  name: 'UFFDIO_COPY',
  run: (task): Op<unknown> =>
    uffdioCopy(task, known(task), {
      ...{ start: at(NEXT), source: at(FIRST), length: at(SMALL_TABLE_PAGES), mode: 0 },
    }),
};

const storing: Program = { name: 'store', run: (task) => store(task, NEXT, 7) };

export const fillMutexBySmallPage: ZooEntry = {
  id: 'A23',
  aliases: ['0217c7fb4de4'],
  title: 'UFFDIO_COPY and a fault make the same huge page, each under a mutex of its own',
  bug: 'fillMutexBySmallPage',
  properties: ['P-COUNT'],
  actors: [
    'UFFDIO_COPY to a huge page of a file that nobody has reserved',
    'a store to that page, of whose absence nobody is told',
  ],
  story:
    'Who makes a page of a file of hugetlbfs holds one of a number of mutexes: a hash of the file and the ' +
    'index of the page says which. Faults count the index in huge pages. Since linear_page_index() counts ' +
    'in small pages for all files (6.7), UFFDIO_COPY has hashed something else: it and a fault made the ' +
    'same page at a time. The page cache takes the first one. Who comes second gives back the page that ' +
    'it has for nothing, and, since the mutex is held, what it has noted in the map of reservations for ' +
    'it: but that is what the first one has noted, too. The file has a page that its map does not know. ' +
    'syzbot met a map in which somebody was not done yet when the file had gone. The mend: the index in ' +
    'huge pages.',
  fix: '0217c7fb4de4',
  versions: '6.7 to 6.19',
  bounds: '2 CPUs, 1 process, 2 huge pages of 32 small ones, 2 operations',
  scenario: (isBroken) =>
    mapping(
      [copying, storing],
      { fillMutexBySmallPage: isBroken },
      2 * SMALL_TABLE_PAGES,
      MAP_SHARED_FIXED_NORESERVE,
      (task) => {
        run(store(task, FIRST, 1));
        watch(task, 2 * SMALL_TABLE_PAGES, UffdMode.MINOR);
      },
      SMALL_TABLES,
    ),
};

export const HUGETLB_USERFAULTFD: readonly ZooEntry[] = [
  userfaultLocksVmaAgain,
  toldWithoutRecheck,
  fillMutexBySmallPage,
  scanTakesVmaLockAgain,
];
