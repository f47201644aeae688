/** Secondary MMUs: guests of KVM, and devices, that go on using what their process has no longer. */
import type { Program } from '../check/index.ts';
import { enterGuest } from '../designs/index.ts';
import { type Bugs, load, madvise, migratePages, mprotect, run, type Task } from '../mm/index.ts';
import { MADV, PAGE_BYTES, PROT, PROT_RW } from '../uapi/mman.ts';
import type { ZooEntry } from './entry.ts';
import {
  deviceLoading,
  deviceRace,
  deviceStoring,
  GFN,
  type GuestSetting,
  guestLoading,
  guestRace,
  guestRunning,
  guestStoring,
} from './small_guest.ts';
import { advising, PAGE, TABLE_PAGES } from './small_machine.ts';

export const discarding = advising(PAGE, PAGE + 1, MADV.DONTNEED, 'MADV_DONTNEED');
export const removing = advising(PAGE, PAGE + 1, MADV.REMOVE, 'MADV_REMOVE');
export const collapsing = advising(PAGE, PAGE + TABLE_PAGES, MADV.COLLAPSE, 'MADV_COLLAPSE');
export const migrating: Program = {
  name: 'migrate_pages',
  run: (task) => migratePages(task, PAGE, PAGE + 1),
};

/** One page, which is there; the guest has not touched it yet. */
export const ONE_PAGE: GuestSetting = { touched: [PAGE], flush: 'broadcast' };
/** The same, and the guest has an entry for it. */
export const ENTERED: GuestSetting = { ...ONE_PAGE, entered: [GFN] };

type Fields = Pick<ZooEntry, 'id' | 'aliases' | 'title' | 'actors' | 'story'> & Partial<ZooEntry>;

/** A step of the protocol that is left out, by the switch `bug`. */
function step(
  bug: keyof Bugs,
  programs: readonly Program[],
  setting: GuestSetting,
  fields: Fields,
  prepare?: (task: Task) => void,
): ZooEntry {
  return {
    bug,
    properties: ['P-UAF-PAGE'],
    fix: undefined,
    versions: 'none: a rule of the protocol',
    bounds: '2 CPUs, 1 process, 1 guest, 1 page, 2 operations, flushes by broadcast',
    scenario: (isBroken) => guestRace(programs, setting, { [bug]: isBroken }, prepare),
    ...fields,
  };
}

const AGAINST_DONTNEED = ['MADV_DONTNEED of a page of guest memory', 'a store of the guest'];

export const noRangeStart = step('noRangeStart', [discarding, guestStoring(7)], ENTERED, {
  id: 'K1',
  aliases: ['no-range-start'],
  title: 'Nobody tells KVM that a range is invalidated',
  actors: AGAINST_DONTNEED,
  story:
    'KVM holds no reference to the pages that its entries map. If it is not told before they go, the ' +
    'guest writes to memory of somebody else. Every place that clears entries has to call it; those ' +
    'that did not are bugs of their own.',
});

export const ignoresSequence = step('kvmIgnoresSequence', [discarding, guestStoring(7)], ONE_PAGE, {
  id: 'K2',
  aliases: ['kvm-ignores-sequence'],
  title: 'KVM asks whether an invalidation is under way, and not whether one has ended',
  actors: AGAINST_DONTNEED,
  story:
    'A fault of the guest looks the page up. Before it has mmu_lock a whole invalidation comes and ' +
    'goes: there is no entry yet to be taken away, and none is under way afterwards. The sequence, ' +
    'which the end raises, is what tells.',
});

export const ignoresInProgress = step(
  'kvmIgnoresInProgress',
  [discarding, guestStoring(7)],
  ONE_PAGE,
  {
    id: 'K3',
    aliases: ['kvm-ignores-in-progress'],
    title: 'KVM asks whether an invalidation has ended, and not whether one is under way',
    actors: AGAINST_DONTNEED,
    story:
      'Between start and end the entry of the process is there until it is cleared. A fault of the ' +
      'guest that begins and ends in between finds it, with the sequence unchanged, and makes an ' +
      'entry that nobody will take away. So an invalidation is counted as long as it lasts.',
  },
);

export const retryUnlocked = step('kvmRetryUnlocked', [discarding, guestStoring(7)], ONE_PAGE, {
  id: 'D12',
  aliases: ['kvm-retry-unlocked'],
  title: 'A fault of a guest asks for invalidations before it takes mmu_lock, and not under it',
  actors: AGAINST_DONTNEED,
  story:
    'The check without the lock spares a fault that is in vain the lock, and decides nothing. An ' +
    'invalidation that begins between check and lock finds no entry to take away; the fault makes ' +
    'it then. The class of races for which the sequence of notifiers was made: is_page_fault_stale() ' +
    'is called under mmu_lock.',
});

