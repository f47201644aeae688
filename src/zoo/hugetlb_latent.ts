/**
 * What nobody seems to have reported of hugetlb: read in the source of Linux, and searched for here. Off
 * is how it could be mended, or how a later version is.
 */
import type { Program } from '../check/index.ts';
import {
  fallocate,
  fork,
  ftruncate,
  load,
  migrateHugetlbPage,
  mmap,
  mprotect,
  mremap,
  newProcess,
  run,
  store,
  type Task,
} from '../mm/index.ts';
import { MAP, MREMAP, PAGE_BYTES } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import {
  asProcess,
  FIRST,
  GIB,
  HUGE,
  mapping,
  onlyFile,
  SECOND,
  sharing,
  zap,
} from './hugetlb_machine.ts';

const KEEP_SIZE_PUNCH_HOLE = 3;
const MAP_SHARED_FIXED_NORESERVE = MAP.SHARED | MAP.FIXED | MAP.NORESERVE;
const MAP_PRIVATE_FIXED = MAP.PRIVATE | MAP.FIXED;
const MAP_PRIVATE_FIXED_NORESERVE = MAP.PRIVATE | MAP.FIXED | MAP.NORESERVE;
const MREMAP_MAYMOVE_FIXED = MREMAP.MAYMOVE | MREMAP.FIXED;

const truncating: Program = {
  name: 'ftruncate',
  run: (task) => ftruncate(task, onlyFile(task), 0),
};
const storing: Program = { name: 'store', run: (task) => store(task, FIRST, 7) };

export const hugetlbWithoutSizeRecheck: ZooEntry = {
  id: 'A35',
  aliases: ['page-behind-the-end'],
  title: 'ftruncate() passes over a VMA that is busy, whose fault puts a page behind the end',
  bug: 'hugetlbWithoutSizeRecheck',
  properties: ['P-COUNT'],
  actors: ['ftruncate() of a file of hugetlbfs to nothing', 'a store to a page of it'],
  story:
    'ftruncate() sets the size, unmaps the pages of each VMA whose lock it can have at once, and then ' +
    'takes the pages that it finds out of the page cache. A fault that has passed the look at the size ' +
    'holds the lock of its VMA, and has not put its page into the page cache yet: the VMA is passed over, ' +
    'the page is not found. It comes to be behind the end, mapped, where nobody will ever free it before ' +
    'the file goes, and its reservation is given back twice. That Linux 6.18 does this is read from its ' +
    'source (hugetlb_no_page(), hugetlb_vmdelete_list(), remove_inode_hugepages()); the search says that ' +
    'the locks do not forbid it, as long as the VMA maps no other page of the file. Not modelled: that a ' +
    'fault may sleep meanwhile, userfaultfd, and more than two CPUs. A mend that is verified: look at ' +
    'the size again when the page is in the page cache, under its lock.',
  fix: undefined,
  versions: '6.1 to 6.18: latent',
  bounds: '2 CPUs, 1 process, 1 huge page, 2 operations',
  scenario: (isBroken) =>
    mapping(
      [truncating, storing],
      { hugetlbWithoutSizeRecheck: isBroken },
      HUGE,
      MAP_SHARED_FIXED_NORESERVE,
      () => {},
    ),
};

const loadingTwice: Program = {
  name: 'load in process 1, load in process 0',
  *run(task) {
    yield* load(asProcess(task, 1), FIRST);
    yield* load(task, FIRST);
  },
};

export const shareUnderTableLock: ZooEntry = {
  id: 'A34',
  aliases: ['two-locks-for-one-entry'],
  title: 'A shared table is linked under a lock that who links a new one does not take',
  bug: 'shareUnderTableLock',
  properties: ['P-COUNT', 'P-UAF-PT'],
  actors: [
    'a load from a huge page in another process, which gets a table for it; a load from that page',
    'a load from another huge page of the GiB in the same process',
  ],
  story:
    'Two threads of a process fault in the same GiB for the first time. One finds a table of another ' +
    'process and links it under the lock of that table; the other has looked before there was one, and ' +
    'links a new table under page_table_lock. Both have seen the entry empty: one table is lost, with its ' +
    'count. That Linux 6.1 takes these two locks is read from its source (huge_pmd_share(), ' +
    '__pmd_alloc(), with split locks for tables of that level); the search says that i_mmap_rwsem, which ' +
    'both hold for reading, does not keep them apart. Linux 6.12 takes page_table_lock in both places, ' +
    'which is verified. Not modelled: what the processor does with two stores to one entry.',
  fix: undefined,
  versions: 'latent in 6.1, not in 6.12',
  bounds: '2 CPUs, 2 processes, 2 huge pages, 3 operations',
  scenario: (isBroken) =>
    mapping(
      [loadingTwice, { name: 'load', run: (task) => load(task, SECOND) }],
      { shareUnderTableLock: isBroken },
      GIB,
      MAP_SHARED_FIXED_NORESERVE,
      (task, file) => {
        run(fallocate(task, file, 0, 0, 2 * HUGE * PAGE_BYTES));
        run(fork(task, 0));
      },
    ),
};

