/** What was asked about mshare, and not answered. */
import {
  type Flush,
  MENDED,
  type MshareVariant,
  type Unlink,
  V2,
  V3,
} from '../../designs/index.ts';
import type { Property } from '../../mm/index.ts';
import {
  advisingDontneed,
  detaching,
  leaving,
  pinningIn,
  type RegionProgram,
  type RegionRace,
  regionRace,
  storingIn,
  unmappingObject,
} from '../small_region.ts';
import type { Question, QuestionCase } from './question.ts';

interface Race {
  readonly name: string;
  readonly setting: RegionRace;
  readonly programs: readonly RegionProgram[];
}

const LINKED: RegionRace = { guests: 1, linked: 1, flush: 'broadcast' };
const UNMAP_AGAINST: Readonly<Record<'store' | 'link' | 'detach' | 'exit', Race>> = {
  store: {
    name: 'a store of a linked guest against UNMAP',
    setting: LINKED,
    programs: [storingIn(0, 7), unmappingObject],
  },
  link: {
    name: 'the first store of a guest against UNMAP',
    setting: { ...LINKED, linked: 0 },
    programs: [storingIn(0, 7), unmappingObject],
  },
  detach: {
    name: 'munmap() of the region against UNMAP',
    setting: LINKED,
    programs: [detaching(), unmappingObject],
  },
  exit: {
    name: 'exit of the guest against UNMAP',
    setting: LINKED,
    programs: [leaving(), unmappingObject],
  },
};

/** Of a rule, in the order of the races: what is found in each. */
type Found = readonly (Property | undefined)[];

function cases(
  variants: readonly (readonly [string, MshareVariant, Found])[],
  races: readonly Race[],
): QuestionCase[] {
  return variants.flatMap(([rule, variant, found]) =>
    races.map(({ name: race, setting, programs }, at) => ({
      rule,
      race,
      found: found[at],
      scenario: () => regionRace(variant, setting, programs),
    })),
  );
}

const MEMORY = 'Memory is sequentially consistent.';
const GRACE =
  'Page tables are freed after a grace period, which does not end while a spinlock is held.';
const CACHES =
  'A CPU may hold any translation, and any way to a table, that it could have walked since it was ' +
  'last flushed.';
const BROADCAST =
  'TLBs are flushed by an instruction that reaches all CPUs (INVLPGB), but for option D, which is about ' +
  'interrupts.';

const FLUSHES = [
  ['A: every CPU', 'all'],
  ["the host's own mask", 'host-mask'],
  ["B: the host's mask, kept up to date", 'kept-mask'],
  ['C: each guest in i_mmap', 'guests'],
  ['C, under i_mmap_rwsem', 'guests-rwsem'],
  ['D: the CPUs of all guests in i_mmap at once', 'multi-cpu'],
] as const;
const UNLINKS = [
  ['with the tables (v2)', 'free-pgtables'],
  ['with the pages, count first (v3)', 'zap'],
  ['with the pages, entry first', 'zap-clear-first'],
  ['with the pages, entry and flush first', 'zap-flush-first'],
] as const;

/** What is found in a store, and in munmap(), against UNMAP. */
function foundWith(flush: Flush, unlink: Unlink): Found {
  if (flush === 'guests-rwsem') return ['P-LOCK', 'P-LOCK'];
  if (flush === 'host-mask') return ['P-UAF-PAGE', 'P-UAF-PAGE'];
  const leavesFirst = flush === 'guests' || flush === 'multi-cpu';
  if (leavesFirst) return [undefined, unlink === 'zap-flush-first' ? undefined : 'P-UAF-PAGE'];
  return [undefined, unlink === 'zap' ? 'P-UAF-PT' : undefined];
}

const flushAlternatives: Question = {
  id: 'mshare-flush',
  title: 'Which of the mshare flush alternatives are safe, with which unlink order?',
  answer: [
    'Flushing every CPU (A, what v3 does) and the mask of the host, kept up to date (B), are safe with ' +
      'every order of unlinking but the one that v3 was posted with: there the share count drops ' +
      'before the entry of the guest is cleared, and the table is freed while CPUs can still walk ' +
      'into it. No flush of the host can mend that; the two lines in the other order do.',
    'Asking i_mmap for the guests (C and D) is safe only if a guest flushes what it unlinks before its ' +
      'VMA leaves i_mmap: munmap() takes the VMA out first, and who unmaps an object then does not ' +
      'find the guest whose TLB has the page.',
    'C under i_mmap_rwsem cannot be built: it sleeps under page-table locks. The mask of the host as ' +
      'mm keeps it is empty, and flushes nobody.',
  ],
  asked:
    'Dave Hansen listed ways to flush those who map a region when its host changes ("About TLB ' +
    'flushing...", 2 October 2024). v3 took the first, and changed the order in which a guest gives its ' +
    'link up after a remark of Jann Horn (30 May 2025).',
  assumptions: [
    MEMORY,
    GRACE,
    CACHES,
    BROADCAST,
    'The PUD table has a share count (v3 12/22), with the unlink order of v2, too.',
    'i_mmap is guarded by a spinlock below all others, unless it says i_mmap_rwsem.',
  ],
  bounds: '2 CPUs, 2 processes, 1 guest, 1 object of 1 page, 2 operations',
  cases: FLUSHES.flatMap(([flushName, flush]) =>
    UNLINKS.flatMap(([unlinkName, unlink]) => {
      const variant = { ...MENDED, flush, unlink };
      const { store, detach } = UNMAP_AGAINST;
      const interrupt = { ...LINKED, flush: 'interrupt' } as const;
      const races =
        flush === 'multi-cpu'
          ? [store, detach].map((race) => ({ ...race, setting: interrupt }))
          : [store, detach];
      const found = foundWith(flush, unlink);
      return cases([[`${flushName}; unlinked ${unlinkName}`, variant, found]], races);
    }),
  ),
  drawn: `${FLUSHES[0][0]}; unlinked ${UNLINKS[1][0]}`,
};

