/** Pages that leave memory, or change places in it. */
import type { Program } from '../check/index.ts';
import {
  Access,
  fork,
  handleUserFault,
  load,
  loadNofault,
  madvise,
  migratePages,
  mprotect,
  run,
  shrinkFolios,
  store,
  storeNofault,
  type Task,
  taskOn,
  violate,
} from '../mm/index.ts';
import { MADV, PAGE_BYTES, PROT } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race } from './small_machine.ts';

const pageout = (task: Task) => madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.PAGEOUT);
const swappingOut: Program = { name: 'MADV_PAGEOUT', run: pageout };
const migrating: Program = {
  name: 'migrate_pages',
  run: (task) => migratePages(task, PAGE, PAGE + 1),
};

/** What a program writes, it reads, whoever moves the page meanwhile. */
const storingAndLoading: Program = {
  name: 'store, load',
  *run(task) {
    yield* store(task, PAGE, 7);
    const value = yield* load(task, PAGE);
    if (value !== 7) violate(task.machine, 'P-DATA');
  },
};

export const migrateFlushesOneMm: ZooEntry = {
  id: 'M9',
  aliases: ['migrate-flushes-one-mm'],
  title: 'Migration flushes one of the processes that map a page',
  bug: 'migrateFlushesOneMm',
  properties: ['P-UAF-PAGE', 'P-DATA'],
  actors: ['migration of a page that two processes share', 'a store by the other process'],
  story:
    'Migration replaces the entries of a page by migration entries, copies it, and lets everybody ' +
    'use the copy. If the CPUs of one process only are flushed, the other one goes on writing to the ' +
    'old page, and loses what it writes. Linux had this with hugetlb page tables that two processes ' +
    'share (017b1660df89, 2.6.20 to 4.18), where one entry stands for both; here each has its own.',
  fix: undefined,
  versions: 'none: the rule that any design that shares page tables has to keep',
  bounds: '2 CPUs, 2 processes, 1 shared page, 2 operations',
  scenario: (isBroken) =>
    race(
      [migrating, { name: 'store', mm: 1, run: (task) => store(task, PAGE, 7) }],
      { mapped: [], shared: [[PAGE, PAGE + 1]], touched: [PAGE], mms: 2, frames: 8, tables: 12 },
      { migrateFlushesOneMm: isBroken },
      (task) => {
        const child = run(fork(task, 1));
        if (typeof child === 'object') run(load(child, PAGE));
      },
    ),
};

export const swapOutBeforeFlush: ZooEntry = {
  id: 'M7',
  aliases: ['swap-out-before-flush'],
  title: 'A page is written to the swap device while a TLB still lets its process write to it',
  bug: 'swapOutBeforeFlush',
  properties: ['P-DATA'],
  actors: ['MADV_PAGEOUT of a page', 'a store to it, then a load'],
  story:
    'Reclaim clears entries in batches and flushes later. What is written through a stale ' +
    'translation after the page went to the device is lost: the next fault reads the slot. The ' +
    'flush has to come before the page is written out.',
  fix: undefined,
  versions: 'none: the rule that batched flushes of reclaim (4.3) have to keep',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations',
  scenario: (isBroken) =>
    race(
      [swappingOut, storingAndLoading],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], frames: 8, tables: 12, swapSlots: 1 },
      { swapOutBeforeFlush: isBroken },
    ),
};

/** Needs memory, and takes the page, whatever locks its process has. */
const kswapd: Program = {
  name: 'kswapd',
  run(task) {
    const frame = task.machine.frameMapping.findIndex((mapping) => mapping !== 0);
    return shrinkFolios(task, [frame]);
  },
};

/** What may only be read cannot be written to. */
const protecting: Program = {
  name: 'mprotect(PROT_READ), a write with page faults off',
  *run(task) {
    yield* mprotect(task, PAGE * PAGE_BYTES, PAGE_BYTES, PROT.READ);
    const isWritten = yield* storeNofault(task, PAGE, 7);
    if (isWritten) violate(task.machine, 'P-PERM');
  },
};

const DEVICE = { frames: 8, tables: 12, swapSlots: 1, flush: 'broadcast' } as const;

export const protectWithoutBatchFlush: ZooEntry = {
  id: 'C7',
  aliases: ['3ea277194daa'],
  title: 'mprotect() finds an entry cleared, and does not flush what reclaim has yet to flush',
  bug: 'protectWithoutBatchFlush',
  properties: ['P-PERM'],
  actors: ['kswapd takes a page', 'mprotect(PROT_READ) of it, and a write'],
  story:
    'Reclaim clears entries under the lock of their table and flushes later, once for many pages. ' +
    'mprotect() finds an entry that maps nothing, changes nothing, and returns: the page is read-only ' +
    'now. But the TLB of the thread that asked for it still allows a write, and the write succeeds. The ' +
    'mend: whoever changes entries flushes first, under the same lock, what reclaim has yet to flush ' +
    '(flush_tlb_batched_pending()).',
  fix: '3ea277194daa',
  versions: '4.3 to 4.12',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [kswapd, protecting],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], ...DEVICE },
      { protectWithoutBatchFlush: isBroken },
    ),
};