export const sequenceReadLate = step(
  'kvmSequenceReadLate',
  [discarding, guestStoring(7)],
  ONE_PAGE,
  {
    id: 'K4',
    aliases: ['kvm-sequence-read-late'],
    title: 'KVM reads the sequence after it has looked the page up',
    actors: AGAINST_DONTNEED,
    story:
      'What was looked up is as old as the sequence that was read before it. Read afterwards, it vouches ' +
      'for nothing. arm64 read it when it had looked at the VMA and dropped the mmap lock, and could ' +
      'use a size or rights that were no longer so (13ec9308a857, mended in 6.3).',
  },
);

export const sequenceAtStart = step('kvmSequenceAtStart', [discarding, guestStoring(7)], ONE_PAGE, {
  id: 'K5',
  aliases: ['kvm-sequence-at-start'],
  title: 'KVM raises the sequence when an invalidation begins',
  actors: AGAINST_DONTNEED,
  story:
    'Raised at the start, the sequence is the same for a fault that looks the page up between start ' +
    'and clearing, and for one that looks after the end. The count of invalidations under way does not ' +
    'help the first, if they have ended when it has mmu_lock.',
});

export const withoutZap = step('kvmWithoutZap', [discarding, guestStoring(7)], ENTERED, {
  id: 'K6',
  aliases: ['kvm-without-zap'],
  title: 'KVM keeps faults off while a range is invalidated, and leaves the entries there are',
  actors: AGAINST_DONTNEED,
  story: 'The guest needs no fault to go on using an entry that it has.',
});

/** The gather has room for one page: it is flushed, and its page freed, before the end. */
export const flushAtEnd = step(
  'kvmFlushAtEnd',
  [advising(PAGE, PAGE + 2, MADV.DONTNEED, 'MADV_DONTNEED'), guestStoring(7)],
  { ...ENTERED, pages: 2, touched: [PAGE, PAGE + 1], gather: 1 },
  {
    id: 'K7',
    aliases: ['kvm-flush-at-end'],
    title: 'KVM flushes the TLB of a guest when an invalidation ends',
    actors: ['MADV_DONTNEED of two pages of guest memory', 'a store of the guest'],
    story:
      'The entry is gone when the invalidation begins, the translations in TLBs are not. The end ' +
      'usually comes before pages are freed, but a gather that is full is flushed, and its pages are ' +
      'freed, while the rest of the range is still being cleared. With a gather that has room for ' +
      'all pages the same search finds nothing.',
    bounds:
      '2 CPUs, 1 process, 1 guest, 2 pages, 2 operations, a gather of 1, flushes by broadcast',
  },
);

/** A CPU that has run the guest, and may hold what it had there. */
const leavingAndDiscarding: Program = {
  name: 'guest, then MADV_DONTNEED',
  *run(task) {
    yield* enterGuest(task, 0);
    yield* madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.DONTNEED);
  },
};

export const flushUnlocked = step('kvmFlushUnlocked', [leavingAndDiscarding, discarding], ENTERED, {
  id: 'K8',
  aliases: ['kvm-flush-unlocked'],
  title: 'KVM flushes the TLB of a guest when it has dropped mmu_lock',
  actors: [
    'a CPU that has run the guest, then MADV_DONTNEED of a page of its memory',
    'MADV_DONTNEED of the same page',
  ],
  story:
    'Two threads discard the same page. The first takes the entry of the guest away and drops ' +
    'mmu_lock to flush. The second finds no entry, so it has nothing to flush, goes on, and frees ' +
    'the page that TLBs still lead to. Whoever takes an entry away has to have flushed before ' +
    'others can see that it is gone.',
});

export const getsFreePage = step(
  'kvmGetsFreePage',
  [discarding, guestLoading()],
  { ...ONE_PAGE, isFollowed: true },
  {
    id: 'D11',
    aliases: ['CVE-2021-22543', 'f8be156be163'],
    title: 'KVM gets a reference to a page that nobody has a reference to',
    actors: ['the page goes', 'a load of the guest, whose memory is looked up by its entry'],
    story:
      'Memory of devices (VM_IO, VM_PFNMAP) is no subject of GUP: KVM reads the entry, drops the locks, ' +
      'and then got a reference, whatever the count of the page was. A page that is free by then, or ' +
      'that is never counted, goes from 0 to 1; when KVM drops the reference it is freed, while ' +
      'others have it. The mend: no reference is got where there is none, and the fault is retried ' +
      'or fails.',
    fix: 'f8be156be163',
    versions: '2.6.37 to 5.13',
  },
);

