/** Huge pages that are moved while others map, share and discard them. */
import type { Program } from '../check/index.ts';
import {
  fallocate,
  fork,
  load,
  migrateHugetlbPage,
  PageIs,
  pagemapScan,
  run,
  store,
  type Task,
  UffdFeature,
  UffdMode,
  type Userfaultfd,
  uffdioApi,
  uffdioRegister,
  uffdioWriteprotect,
  userfaultfd,
  violate,
} from '../mm/index.ts';
import { MAP, PAGE_BYTES } from '../uapi/mman.ts';
import { UFFD_API, UffdWpMode } from '../uapi/userfaultfd.ts';
import type { ZooEntry } from './entry.ts';
import { FIRST, HUGE, mapping, onlyFile, sharing, zap } from './hugetlb_machine.ts';

const KEEP_SIZE_PUNCH_HOLE = 3;
const MAP_SHARED_FIXED_NORESERVE = MAP.SHARED | MAP.FIXED | MAP.NORESERVE;
const MAP_PRIVATE_FIXED_NORESERVE = MAP.PRIVATE | MAP.FIXED | MAP.NORESERVE;
const START = FIRST * PAGE_BYTES;
const BYTES = HUGE * PAGE_BYTES;

const migrate = (task: Task) => migrateHugetlbPage(task, task.machine.inodes.all()[0]!, 0);
const migrating: Program = { name: 'migrate_pages', run: migrate };

export const migrateWithoutUnshare: ZooEntry = {
  id: 'A7',
  aliases: ['017b1660df89'],
  title: 'A huge page in a shared table is moved, and one of its processes is flushed',
  bug: 'migrateWithoutUnshare',
  properties: ['P-UAF-PAGE', 'P-DATA'],
  actors: ['migration of a huge page that two processes share', 'a store by the other process'],
  story:
    'One entry in a shared table stands for two processes, and counts as one mapping. Migration replaced ' +
    'it, flushed the CPUs of the process whose VMA it had come by, found the page unmapped, and moved ' +
    'it: the other process went on writing to the old page through its TLB, and a database lost what it ' +
    'wrote. The mend: who is not alone in the table gives it up first, so that the entry stays for the ' +
    'others, and the last one is met with the table its own. Every design that shares tables needs a ' +
    'rule in this place.',
  fix: '017b1660df89',
  versions: '2.6.20 to 4.18',
  bounds: '2 CPUs, 2 processes, 1 huge page, 2 operations',
  scenario: (isBroken) =>
    sharing(
      [migrating, { name: 'store', mm: 1, run: (task) => store(task, FIRST, 7) }],
      { migrateWithoutUnshare: isBroken },
      false,
      { contents: false },
    ),
};

/** The page is mapped again before it is moved. */
const loadingAndMigrating: Program = {
  name: 'load, migrate_pages',
  *run(task) {
    yield* load(task, FIRST);
    yield* migrate(task);
  },
};
const punching: Program = {
  name: 'fallocate(PUNCH_HOLE)',
  run: (task) => fallocate(task, onlyFile(task), KEEP_SIZE_PUNCH_HOLE, 0, HUGE * PAGE_BYTES),
};

export const punchBeforeFolioLock: ZooEntry = {
  id: 'A15',
  aliases: ['CVE-2025-40006', '7b7387650dcf'],
  title: 'A hole punch takes a page for unmapped that is just being moved',
  bug: 'punchBeforeFolioLock',
  properties: ['P-COUNT', 'P-UAF-PAGE'],
  actors: ['fallocate(FALLOC_FL_PUNCH_HOLE) of a huge page', 'a load from it, and its migration'],
  story:
    'A hole punch gets a reference to a page, looks whether it is mapped, and locks it. A migration that ' +
    'is under way has made a migration entry of the only mapping: the page is not mapped, and cannot be ' +
    'moved either, because of that reference. The entry comes back, and the hole punch, which has the ' +
    'lock now, takes a page out of the file that is mapped. The mend: lock first, then look.',
  fix: '7b7387650dcf',
  versions: '4.5 to 6.16',
  bounds: '2 CPUs, 1 process, 1 huge page, 3 operations, flushes by broadcast',
  scenario: (isBroken) =>
    mapping(
      [punching, loadingAndMigrating],
      { punchBeforeFolioLock: isBroken },
      HUGE,
      MAP_SHARED_FIXED_NORESERVE,
      (task, file) => {
        run(fallocate(task, file, 0, 0, HUGE * PAGE_BYTES));
      },
      { contents: false, flush: 'broadcast' },
    ),
};

/** Pages that are there, or on their way, and were not written to since userfaultfd protected them. */
const PROTECTED = {
  flags: 0,
  start: START,
  end: START + BYTES,
  vecLength: 1,
  maxPages: 0,
  categoryInverted: PageIs.WRITTEN,
  categoryMask: PageIs.WRITTEN,
  categoryAnyofMask: PageIs.PRESENT | PageIs.SWAPPED,
  returnMask: PageIs.PRESENT,
};

/** Nothing is protected in a child that nobody watches. */
const forkingAndScanning: Program = {
  name: 'fork; in the child: PAGEMAP_SCAN',
  *run(task) {
    const child = yield* fork(task, task.cpu);
    if (typeof child === 'number') return;
    const { result } = yield* pagemapScan(child, PROTECTED);
    if (result !== 0) violate(task.machine, 'P-ACCT');
  },
};

/** A page of the file, write-protected, in a private mapping that has had one of its own. */
function protectPage(task: Task): void {
  run(fallocate(task, onlyFile(task), 0, 0, BYTES));
  run(store(task, FIRST, 1));
  run(zap(task, FIRST));
  run(load(task, FIRST));
  const uffd = userfaultfd(task, 0) as Userfaultfd;
  uffdioApi(task, uffd, UFFD_API, UffdFeature.WP_HUGETLBFS_SHMEM);
  run(uffdioRegister(task, uffd, START, BYTES, UffdMode.WP));
  run(uffdioWriteprotect(task, uffd, START, BYTES, UffdWpMode.WP));
}

export const hugetlbForkKeepsSoftUffdWp: ZooEntry = {
  id: 'A33',
  aliases: ['hugetlb-fork-keeps-soft-uffd-wp'],
  title: 'fork() leaves write protection for userfaultfd on a huge page that is being moved',
  bug: 'hugetlbForkKeepsSoftUffdWp',
  properties: ['P-ACCT'],
  actors: ['migration of a protected huge page', 'fork(), then PAGEMAP_SCAN in the child'],
  story:
    'While a page is moved, its entry is not present, and notes write protection for userfaultfd in ' +
    'another bit than entries that are. A child whose VMA is not protected is to have no such note. ' +
    'fork() of hugetlb clears the bit of present entries, whatever the entry is: the note stays, and the ' +
    'number of the page loses a bit; on x86-64 it is two small pages further then, in the same huge page, ' +
    'and comes right when that has arrived. The child finds its page protected, though nobody watches ' +
    'it. D5 was the same with small pages. It came with bc70fbf269fd, and was found by review in 2026.',
  fix: undefined,
  versions: '5.19 to 6.18',
  bounds:
    '2 CPUs, 2 processes, 1 huge page, 3 operations, flushes by broadcast; the number is left whole',
  scenario: (isBroken) =>
    mapping(
      [migrating, forkingAndScanning],
      { hugetlbForkKeepsSoftUffdWp: isBroken },
      HUGE,
      MAP_PRIVATE_FIXED_NORESERVE,
      protectPage,
      { contents: false, flush: 'broadcast' },
    ),
};