const freedWhileLinked: Question = {
  id: 'mshare-pud-table',
  title: 'Is a PUD table freed while linked in any schedule of v2, of v3?',
  answer: [
    'Yes in both. In v2 nothing keeps the table: the last UNMAP of 512 GiB frees it, whatever guests do.',
    'In v3 the share count keeps it while guests use it, and fails when one leaves, by munmap() or by ' +
      'exit: the count drops, and the entry of the guest is cleared after that. An UNMAP in between ' +
      'sees 0. With the entry cleared first there is no such schedule.',
  ],
  asked:
    'v3 gave the PUD table of a region a share count, so that the host keeps it while guests are linked ' +
    '(v3 12/22, "share count against UAF"). Is that enough?',
  assumptions: [MEMORY, GRACE, CACHES, 'Every CPU is flushed when the host changes (v3 08/22).'],
  bounds: '2 CPUs, 2 processes, 1 guest, 1 object of 1 page, 2 operations',
  cases: cases(
    [
      ['v2', V2, ['P-UAF-PT', 'P-UAF-PT', 'P-UAF-PT', 'P-UAF-PT']],
      ['v3', V3, [undefined, undefined, 'P-UAF-PT', 'P-UAF-PT']],
      ['v3, the entry cleared before the count drops', { ...V3, unlink: 'zap-clear-first' }, []],
    ],
    Object.values(UNMAP_AGAINST),
  ),
  drawn: 'v3',
};

const walkers: Question = {
  id: 'mshare-walkers',
  title: 'Does a walk with the locks of a guest only reach a freed table?',
  answer: [
    'Yes. GUP holds the mmap lock of the guest, which keeps the tables of the guest; those of the region ' +
      'are the host’s, and UNMAP frees them under its locks. Both mends that were named are ' +
      'enough: walkers bail out of such VMAs, or take the locks of the host, too.',
  ],
  asked:
    'Jann Horn on v2 12/20 (30 May 2025): walks through the VMA of a guest hold locks of the guest, ' +
    'which keep nothing of the host; they must bail out, or take the locks of the host, too.',
  assumptions: [MEMORY, GRACE, CACHES],
  bounds: '2 CPUs, 2 processes, 1 guest, 1 object of 1 page, GUP (slow) against MSHAREFS_UNMAP',
  cases: cases(
    [
      ['locks of the guest (v3)', { ...MENDED, gup: 'guest-locks' }, ['P-UAF-PT']],
      ['bails out', MENDED, []],
      ['locks of the host, too', { ...MENDED, gup: 'host-locks' }, []],
    ],
    [
      {
        name: 'GUP of a page against UNMAP',
        setting: LINKED,
        programs: [pinningIn(0), unmappingObject],
      },
    ],
  ),
  drawn: 'locks of the guest (v3)',
};

const dontneed: Question = {
  id: 'mshare-dontneed',
  title: 'What does MADV_DONTNEED do on the VMA of a guest?',
  answer: [
    'Zapped as in any VMA it takes pages from the host’s tables, counts them as the guest’s, and flushes ' +
      'that guest only. With the hook of v2 nothing happens. With that of v3 the guest gives up its ' +
      'link, discards nothing, and runs into the order of unlinking (see mshare-pud-table); with the ' +
      'entry cleared first that is safe. Refusing it, as is planned, is safe, too.',
  ],
  asked:
    'Anthony Yznaga (9 September 2025): advice like MADV_DONTNEED works on shared tables without the ' +
    'locks of the host; the plan is to refuse it.',
  assumptions: [MEMORY, GRACE, CACHES],
  bounds: '2 CPUs, 3 processes, 2 guests, 1 object of 1 page, 2 operations',
  cases: cases(
    [
      [
        'zapped as in any VMA',
        { ...MENDED, advice: 'generic', dontneed: 'generic' },
        ['P-COUNT', 'P-COUNT'],
      ],
      ['v2: the hook does nothing', { ...V2, countsShares: true }, []],
      ['v3: the hook unlinks', V3, [undefined, 'P-UAF-PT']],
      ['the hook unlinks, the entry first', { ...MENDED, advice: 'generic' }, []],
      ['refused', MENDED, []],
    ],
    [
      {
        name: 'against a store of another guest',
        setting: { ...LINKED, guests: 2, linked: 2 },
        programs: [advisingDontneed(0), storingIn(1, 5)],
      },
      {
        name: 'against UNMAP',
        setting: { ...LINKED, guests: 1, linked: 1 },
        programs: [advisingDontneed(0), unmappingObject],
      },
    ],
  ),
  drawn: 'zapped as in any VMA',
};

export const MSHARE_QUESTIONS: readonly Question[] = [
  flushAlternatives,
  freedWhileLinked,
  walkers,
  dontneed,
];