/** What is written after the advice is there to be read. */
const freeingAndStoring: Program = {
  name: 'MADV_FREE, a write with page faults off, load',
  *run(task) {
    yield* madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.FREE);
    const isWritten = yield* storeNofault(task, PAGE, 7);
    const value = isWritten ? yield* load(task, PAGE) : 7;
    if (value !== 7) violate(task.machine, 'P-DATA');
  },
};

export const freeWithoutBatchFlush: ZooEntry = {
  id: 'C7b',
  aliases: ['madvise-without-batch-flush'],
  title: 'MADV_FREE drops a page that reclaim has unmapped, and TLBs still write to it',
  bug: 'freeWithoutBatchFlush',
  properties: ['P-DATA', 'P-UAF-PAGE'],
  actors: ['kswapd takes a page', 'MADV_FREE of it, a store, a load'],
  story:
    'One caller had forgotten the mend of C7: MADV_FREE finds the page swapped out, and gives slot and ' +
    'page up. What the program stores next goes through its TLB to the page that is about to be freed, ' +
    'and is lost. Advice that does not even look into the page was the last to be mended.',
  fix: undefined,
  versions: '4.12 to 6.15',
  bounds: '2 CPUs, 1 process, 1 page, 4 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [kswapd, freeingAndStoring],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], ...DEVICE },
      { freeWithoutBatchFlush: isBroken },
    ),
};

/** A fault for a load, up to where the load is tried again. */
const faulting: Program = {
  name: 'fault for a load',
  run: (task) => handleUserFault(task, PAGE, Access.READ),
};

/** Brings the page in and writes to it; it is taken at once, and must not come back as it was. */
const swappingAgain: Program = {
  name: 'store, reclaim of the page, a read with page faults off',
  *run(task) {
    const frame = task.machine.cpuFreeFrames[task.cpu]!;
    yield* store(task, PAGE, 7);
    yield* shrinkFolios(task, [frame]);
    const value = yield* loadNofault(task, PAGE);
    if (value !== undefined && value !== 7) violate(task.machine, 'P-DATA');
  },
};

export const swapInWithoutPin: ZooEntry = {
  id: 'D9',
  aliases: ['CVE-2024-26759', '13ddaf26be32'],
  title: 'A page that is read past the swap cache is mapped when its slot holds newer content',
  bug: 'swapInWithoutPin',
  properties: ['P-DATA'],
  actors: ['a fault on a page that is swapped out', 'a store to the page, its reclaim, a read'],
  story:
    'From a device that answers at once, a page that has one entry is read into a folio that nobody else ' +
    'knows, past the swap cache. Meanwhile another thread may have brought the page in as well, written to ' +
    'it, and lost it to reclaim again, to the same slot: the entry looks as it did before. So the first ' +
    'fault maps what it has read, and what was written is lost with the slot. The mend: whoever reads a ' +
    'slot past the swap cache marks it as cached there, and others wait until that is over.',
  fix: '13ddaf26be32',
  versions: '4.15 to 6.7',
  bounds: '2 CPUs, 1 process, 1 page, 1 slot, 4 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [faulting, swappingAgain],
      {
        ...DEVICE,
        mapped: [[PAGE, PAGE + 1]],
        touched: [PAGE],
        frames: 16,
        swapIsSynchronous: true,
      },
      { swapInWithoutPin: isBroken },
      ({ machine }) => {
        // The CPU that has swapped it out has a frame to bring it in.
        run(pageout(taskOn(machine, 1, 0)));
      },
    ),
};

/** Given away before: it may be taken at any time, unless it is written to. */
const storingLate: Program = {
  name: 'a write with page faults off, load',
  *run(task) {
    const isWritten = yield* storeNofault(task, PAGE, 7);
    const value = isWritten ? yield* load(task, PAGE) : 7;
    if (value !== 7) violate(task.machine, 'P-DATA');
  },
};

export const readThenCleared: ZooEntry = {
  id: 'M10',
  aliases: ['read-then-cleared'],
  title: 'An entry is read and then cleared, and hardware has made it dirty in between',
  bug: 'readThenCleared',
  properties: ['P-DATA'],
  actors: ['kswapd takes a page that MADV_FREE has given away', 'a store to it, then a load'],
  story:
    'Hardware sets the dirty bit of an entry whenever it likes: the lock of the table does not keep it from ' +
    'that. A page after MADV_FREE is dropped unless it was written to since, and its entry is all that says ' +
    'so. Who reads the entry and then clears it has not seen a write in between, and the page goes ' +
    'with what was written. The rule: entries are exchanged for empty ones in one step ' +
    '(ptep_get_and_clear()), and what was taken is looked at.',
  fix: undefined,
  versions: 'none: the rule that who clears an entry has to keep',
  bounds: '2 CPUs, 1 process, 1 page, 3 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [kswapd, storingLate],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], ...DEVICE },
      { readThenCleared: isBroken },
      (task) => {
        run(madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.FREE));
      },
    ),
};