const READ_ONLY = 1;

export const shareWhileRightsChange: ZooEntry = {
  id: 'A37',
  aliases: ['store-through-a-read-only-mapping'],
  title: 'A table is shared while mprotect() has changed its VMA, and not yet its entries',
  bug: 'shareWhileRightsChange',
  properties: ['P-PERM'],
  actors: [
    'mprotect(PROT_READ) of a GiB of hugetlb that the process has written to',
    'a load from it in another process, which maps it for reading',
  ],
  story:
    'mprotect() first says in the VMA that it is for reading, and then takes the lock of hugetlb and ' +
    'i_mmap_rwsem to change the entries. In between, another process that maps the file for reading faults: ' +
    'it finds a VMA like its own, and shares its table, whose entries can still be written to. Now ' +
    'mprotect() finds that the table is shared, and gives it up, with its entries as they are. The other ' +
    'process has it for itself: it can write to memory that it maps for reading only. Seen on Linux ' +
    '6.18.44: of a process that maps such a file again and again while another one changes rights back ' +
    'and forth, between 13% and 70% of the stores did not fault. It needs a file that is open for writing. ' +
    'A mend that is verified: tables of a VMA that is write-locked are not shared.',
  fix: undefined,
  versions: '6.18, reproduced, latent',
  bounds: '2 CPUs, 2 processes, 1 huge page, 2 operations',
  scenario: (isBroken) =>
    mapping(
      [
        {
          name: 'mprotect(PROT_READ)',
          run: (task) => mprotect(task, FIRST * PAGE_BYTES, GIB * PAGE_BYTES, READ_ONLY),
        },
        { name: 'load in process 1', run: (task) => load(asProcess(task, 1), FIRST) },
      ],
      { shareWhileRightsChange: isBroken },
      GIB,
      MAP_SHARED_FIXED_NORESERVE,
      (task, file) => {
        run(store(task, FIRST, 1));
        const reader = run(newProcess(task.machine, 0))!;
        const call = { address: FIRST * PAGE_BYTES, length: GIB * PAGE_BYTES, prot: READ_ONLY };
        run(mmap(reader, { ...call, flags: MAP_SHARED_FIXED_NORESERVE, file, offset: 0 }));
      },
    ),
};

/** To where all of the mapping lies on a table's own GiB again. */
const moving: Program = {
  name: 'mremap',
  run: (task) =>
    mremap(task, {
      address: FIRST * PAGE_BYTES,
      oldLength: GIB * PAGE_BYTES,
      newLength: GIB * PAGE_BYTES,
      flags: MREMAP_MAYMOVE_FIXED,
      newAddress: (FIRST + 4 * GIB) * PAGE_BYTES,
    }),
};

export const hugetlbMoveShares: ZooEntry = {
  id: 'A38',
  aliases: ['mremap-of-huge-pages-hangs'],
  title: 'mremap() of shared huge pages waits for a lock that it holds itself',
  bug: 'hugetlbMoveShares',
  properties: ['deadlock'],
  actors: ['mremap() of a GiB of a file of hugetlbfs that one process maps'],
  story:
    'mremap() of huge pages holds i_mmap_rwsem for writing while it moves their entries, and asks for ' +
    'the table at the new place as a fault would: huge_pte_alloc(). Where the mapping has all that a ' +
    'table spans, that looks for a table to share, and takes i_mmap_rwsem for reading: mremap() waits for ' +
    'itself, for good, in D state, and whoever wants the file after it does, too. One process is enough, ' +
    'and one page that was touched: only where the table is shared are there no entries to be moved. Seen ' +
    'on Linux 6.1.187, 6.18.15 and 6.19.14 of Debian, in a virtual machine: the task stands in down_read(), ' +
    'called by huge_pmd_share(). No report was found. A mend that is verified: what is moved gets a table ' +
    'of its own.',
  fix: undefined,
  versions: '6.1 to 6.19, reproduced, latent',
  bounds: '1 CPU, 1 process, 1 huge page, 1 operation',
  scenario: (isBroken) => sharing([moving], { hugetlbMoveShares: isBroken }, true),
};

