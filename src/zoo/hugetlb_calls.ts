/** Calls on huge pages: divided, discarded in part, moved. */
import type { Program } from '../check/index.ts';
import { fallocate, load, madvise, mmap, mremap, run, store, violate } from '../mm/index.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import {
  advise,
  asProcess,
  FIRST,
  GIB,
  HUGE,
  onlyFile,
  owning,
  protect,
  sharing,
  sharingTwo,
  unmap,
  zap,
} from './hugetlb_machine.ts';

const MAP_PRIVATE_FIXED_HUGETLB_NORESERVE =
  MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED | MAP.NORESERVE | MAP.HUGETLB;
const KEEP_SIZE_PUNCH_HOLE = 3;

const dividing: Program = {
  name: 'madvise(MADV_DONTFORK)',
  run: (task) => advise(task, FIRST, MADV.DONTFORK),
};

export const splitWithoutUnshare: ZooEntry = {
  id: 'A4',
  aliases: ['b30c14cd6102'],
  title: 'A VMA is divided, and both parts keep a table that others have, too',
  bug: 'splitWithoutUnshare',
  properties: ['P-COUNT', 'P-PERM'],
  actors: ['madvise(MADV_DONTFORK) of the first huge page: the VMA is divided'],
  story:
    'A table is shared as long as a VMA spans all that it maps. Divided at a page within, the VMA ' +
    'became two, and the table stayed: neither part could tell that others have it, too, and what was ' +
    'changed through one part (write protection of userfaultfd) changed it for other processes. The ' +
    'mend: give the table up when the VMA is divided, which then took three more attempts (A2).',
  fix: 'b30c14cd6102',
  versions: '2.6.20 to 6.1',
  bounds: '1 CPU, 2 processes, 1 huge page, 1 operation',
  scenario: (isBroken) => sharing([dividing], { splitWithoutUnshare: isBroken }),
};

export const unshareSkipsBlock: ZooEntry = {
  id: 'A5',
  aliases: ['unshare-skips-a-block'],
  title: 'Having given up a shared table, unmapping passes over the next one',
  bug: 'unshareSkipsBlock',
  properties: ['P-COUNT', 'P-UAF-PT'],
  actors: ['munmap() of two GiB with a shared table each'],
  story:
    'Giving a table up says how far to go on, behind all that the table maps. A backport passed the ' +
    'address of the loop to a helper that moved it, and then moved it once more: every other table ' +
    'was left shared. There it was the loop for userfaultfd (hugetlb_unshare_pmds()), here it is that ' +
    'of unmapping: the second GiB stays linked, and its VMA goes.',
  fix: undefined,
  versions: 'backports to 5.10',
  bounds: '1 CPU, 2 processes, 2 huge pages, 1 operation',
  scenario: (isBroken) =>
    sharingTwo([{ name: 'munmap', run: (task) => unmap(task, FIRST, 2 * GIB) }], {
      unshareSkipsBlock: isBroken,
    }),
};

const discardingPart: Program = {
  name: 'store, madvise(MADV_DONTNEED) of 4 KiB, load',
  *run(task) {
    yield* store(task, FIRST, 7);
    yield* madvise(task, FIRST * PAGE_BYTES, PAGE_BYTES, MADV.DONTNEED);
    const value = yield* load(task, FIRST);
    if (value !== 7) violate(task.machine, 'P-DATA');
  },
};

export const dontneedRoundsUp: ZooEntry = {
  id: 'A32',
  aliases: ['dontneed-rounds-up'],
  title: 'MADV_DONTNEED of a part of a huge page discards all of it',
  bug: 'dontneedRoundsUp',
  properties: ['P-DATA'],
  actors: ['a store to a huge page, madvise(MADV_DONTNEED) of its first 4 KiB, a load'],
  story:
    'MADV_DONTNEED on huge pages rounded its end up, as munmap() may not: a program that discards a ' +
    'part of a huge page lost what it keeps in the rest. The mend: round down.',
  fix: undefined,
  versions: '5.18 to 6.0',
  bounds: '1 CPU, 1 process, 1 huge page, 3 operations',
  scenario: (isBroken) => owning([discardingPart], { dontneedRoundsUp: isBroken }),
};

/** Where both places lie differently in their GiB. */
const TARGET = FIRST + 4 * GIB + HUGE;

/** A GiB that is empty, and one huge page behind it. */
const LENGTH = (GIB + HUGE) * PAGE_BYTES;
const movingPastHole: Program = {
  name: 'mmap, store, mremap, load',
  *run(task) {
    const call = {
      prot: PROT_RW,
      flags: MAP_PRIVATE_FIXED_HUGETLB_NORESERVE,
      file: undefined,
      offset: 0,
    };
    const from = FIRST - 4 * GIB;
    yield* mmap(task, { ...call, address: from * PAGE_BYTES, length: LENGTH });
    yield* store(task, from + GIB, 7);
    yield* mremap(task, {
      address: from * PAGE_BYTES,
      oldLength: LENGTH,
      newLength: LENGTH,
      flags: 3,
      newAddress: TARGET * PAGE_BYTES,
    });
    const value = yield* load(task, TARGET + GIB);
    if (value !== 7) violate(task.machine, 'P-DATA');
  },
};

