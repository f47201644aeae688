/** What was asked about mshare, and not answered. */
import { MENDED, type MshareVariant, V2, V3 } from '../../designs/index.ts';
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

function cases(
  variants: readonly (readonly [string, MshareVariant])[],
  races: readonly Race[],
): QuestionCase[] {
  return variants.flatMap(([rule, variant]) =>
    races.map(({ name: race, setting, programs }) => ({
      rule,
      race,
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

const flushAlternatives: Question = {
  id: 'mshare-flush',
  title: 'Which of the mshare flush alternatives are safe, with which unlink order?',
  answer: [],
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
      return cases([[`${flushName}; unlinked ${unlinkName}`, variant]], races);
    }),
  ),
  drawn: `${FLUSHES[0][0]}; unlinked ${UNLINKS[1][0]}`,
};

const freedWhileLinked: Question = {
  id: 'mshare-pud-table',
  title: 'Is a PUD table freed while linked in any schedule of v2, of v3?',
  answer: [],
  asked:
    'v3 gave the PUD table of a region a share count, so that the host keeps it while guests are linked ' +
    '(v3 12/22, "share count against UAF"). Is that enough?',
  assumptions: [MEMORY, GRACE, CACHES, 'Every CPU is flushed when the host changes (v3 08/22).'],
  bounds: '2 CPUs, 2 processes, 1 guest, 1 object of 1 page, 2 operations',
  cases: cases(
    [
      ['v2', V2],
      ['v3', V3],
      ['v3, the entry cleared before the count drops', { ...V3, unlink: 'zap-clear-first' }],
    ],
    Object.values(UNMAP_AGAINST),
  ),
  drawn: 'v3',
};

const walkers: Question = {
  id: 'mshare-walkers',
  title: 'Does a walk with the locks of a guest only reach a freed table?',
  answer: [],
  asked:
    'Jann Horn on v2 12/20 (30 May 2025): walks through the VMA of a guest hold locks of the guest, ' +
    'which keep nothing of the host; they must bail out, or take the locks of the host, too.',
  assumptions: [MEMORY, GRACE, CACHES],
  bounds: '2 CPUs, 2 processes, 1 guest, 1 object of 1 page, GUP (slow) against MSHAREFS_UNMAP',
  cases: cases(
    [
      ['locks of the guest (v3)', { ...MENDED, gup: 'guest-locks' }],
      ['bails out', MENDED],
      ['locks of the host, too', { ...MENDED, gup: 'host-locks' }],
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
  answer: [],
  asked:
    'Anthony Yznaga (9 September 2025): advice like MADV_DONTNEED works on shared tables without the ' +
    'locks of the host; the plan is to refuse it.',
  assumptions: [MEMORY, GRACE, CACHES],
  bounds: '2 CPUs, 3 processes, 2 guests, 1 object of 1 page, 2 operations',
  cases: cases(
    [
      ['zapped as in any VMA', { ...MENDED, advice: 'generic', dontneed: 'generic' }],
      ['v2: the hook does nothing', { ...V2, countsShares: true }],
      ['v3: the hook unlinks', V3],
      ['the hook unlinks, the entry first', { ...MENDED, advice: 'generic' }],
      ['refused', MENDED],
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