/** Small entries map the pages of a huge page of a file, in a VMA that has room for it as one. */
function mapBySmallEntries(task: Task): void {
  run(madvise(task, PAGE * PAGE_BYTES, TABLE_PAGES * PAGE_BYTES, MADV.COLLAPSE));
  run(mprotect(task, PAGE * PAGE_BYTES, PAGE_BYTES, PROT.READ));
  run(load(task, PAGE));
  run(mprotect(task, PAGE * PAGE_BYTES, PAGE_BYTES, PROT_RW));
}

export const collapseMappedUntold: ZooEntry = step(
  'collapseMappedUntold',
  [collapsing, guestRunning],
  { ...ENTERED, mapped: [], shared: [[PAGE, PAGE + TABLE_PAGES]], frames: 2048, tables: 16 },
  {
    id: 'B3',
    aliases: ['CVE-2022-48991', 'f268f6cf875f'],
    title: 'khugepaged takes entries of a file away and tells no secondary MMU',
    actors: [
      'MADV_COLLAPSE of a file whose huge page small entries map',
      'a CPU that runs the guest',
    ],
    story:
      'To map a huge page of a file as one, the table with the small entries is taken away. Neither ' +
      'notifiers nor, for entries that were present, TLBs were told. KVM kept its entries of pages ' +
      'that its process no longer mapped: nobody who reclaimed them had a reason to tell it, and the ' +
      'guest went on using freed memory.',
    properties: ['P-TLB', 'P-UAF-PAGE'],
    fix: 'f268f6cf875f',
    versions: '4.8 to 6.0',
  },
  mapBySmallEntries,
);

const DEVICE_STORY =
  'An IOMMU that shares the page tables of the CPUs looks at them whenever a device asks, ';
const deviceSetting = { mapped: [[PAGE, PAGE + 1]], touched: [PAGE], flush: 'broadcast' } as const;

export const iommuFlushedAtStart: ZooEntry = {
  id: 'I1',
  aliases: ['iommu-flushed-at-start'],
  title: 'An IOMMU is flushed when a range begins to be invalidated',
  bug: 'iommuFlushedAtStart',
  properties: ['P-UAF-PAGE', 'P-TLB'],
  actors: ['MADV_DONTNEED of a page', 'a store by a device that uses the addresses of the process'],
  story:
    `${DEVICE_STORY}also between the start of an invalidation and the clearing of the entry. What it has ` +
    'found there stays in its TLB when the page is freed. KVM can keep faults off till the end; ' +
    'hardware cannot be told to.',
  fix: undefined,
  versions: 'none: a rule of the protocol',
  bounds: '2 CPUs, 1 device, 1 process, 1 page, 2 operations, flushes by broadcast',
  scenario: (isBroken) =>
    deviceRace([discarding, deviceStoring(PAGE, 7)], deviceSetting, {
      iommuFlushedAtStart: isBroken,
    }),
};

export const iommuFlushedAtEnd: ZooEntry = {
  id: 'I2',
  aliases: ['1af5a8109904', 'iommu-flushed-at-end'],
  title: 'An IOMMU is flushed when the invalidation of a range ends',
  bug: 'iommuFlushedAtEnd',
  properties: ['P-UAF-PAGE', 'P-TLB'],
  actors: [
    'MADV_DONTNEED of two pages, with a gather for one',
    'a load by a device that uses the addresses of the process',
  ],
  story:
    `${DEVICE_STORY}so only a flush after the entry was cleared is of use. But that of the end may come ` +
    'when the page is free: a gather that is full frees it before. Linux 6.6 renamed the callback ' +
    'that comes with the flush of the CPUs, invalidate_range, to ' +
    'arch_invalidate_secondary_tlbs, so that nobody takes start and end for it.',
  fix: undefined,
  versions: 'none: a rule of the protocol',
  bounds: '2 CPUs, 1 device, 1 process, 2 pages, 2 operations, a gather of 1, flushes by broadcast',
  scenario: (isBroken) =>
    deviceRace(
      [advising(PAGE, PAGE + 2, MADV.DONTNEED, 'MADV_DONTNEED'), deviceLoading(PAGE)],
      { ...deviceSetting, mapped: [[PAGE, PAGE + 2]], touched: [PAGE, PAGE + 1], gather: 1 },
      { iommuFlushedAtEnd: isBroken },
    ),
};

export const SECONDARY: readonly ZooEntry[] = [
  noRangeStart,
  ignoresSequence,
  ignoresInProgress,
  sequenceReadLate,
  sequenceAtStart,
  withoutZap,
  flushAtEnd,
  flushUnlocked,
  retryUnlocked,
  getsFreePage,
  collapseMappedUntold,
  iommuFlushedAtStart,
  iommuFlushedAtEnd,
];