export const hugetlbMoveRoundsBoth: ZooEntry = {
  id: 'A21',
  aliases: ['CVE-2026-98373'],
  title: 'mremap() of huge pages passes over a hole and loses its way',
  bug: 'hugetlbMoveRoundsBoth',
  properties: ['P-DATA'],
  actors: ['a store behind a hole of a GiB, mremap() of both, a load'],
  story:
    'Moving huge pages, mremap() passes over what has no table by setting all low bits of both ' +
    'addresses. If they lie differently in their GiB, it goes on too near or too far at the new place, ' +
    'and maps every later page where it does not belong. The mend: both advance by the same distance.',
  fix: undefined,
  versions: 'until 6.12, before its mend',
  bounds: '1 CPU, 1 process, 1 huge page, 3 operations',
  scenario: (isBroken) => sharing([movingPastHole], { hugetlbMoveRoundsBoth: isBroken }, true),
};

const moving: Program = {
  name: 'mremap',
  run: (task) =>
    mremap(task, {
      address: FIRST * PAGE_BYTES,
      oldLength: HUGE * PAGE_BYTES,
      newLength: HUGE * PAGE_BYTES,
      flags: 3,
      newAddress: TARGET * PAGE_BYTES,
    }),
};

/** Frees the first huge page of the file. */
const punching: Program = {
  name: 'fallocate(PUNCH_HOLE)',
  run: (task) => fallocate(task, onlyFile(task), KEEP_SIZE_PUNCH_HOLE, 0, HUGE * PAGE_BYTES),
};

export const hugetlbMoveUnlockedBeforeFlush: ZooEntry = {
  id: 'A22',
  aliases: ['13e4ad2ce8df'],
  title: 'mremap() of huge pages flushes when they can be freed at their new place',
  bug: 'hugetlbMoveUnlockedBeforeFlush',
  properties: ['P-UAF-PAGE'],
  actors: ['mremap() of a huge page of a file', 'fallocate(FALLOC_FL_PUNCH_HOLE) of the page'],
  story:
    'As C1, of huge pages: mremap() moved the entries under i_mmap_rwsem and flushed when it had ' +
    'dropped that. A hole punch finds the page at its new place, flushes that, and frees it, while TLBs ' +
    'still lead to it from the old one.',
  fix: '13e4ad2ce8df',
  versions: 'until 5.15',
  bounds: '2 CPUs, 1 process, 1 huge page, 2 operations; flushes by broadcast',
  scenario: (isBroken) =>
    sharing([moving, punching], { hugetlbMoveUnlockedBeforeFlush: isBroken }, true, {
      flush: 'broadcast',
    }),
};

const OTHER = FIRST + GIB;

/** As in A8, in the GiB that MADV_DONTNEED has not touched. */
const storing: Program = { name: 'store', run: (task) => store(task, OTHER + HUGE, 7) };
const leaving: Program = {
  name: 'madvise in process 0, mprotect in process 1',
  *run(task) {
    yield* zap(task, OTHER);
    yield* protect(asProcess(task, 1), OTHER + HUGE);
  },
};

export const dontneedEndsVmaLock: ZooEntry = {
  id: 'A10',
  aliases: ['04ada095dcfc'],
  title: 'MADV_DONTNEED ends the lock of its VMA, as if that were unmapped',
  bug: 'dontneedEndsVmaLock',
  properties: ['P-PERM', 'P-UAF-PT', 'P-COUNT'],
  actors: [
    'a store to a huge page that nobody has mapped yet',
    'madvise(MADV_DONTNEED) of another one, so that the table is given up; then the other process ' +
      'gives up the right to write to that page',
  ],
  story:
    'Unmapping a VMA ends the lock that keeps its tables in place: the VMA goes. MADV_DONTNEED took ' +
    'the same way, and the VMA stayed. From then on its faults hold no lock, and A8 is back: a fault sets ' +
    'an entry in a table that was given up, in another GiB of the same VMA. The mend: say whether the ' +
    'VMA goes.',
  fix: undefined,
  versions: '6.1-rc',
  bounds: '2 CPUs, 2 processes, 2 huge pages, 3 operations, after MADV_DONTNEED of another GiB',
  scenario: (isBroken) =>
    sharingTwo([storing, leaving], { dontneedEndsVmaLock: isBroken }, (task) => {
      run(zap(task, FIRST));
    }),
};
