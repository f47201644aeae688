/** Shared tables of hugetlb: given up while somebody is still in them. */
import type { Program } from '../check/index.ts';
import {
  fork,
  getTableByFrame,
  gupFast,
  isPmdShared,
  load,
  mmap,
  NONE,
  putTableByFrame,
  store,
  tableOfBlock,
  unpin,
  violate,
} from '../mm/index.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import {
  advise,
  asProcess,
  FIRST,
  HUGE,
  owning,
  protect,
  punchWhenAlone,
  SECOND,
  sharing,
  unmap,
  unmapAll,
  zap,
} from './hugetlb_machine.ts';

const MAP_PRIVATE_ANONYMOUS_FIXED = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED;

/** Gives the table up; then the other process, which has it alone, uses it for small pages. */
const reusing: Program = {
  name: 'madvise in process 0; munmap, mmap, store in process 1',
  *run(task) {
    yield* zap(task, FIRST);
    const other = asProcess(task, 1);
    yield* unmap(other, FIRST, HUGE);
    const call = {
      address: FIRST * PAGE_BYTES,
      length: PAGE_BYTES,
      prot: PROT_RW,
      file: undefined,
      offset: 0,
    };
    yield* mmap(other, { ...call, flags: MAP_PRIVATE_ANONYMOUS_FIXED });
    yield* store(other, FIRST, 9);
  },
};

/** What is got has to be a page of the file: nothing else was ever mapped there. */
const getting: Program = {
  name: 'GUP-fast in process 0',
  *run(task) {
    const frame = yield* gupFast(task, FIRST, true);
    if (frame === NONE) return;
    if (task.machine.frameMapping[frame]! < 0) violate(task.machine, 'P-UAF-PT');
    yield* unpin(task, frame);
  },
};

export const unshareWithoutSync: ZooEntry = {
  id: 'A1',
  aliases: ['CVE-2025-38085', '1013af4f585f'],
  title: 'A shared table is given up while GUP-fast is in it',
  bug: 'unshareWithoutSync',
  properties: ['P-UAF-PT'],
  actors: [
    'GUP-fast of a huge page',
    'madvise(MADV_DONTNEED) of that page, so that its table is given up; then the other process, ' +
      'which has the table alone, unmaps the page and maps a small one of its own there',
  ],
  story:
    'GUP-fast has read the entry that leads to a shared table. Its process gives the table up, which ' +
    'now belongs to the other one alone, and is used by it for private memory. GUP-fast goes on in ' +
    'the table and gets a page of the other process. Nothing is freed, so nobody waits for lockless ' +
    'walkers, unless TLBs are flushed by interrupts. The mend: an interrupt to all CPUs, whenever a table is given up, before i_mmap_rwsem ' +
    'is dropped.',
  fix: '1013af4f585f',
  versions: '2.6.20 to 6.15',
  bounds: '2 CPUs, 2 processes, 1 huge page, 5 operations, flushes by broadcast',
  scenario: (isBroken) =>
    sharing([getting, reusing], { unshareWithoutSync: isBroken }, false, { flush: 'broadcast' }),
};

export const unshareSyncOffByOne: ZooEntry = {
  id: 'A18b',
  aliases: ['skip-the-last-sync'],
  title: 'Waiting for lockless walkers is left out when a table has one user left',
  bug: 'unshareSyncOffByOne',
  properties: ['P-UAF-PT'],
  actors: ['GUP-fast of a huge page', 'as in A1'],
  story:
    'One interrupt to all CPUs for each table made munmap() five times slower. Linux 6.19 waits once ' +
    'for all tables, and only if one is exclusive now: as long as two processes share it, nobody can ' +
    'use it for anything else. Off by one, that is left out exactly when it is needed.',
  fix: undefined,
  versions: 'none',
  bounds:
    '2 CPUs, 2 processes, 1 huge page, 5 operations, flushes by broadcast, unsharing as in 6.19',
  scenario: (isBroken) =>
    sharing([getting, reusing], { unshareSyncOffByOne: isBroken }, false, {
      hugetlbUnshare: '6.19',
      flush: 'broadcast',
    }),
};

const givingUp: Program = { name: 'madvise', run: (task) => zap(task, FIRST) };
const unmapping: Program = { name: 'munmap', run: unmapAll };
const punching: Program = { name: 'fallocate(PUNCH_HOLE)', mm: 1, run: punchWhenAlone };

