/** What munmap(2) must wait for, and what faults must look at again. */
import type { Program } from '../check/index.ts';
import { gupFast, load, mmap, NONE, run, store, type Task, unpin, violate } from '../mm/index.ts';
import { MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, storing, TABLE_PAGES, unmapping } from './small_machine.ts';

const MAP_NOREPLACE = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED_NOREPLACE;
const MAP_PRIVATE_FIXED_GROWSDOWN = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED | MAP.GROWSDOWN;

/** Maps the page anew once it is free, and expects to read what it has written. */
const mappingAnew: Program = {
  name: 'mmap, store, load',
  *run(task) {
    const call = {
      address: PAGE * PAGE_BYTES,
      length: PAGE_BYTES,
      prot: PROT_RW,
      file: undefined,
      offset: 0,
    };
    const result = yield* mmap(task, { ...call, flags: MAP_NOREPLACE });
    if (result < 0) return;
    yield* store(task, PAGE, 9);
    const value = yield* load(task, PAGE);
    if (value !== 9) violate(task.machine, 'P-DATA');
  },
};

/** Gets the page without a lock, and gives it back. */
export const pinning = (page: number): Program => ({
  name: 'GUP-fast',
  *run(task) {
    const frame = yield* gupFast(task, page, true);
    if (frame !== NONE) yield* unpin(task, frame);
  },
});

export const unlockBeforeFlush: ZooEntry = {
  id: 'M1',
  aliases: ['unlock-before-flush'],
  title: 'munmap() drops the mmap lock before the TLB flush',
  bug: 'unlockedBeforeFlush',
  properties: ['P-DATA', 'P-UAF-PAGE'],
  actors: ['munmap() of one page', 'mmap() of the same page, a store to it, a load from it'],
  story:
    'munmap() clears the entry and drops the mmap lock; only then it flushes. Another thread maps ' +
    'the same address again, writes to it, and reads through its stale translation what was there ' +
    'before. The flush must be complete before the lock that keeps others out is dropped: most ' +
    'entries of the zoo break this sentence in one way or another.',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 1 process, 1 page, 4 operations',
  scenario: (isBroken) =>
    race(
      [unmapping(PAGE), mappingAnew],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE] },
      { unlockedBeforeFlush: isBroken },
    ),
};

export const freeBeforeFlush: ZooEntry = {
  id: 'M2',
  aliases: ['free-before-flush'],
  title: 'Pages are freed before the TLB flush',
  bug: 'pagesFreedBeforeFlush',
  properties: ['P-UAF-PAGE'],
  actors: ['munmap() of one page', 'a store to it'],
  story:
    'mmu_gather exists to keep the pages that were unmapped until every CPU has flushed them. ' +
    'Without it a store goes through a stale translation to a page that is free, or belongs to ' +
    'somebody else by now.',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations',
  scenario: (isBroken) =>
    race(
      [unmapping(PAGE), storing(PAGE, 7)],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE] },
      { pagesFreedBeforeFlush: isBroken },
    ),
};

export const tablesWithoutGracePeriod: ZooEntry = {
  id: 'M3',
  aliases: ['table-without-grace-period'],
  title: 'Tables are freed while lockless walkers may be in them',
  bug: 'tablesFreedAtOnce',
  properties: ['P-UAF-PT'],
  actors: ['munmap() of the only page of a table', 'GUP-fast of the page'],
  story:
    'GUP-fast walks with interrupts off. Where TLBs are flushed by interrupts, whoever frees a table ' +
    'has waited for it without knowing. Where an instruction flushes the TLBs of all CPUs, nobody ' +
    'waits: tables have to be freed after a grace period (MMU_GATHER_RCU_TABLE_FREE).',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [unmapping(PAGE), pinning(PAGE)],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], flush: 'broadcast' },
      { tablesFreedAtOnce: isBroken },
    ),
};

export const noRecheck: ZooEntry = {
  id: 'M4',
  aliases: ['no-recheck'],
  title: 'A fault does not look at the entry again under the page-table lock',
  bug: 'noRecheckUnderPageTableLock',
  properties: ['P-COUNT'],
  actors: ['a store to a page that is not there', 'another one'],
  story:
    'Two threads touch the same page for the first time. Both find the entry empty, both allocate, ' +
    'and the second one puts its page in the place of the first, which is never freed.',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 1 process, 2 pages of one table, 2 operations',
  scenario: (isBroken) =>
    race(
      [storing(PAGE, 5), storing(PAGE, 7)],
      { mapped: [[PAGE, PAGE + 3]], touched: [PAGE + 2] },
      { noRecheckUnderPageTableLock: isBroken },
    ),
};

export const gupWithInterruptsOn: ZooEntry = {
  id: 'M6',
  aliases: ['gup-with-interrupts-on'],
  title: 'GUP-fast walks with interrupts on',
  bug: 'gupFastWithInterruptsOn',
  properties: ['P-UAF-PT'],
  actors: ['munmap() of the only page of a table', 'GUP-fast of the page'],
  story:
    'Interrupts that are off are all that keeps tables in place under a lockless walker: whoever ' +
    'frees one waits for an interrupt to be acknowledged, or for a grace period, which includes ' +
    'sections with interrupts off.',
  fix: undefined,
  versions: 'none',
  bounds: '2 CPUs, 1 process, 1 page, 2 operations',
  scenario: (isBroken) =>
    race(
      [unmapping(PAGE), pinning(PAGE)],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE] },
      { gupFastWithInterruptsOn: isBroken },
    ),
};

/** The stack is all of its own table; what it grows into is in that of the page below. */
const STACK = PAGE + TABLE_PAGES;

function mapStack(task: Task): void {
  const call = {
    address: STACK * PAGE_BYTES,
    length: PAGE_BYTES,
    prot: PROT_RW,
    file: undefined,
    offset: 0,
  };
  run(mmap(task, { ...call, flags: MAP_PRIVATE_FIXED_GROWSDOWN }));
  run(store(task, STACK, 1));
}

export const stackGrowsBesideMunmap: ZooEntry = {
  id: 'B14',
  aliases: ['CVE-2020-29369', '246c320a8cfe'],
  title: 'A stack grows into a table that munmap() is about to free',
  bug: 'stackGrowsBesideMunmap',
  properties: ['P-UAF-PT', 'P-COUNT', 'P-PERM'],
  actors: [
    'munmap() of a page below a stack',
    'a store below the stack, in the table of that page',
  ],
  story:
    'munmap() frees the tables of what it unmaps as far as its neighbours allow, and looks at those when ' +
    'it has downgraded the mmap lock. Stacks grew under that lock for reading: one that grows meanwhile ' +
    'comes to lie in a table that is freed with its new page. The mend: no downgrade beside a VMA that ' +
    'may grow. Since 6.5 stacks grow under the mmap lock for writing, which is what is searched here.',
  fix: '246c320a8cfe',
  versions: '4.20 to 5.7',
  bounds: '2 CPUs, 1 process, 2 pages, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    race(
      [unmapping(PAGE), storing(STACK - 1, 7)],
      { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], flush: 'broadcast' },
      { stackGrowsBesideMunmap: isBroken },
      mapStack,
    ),
};
