/** What munmap(2) must wait for, and what faults must look at again. */
import type { Program } from '../check/index.ts';
import { gupFast, load, mmap, NONE, store, unpin, violate } from '../mm/index.ts';
import type { ZooEntry } from './entry.ts';
import { PAGE, race, storing, unmapping } from './small_machine.ts';

const MAP_NOREPLACE = 0x100022;

/** Maps the page anew once it is free, and expects to read what it has written. */
const mappingAnew: Program = {
  name: 'mmap, store, load',
  *run(task) {
    const call = { address: PAGE * 4096, length: 4096, prot: 3, file: undefined, offset: 0 };
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