export const unshareFlushedLater: ZooEntry = {
  id: 'A6',
  aliases: ['CVE-2021-4002', 'a4a118f2eead'],
  title: 'A shared table is given up, and flushed when i_mmap_rwsem is dropped',
  bug: 'unshareFlushedLater',
  properties: ['P-UAF-PAGE', 'P-UAF-PT', 'P-DATA'],
  actors: [
    'munmap() of a GiB whose table is shared',
    'fallocate(FALLOC_FL_PUNCH_HOLE) of a page of it, once the other process alone is in the list of ' +
      'the file',
  ],
  story:
    'Who gives a shared table up clears one entry of his own; the pages stay mapped for the others. ' +
    'His TLB flush came with the end of munmap(). Before that his VMA had left the list of the file: a ' +
    'hole punch met the page in the other process only, flushed that, and freed the page. The mend: flush before the lock is dropped.',
  fix: 'a4a118f2eead',
  versions: '3.6 to 5.15',
  bounds: '2 CPUs, 2 processes, 1 huge page, 2 operations',
  scenario: (isBroken) => sharing([unmapping, punching], { unshareFlushedLater: isBroken }),
};

export const unshareBatchFlushedLater: ZooEntry = {
  ...unshareFlushedLater,
  id: 'A18a',
  aliases: ['defer-the-batch'],
  title: 'The batch of Linux 6.19 is flushed when i_mmap_rwsem is dropped',
  story:
    'Batching is safe only as long as i_mmap_rwsem is held. Deferred to the end of the gather, as ' +
    'other flushes are, it brings A6 back.',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 2 processes, 1 huge page, 2 operations, unsharing as in Linux 6.19',
  scenario: (isBroken) =>
    sharing([unmapping, punching], { unshareFlushedLater: isBroken }, false, {
      hugetlbUnshare: '6.19',
    }),
};

const dividing: Program = {
  name: 'madvise(MADV_DONTFORK)',
  run: (task) => advise(task, FIRST, MADV.DONTFORK),
};
const loadingSecond: Program = { name: 'load', run: (task) => load(task, SECOND) };

export const unshareBeforeSplit: ZooEntry = {
  id: 'A2',
  aliases: ['CVE-2025-38084', '081056dc00a2'],
  title: 'A VMA is divided, and its table is shared again before that is done',
  bug: 'unshareBeforeSplit',
  properties: ['P-COUNT'],
  actors: [
    'madvise(MADV_DONTFORK) of the first huge page: the VMA is divided',
    'a load from another huge page',
  ],
  story:
    'A table may be shared only if all that it maps is one VMA. It was given up when the VMA was asked ' +
    'whether it may be divided, before any lock was taken: a fault shared it again. Then it belonged to ' +
    'two VMAs, and one could be unmapped or changed as if it were private. The mend: give it up when ' +
    'the VMA and the list of the file are locked for the division.',
  fix: '081056dc00a2',
  versions: '6.1 to 6.15, and older ones that have the change',
  bounds: '2 CPUs, 2 processes, 2 huge pages, 2 operations',
  scenario: (isBroken) => sharing([dividing, loadingSecond], { unshareBeforeSplit: isBroken }),
};

const looking: Program = {
  name: 'reference to each page',
  *run(task) {
    const table = tableOfBlock(task, task.mm, FIRST);
    yield* getTableByFrame(task, table);
    yield* putTableByFrame(task, table);
  },
};

export const sharesCountedByReferences: ZooEntry = {
  id: 'A3',
  aliases: ['CVE-2024-57883', '59d9094df3d7'],
  title: 'A reference to the page of a table is taken for somebody who shares it',
  bug: 'sharesCountedByReferences',
  properties: ['P-COUNT'],
  actors: [
    'madvise(MADV_DONTNEED) of a huge page, in a table that is not shared',
    'somebody who takes a reference to every page of memory for a while',
  ],
  story:
    'A table counted as shared if its page had two references. Who looks at all pages of memory ' +
    'takes a reference to each, also to tables. Unmapping then met an exclusive table that looked ' +
    'shared, forgot it, and left it behind with its pages mapped. The mend: a count of its own.',
  fix: '59d9094df3d7',
  versions: '2.6.20 to 6.12',
  bounds: '2 CPUs, 1 process, 1 huge page, 2 operations',
  scenario: (isBroken) =>
    sharing([givingUp, looking], { sharesCountedByReferences: isBroken }, true),
};

const storingSecond: Program = { name: 'store', run: (task) => store(task, SECOND, 7) };
const leaving: Program = {
  name: 'madvise in process 0, mprotect in process 1',
  *run(task) {
    yield* zap(task, FIRST);
    yield* protect(asProcess(task, 1), SECOND);
  },
};

