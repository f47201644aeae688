/** What was asked about secondary MMUs, KVM above all, and what mshare does to them. */
import type { Program } from '../../check/index.ts';
import type { MshareVariant } from '../../designs/index.ts';
import {
  type Bugs,
  madvise,
  migratePages,
  mprotect,
  munmap,
  type Property,
} from '../../mm/index.ts';
import { MADV, PAGE_BYTES, PROT } from '../../uapi/mman.ts';
import {
  FORWARDING,
  guestStoringIn,
  type RegionGuestRace,
  regionGuestRace,
} from '../region_guest.ts';
import { type GuestSetting, guestRace, guestStoring } from '../small_guest.ts';
import { PAGE } from '../small_machine.ts';
import { detaching, type RegionProgram, unmappingObject } from '../small_region.ts';
import type { Question, QuestionCase } from './question.ts';

const MEMORY = 'Memory is sequentially consistent.';
const STALE =
  'A CPU that has run a guest may hold any translation that it could have found since it was last ' +
  'flushed; an entry of the second-level table can refill it at any time.';

interface Step {
  readonly rule: string;
  readonly bug?: keyof Bugs;
  /** In the order of the changes: what a search finds. */
  readonly found: readonly (Property | undefined)[];
}

const NOTHING = [undefined, undefined, undefined, undefined] as const;

const STEPS: readonly Step[] = [
  { rule: "KVM's protocol", found: NOTHING },
  {
    rule: 'the reference of the lookup dropped before the entry is made',
    bug: 'kvmPutBeforeMap',
    found: NOTHING,
  },
  {
    rule: 'in_progress lowered before seq is raised, both under mmu_lock',
    bug: 'kvmEndBeforeSequence',
    found: NOTHING,
  },
  {
    rule: 'no seq',
    bug: 'kvmIgnoresSequence',
    found: ['P-UAF-PAGE', 'P-UAF-PAGE', 'P-TLB', 'P-TLB'],
  },
  {
    rule: 'no in_progress',
    bug: 'kvmIgnoresInProgress',
    found: ['P-UAF-PAGE', 'P-UAF-PAGE', 'P-UAF-PAGE', 'P-TLB'],
  },
  {
    rule: 'seq raised at the start',
    bug: 'kvmSequenceAtStart',
    found: ['P-UAF-PAGE', 'P-UAF-PAGE', 'P-TLB', 'P-TLB'],
  },
  {
    rule: 'seq read after the lookup',
    bug: 'kvmSequenceReadLate',
    found: ['P-UAF-PAGE', 'P-UAF-PAGE', 'P-TLB', 'P-TLB'],
  },
  {
    rule: 'asked before mmu_lock is taken only',
    bug: 'kvmRetryUnlocked',
    found: ['P-UAF-PAGE', undefined, undefined, undefined],
  },
  {
    rule: 'entries left at the start',
    bug: 'kvmWithoutZap',
    found: ['P-UAF-PAGE', 'P-UAF-PAGE', 'P-UAF-PAGE', 'P-TLB'],
  },
  {
    rule: 'nobody calls start and end',
    bug: 'noRangeStart',
    found: ['P-UAF-PAGE', 'P-UAF-PAGE', 'P-UAF-PAGE', 'P-TLB'],
  },
];

const UNTOUCHED: GuestSetting = { touched: [PAGE], frames: 8, flush: 'broadcast' };
/** The guest has an entry for its page. */
const ENTERED: GuestSetting = { ...UNTOUCHED, entered: [0] };

/** What the process does to the memory of the guest; the first of them before the guest has touched it. */
const CHANGES: readonly Program[] = [
  {
    name: 'MADV_DONTNEED',
    run: (task) => madvise(task, PAGE * PAGE_BYTES, PAGE_BYTES, MADV.DONTNEED),
  },
  { name: 'munmap()', run: (task) => munmap(task, PAGE * PAGE_BYTES, PAGE_BYTES) },
  { name: 'migration', run: (task) => migratePages(task, PAGE, PAGE + 1) },
  {
    name: 'mprotect()',
    run: (task) => mprotect(task, PAGE * PAGE_BYTES, PAGE_BYTES, PROT.READ),
  },
];