const punching: Program = {
  name: 'fallocate(PUNCH_HOLE)',
  run: (task) => fallocate(task, onlyFile(task), KEEP_SIZE_PUNCH_HOLE, 0, HUGE * PAGE_BYTES),
};

export const privateLockMistaken: ZooEntry = {
  id: 'A36',
  aliases: ['no-lock-taken-for-one'],
  title: 'A hole punch takes the reservations of a private VMA for its lock',
  bug: 'privateLockMistaken',
  properties: ['P-COUNT', 'P-UAF-PAGE'],
  actors: [
    'fallocate(FALLOC_FL_PUNCH_HOLE) of a page that a process maps privately, and has only read',
    'a load from the next page there',
  ],
  story:
    'A hole punch that finds the lock of a VMA busy takes a reference to the lock, to wait for it without ' +
    'i_mmap_rwsem. Since 6.6 private VMAs have such a lock, too, in the map of their reservations, and the ' +
    'same pointer of the VMA leads to that map: it is taken for a lock. What happens then to the memory ' +
    'of the map is not modelled; here it counts as no lock, so that nobody is waited for and the page is ' +
    'freed while it is mapped. That Linux 6.18 reads the pointer so is taken from its source ' +
    '(hugetlb_unmap_file_folio()); the search says that it gets there: a private mapping that has read a ' +
    'page of the file, and a fault on the next page. With the lock of the map it is verified.',
  fix: undefined,
  versions: '6.6 to 6.18: latent',
  bounds: '2 CPUs, 1 process, 2 huge pages, 2 operations',
  scenario: (isBroken) =>
    mapping(
      [punching, { name: 'load', run: (task) => load(task, SECOND) }],
      { privateLockMistaken: isBroken },
      2 * HUGE,
      MAP_PRIVATE_FIXED,
      (task: Task, file) => {
        run(fallocate(task, file, 0, 0, HUGE * PAGE_BYTES));
        run(load(task, FIRST));
      },
    ),
};

const migrating: Program = {
  name: 'migrate_pages',
  run: (task) => migrateHugetlbPage(task, task.machine.inodes.all()[0]!, 0),
};
const forking: Program = { name: 'fork', run: (task) => fork(task, task.cpu) };

export const movedHugePageUncounted: ZooEntry = {
  id: 'A33b',
  aliases: ['moved-huge-page-uncounted'],
  title: "fork() does not count a huge page that is being moved as the child's",
  bug: 'movedHugePageUncounted',
  properties: ['P-COUNT'],
  actors: ['migration of a huge page', 'fork()'],
  story:
    'How many huge pages a process has mapped (HugetlbPages of /proc/PID/status) is counted when they are ' +
    'mapped and unmapped; a migration leaves it alone, as the page will be back. fork() copies the entry ' +
    'of a page that is being moved, and counts only those that are there. When the page has arrived the ' +
    'child has it, uncounted, and its unmapping takes it off all the same: the count goes below zero. ' +
    'That Linux 6.18 does this is read from its source (copy_hugetlb_page_range(), ' +
    'remove_migration_pte()), and was not seen on a kernel. Not modelled: that unmapping such an entry ' +
    'does not take it off either. A mend that is verified: the child counts what it will have.',
  fix: undefined,
  versions: '6.18, latent',
  bounds: '2 CPUs, 2 processes, 1 huge page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    mapping(
      [migrating, forking],
      { movedHugePageUncounted: isBroken },
      HUGE,
      MAP_PRIVATE_FIXED_NORESERVE,
      (task, file) => {
        // With an anon_vma the VMA is copied; the page of the file is mapped when the other one is gone.
        run(fallocate(task, file, 0, 0, HUGE * PAGE_BYTES));
        run(store(task, FIRST, 1));
        run(zap(task, FIRST));
        run(load(task, FIRST));
      },
      { contents: false, flush: 'broadcast' },
    ),
};