export const faultWithoutVmaLock: ZooEntry = {
  id: 'A8',
  aliases: ['c0d0381ade79'],
  title: 'A fault sets an entry in a table that its process has given up',
  bug: 'faultWithoutVmaLock',
  properties: ['P-PERM', 'P-UAF-PT', 'P-COUNT'],
  actors: [
    'a store to a huge page that nobody has mapped yet',
    'madvise(MADV_DONTNEED) of another one, so that the table is given up; then the other process ' +
      'gives up the right to write to that page',
  ],
  story:
    'A fault has found the entry to set, in a shared table. Another thread gives the table up, which is ' +
    "the other process's own from then on, and that one makes the page read-only. The fault sets the " +
    'entry: the other process can write where it may not. Had it freed the table, the fault would ' +
    'write to what is no table any more. The mend: the fault holds i_mmap_rwsem (5.7), or the lock of ' +
    'the VMA (6.1), from finding the entry until it is set.',
  fix: 'c0d0381ade79',
  versions: '2.6.20 to 5.6',
  bounds: '2 CPUs, 2 processes, 2 huge pages, 3 operations',
  scenario: (isBroken) => sharing([storingSecond, leaving], { faultWithoutVmaLock: isBroken }),
};

const storingFirst: Program = {
  name: 'store',
  *run(task) {
    const result = yield* store(task, FIRST, 7);
    if (result !== 0) violate(task.machine, 'P-LIVE');
  },
};

export const zapUnlockedBeforeFree: ZooEntry = {
  id: 'A11',
  aliases: ['2820b0f09be9'],
  title: 'A fault finds no huge page, while the one that it had is about to be freed',
  bug: 'zapUnlockedBeforeFree',
  properties: ['P-LIVE'],
  actors: ['madvise(MADV_DONTNEED) of a private huge page, the only one', 'a store to it'],
  story:
    'MADV_DONTNEED clears the entry, drops its locks, and frees the page at the end of its gather. A ' +
    'fault in between needs a page, for which there is a reservation, and finds the pool empty: the ' +
    'program gets SIGBUS. The mend: hold the lock of the VMA until the pages are free; private VMAs got ' +
    'one for this.',
  fix: '2820b0f09be9',
  versions: 'until 6.5',
  bounds: '2 CPUs, 1 process, 1 huge page, 2 operations',
  scenario: (isBroken) => owning([givingUp, storingFirst], { zapUnlockedBeforeFree: isBroken }),
};

const asking: Program = {
  name: 'is the table shared?',
  *run(task) {
    const table = tableOfBlock(task, task.mm, FIRST);
    const isShared = yield* isPmdShared(task, table * task.machine.tableEntries);
    if (!isShared) violate(task.machine, 'P-ACCT');
  },
};

export const sharedTestedByReferences: ZooEntry = {
  id: 'A16',
  aliases: ['CVE-2026-23100', 'ca1a47cd3f5f'],
  title: 'smaps and migration take pages in shared tables for those of one process',
  bug: 'sharedTestedByReferences',
  properties: ['P-ACCT'],
  actors: ['somebody asks whether the table of a huge page is shared; it is'],
  story:
    'When the count of sharers moved out of the references of the table (A3), one reader was left ' +
    'behind: it went on asking for references, of which there is always one. Huge pages of two ' +
    'processes were reported as private, and mbind() moved them.',
  fix: 'ca1a47cd3f5f',
  versions: '6.13 to 6.18, and older ones that have the mend of A3',
  bounds: '1 CPU, 2 processes, 1 huge page, 1 operation',
  scenario: (isBroken) => sharing([asking], { sharedTestedByReferences: isBroken }),
};

const forkingAndZapping: Program = {
  name: 'fork, madvise',
  *run(task) {
    yield* fork(task, task.cpu);
    yield* zap(task, FIRST);
  },
};

export const reserveRestoredWhileMapped: ZooEntry = {
  id: 'A30',
  aliases: ['CVE-2026-89593'],
  title: 'A reservation comes back for a page that a child still has',
  bug: 'reserveRestoredWhileMapped',
  properties: ['P-COUNT'],
  actors: ['fork(), then madvise(MADV_DONTNEED) of a private huge page in the parent'],
  story:
    'The owner of a private mapping gets its reservation back with a page that it drops, so that the ' +
    'next fault cannot fail. A child still maps the page, so nothing is free: the map of the owner ' +
    'promises a page that the pool does not have. The mend: only if nobody maps it any more.',
  fix: undefined,
  versions: '6.12, before its mend',
  bounds: '1 CPU, 2 processes, 1 huge page, 2 operations',
  scenario: (isBroken) => owning([forkingAndZapping], { reserveRestoredWhileMapped: isBroken }),
};