const pageFreed: Question = {
  id: 'kvm-page-freed',
  title: "Is a page freed while it is still in the secondary MMU, with KVM's protocol?",
  asked:
    'Dave Hansen, quoted by David Hildenbrand (7 October 2024): "KVM _should_ have the exact same \'page ' +
    "free' flushing issue where it gets the MMU notifier call but the page may still be in the " +
    'secondary MMU. I _think_ KVM fixes it with an extra page refcount that it takes when it first ' +
    'walks the primary page tables."',
  answer: [
    'No, in no schedule; and it is not a reference that sees to it. KVM holds one only while it looks ' +
      'the page up, and may drop it before it makes the entry: nothing changes.',
    'What keeps the page is the order: the entry goes, and TLBs are flushed, before the process loses ' +
      'the page; and until that is over no entry is made. Of the two halves of the second rule ' +
      'neither is enough: in_progress keeps faults off while an invalidation lasts, seq tells those ' +
      'that began before or during one that has ended.',
    'It does not matter in which order the end raises seq and lowers in_progress, as long as both are ' +
      'done under mmu_lock, and faults ask under it: who asks without has to be told again.',
    'What the CPUs of mshare guests have is another thing: they walk the tables themselves, so there is ' +
      'nothing to take away before, and the flush that comes with that of the host is what they need.',
  ],
  assumptions: [
    MEMORY,
    STALE,
    'TLBs are flushed by an instruction that reaches all CPUs.',
    'A fault that is to be tried again ends the program: what it would do then, one that comes later does.',
  ],
  bounds: '2 CPUs, 1 process, 1 guest of one page, 2 operations',
  cases: STEPS.flatMap(({ rule, bug, found }): QuestionCase[] =>
    CHANGES.map((program, at) => ({
      rule,
      race: `${at === 0 ? 'the first' : 'a'} store of the guest against ${program.name}`,
      found: found[at],
      scenario: () =>
        guestRace(
          [guestStoring(7), program],
          at === 0 ? UNTOUCHED : ENTERED,
          bug === undefined ? {} : { [bug]: true },
        ),
    })),
  ),
  drawn: 'no in_progress',
};

const LINKED: RegionGuestRace = { guests: 1, linked: 1, flush: 'broadcast', isEntered: true };

const migratingIn: RegionProgram = ({ guests }) => ({
  name: 'migration of the page',
  mm: guests[0]!.mm,
  run: (task) => migratePages(task, guests[0]!.page, guests[0]!.page + 1),
});

const REGION_RACES: readonly {
  readonly race: string;
  readonly setting: RegionGuestRace;
  readonly programs: readonly RegionProgram[];
}[] = [
  {
    race: 'a store of the virtual machine against UNMAP',
    setting: LINKED,
    programs: [guestStoringIn(7), unmappingObject],
  },
  {
    race: 'its first store against UNMAP',
    setting: { ...LINKED, isEntered: false },
    programs: [guestStoringIn(7), unmappingObject],
  },
  {
    race: 'a store against migration',
    setting: LINKED,
    programs: [guestStoringIn(7), migratingIn],
  },
  {
    race: 'munmap() of the region against UNMAP',
    setting: { ...LINKED, isEntered: false },
    programs: [detaching(), unmappingObject],
  },
];

const FORWARDS: readonly (readonly [
  rule: string,
  forwards: MshareVariant['forwards'],
  found: readonly (Property | undefined)[],
])[] = [
  ['not forwarded (v3)', 'no', ['P-UAF-PAGE', 'P-UAF-PAGE', 'P-UAF-PAGE', undefined]],
  [
    'forwarded, i_mmap of the region locked for start and for end',
    'i-mmap',
    [undefined, undefined, undefined, 'P-LIVE'],
  ],
  ['forwarded, i_mmap of the region locked from start to end', 'i-mmap-kept', NOTHING],
];

const onMshare: Question = {
  id: 'mshare-kvm',
  title: 'Does KVM on mshare need forwarded notifiers, and may they run under those locks?',
  asked:
    'David Hildenbrand (7 October 2024): "I better not think about the complexity of secondary MMUs + ' +
    'mshare (e.g., KVM with mshare in guest memory): MMU notifiers for all MMs must be called". Sean ' +
    'Christopherson asked for forwarding from the host; v3 lists notifiers as to be done.',
  answer: [
    'It needs them. KVM follows the process that has attached the region, and no call of its notifiers ' +
      'comes from a change in the host: memory of the virtual machine is freed under its entries, in ' +
      'the first schedule that is tried.',
    'They may be called where the host is changed: start and end come under its mmap lock or under ' +
      'i_mmap_rwsem of an object, both of which let sleep. Guests are found by i_mmap of the region, ' +
      'which is then taken inside of both.',
    'It is not enough to take it for the start and again for the end. A guest that detaches in between ' +
      'is told of no end, and its KVM has faults tried again for ever. So the lock is held from start ' +
      'to end, or the guests that were told are remembered.',
    'Held so, it comes after the lock of an object where that is truncated, and before it where a VMA ' +
      'of hugetlb is unmapped, since zapping locks the object inside of start and end: with ' +
      'objects of hugetlb that is a cycle, and remembering is what remains.',
    'The mmap locks of guests may not be taken: faults hold them when they take that of the host.',
  ],
  assumptions: [
    MEMORY,
    STALE,
    'Every CPU is flushed when the host changes (v3 08/22); GUP of an attached region walks the host ' +
      'with its locks.',
    'Read locks are given while a writer waits: cycles that need one who waits are not seen.',
  ],
  bounds: '2 CPUs, 2 processes, 1 virtual machine, 1 object of 1 page, no hugetlb, 2 operations',
  cases: FORWARDS.flatMap(([rule, forwards, found]): QuestionCase[] =>
    REGION_RACES.map(({ race, setting, programs }, at) => ({
      rule,
      race,
      found: found[at],
      scenario: () => regionGuestRace({ ...FORWARDING, forwards }, setting, programs),
    })),
  ),
  drawn: FORWARDS[1]![0],
};

export const SECONDARY_QUESTIONS: readonly Question[] = [pageFreed, onMshare];
