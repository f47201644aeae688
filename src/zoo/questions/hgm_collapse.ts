/** Which locks keep the tables below a huge page in place while they are collapsed? */
import type { Program } from '../../check/index.ts';
import {
  HGM_MENDED,
  HGM_RFC_V1,
  HGM_RFC_V2,
  HGM_V1,
  HGM_V2,
  type HgmOptions,
} from '../../designs/index.ts';
import { type Property, store } from '../../mm/index.ts';
import {
  collapse,
  continueAt,
  FIRST,
  fail,
  granularRace,
  lookByRmap,
  punch,
} from '../hgm_machine.ts';
import type { Question, QuestionCase } from './question.ts';

const RULES: ReadonlyMap<HgmOptions, string> = new Map([
  [HGM_RFC_V1, 'i_mmap_rwsem (RFC v1)'],
  [HGM_RFC_V2, 'hugetlb_vma_lock (RFC v2)'],
  [HGM_V1, 'both (v1)'],
  [HGM_V2, 'mmap_lock and VMA lock (v2)'],
  [HGM_MENDED, 'all of them, and the fault mutex'],
]);

const collapsing: Program = { name: 'madvise(MADV_COLLAPSE)', run: collapse };

interface Race {
  readonly name: string;
  readonly program: (options: HgmOptions) => Program;
  readonly found: ReadonlyMap<HgmOptions, Property>;
}

const RACES: readonly Race[] = [
  {
    name: 'UFFDIO_CONTINUE of another piece',
    program: () => ({ name: 'ioctl(UFFDIO_CONTINUE)', run: (task) => continueAt(task, FIRST + 2) }),
    found: new Map(),
  },
  {
    name: 'a fault on another piece',
    program: () => ({ name: 'store', run: (task) => store(task, FIRST + 1, 7) }),
    found: new Map(),
  },
  {
    name: 'a walk of the reverse map',
    program: () => ({ name: 'page_vma_mapped_walk()', mm: 1, run: lookByRmap }),
    found: new Map([
      [HGM_RFC_V2, 'P-UAF-PT'],
      [HGM_V2, 'P-UAF-PT'],
    ]),
  },
  {
    name: 'a hole punch of the page',
    program: () => ({ name: 'fallocate(PUNCH_HOLE)', mm: 1, run: punch }),
    found: new Map([
      [HGM_RFC_V2, 'P-COUNT'],
      [HGM_V1, 'P-COUNT'],
      [HGM_V2, 'P-COUNT'],
    ]),
  },
  {
    name: 'its memory fails',
    program: (options) => ({
      ...{ name: 'memory_failure()', mm: 1 },
      run: (task) => fail(task, 3, options),
    }),
    found: new Map([[HGM_V2, 'P-UAF-PT']]),
  },
];

const cases: readonly QuestionCase[] = RACES.flatMap(({ name, program, found }) =>
  [...RULES].map(([options, rule]) => ({
    rule,
    race: name,
    found: found.get(options),
    scenario: () => granularRace([collapsing, program(options)], options, { filled: [0] }),
  })),
);

export const hgmCollapse: Question = {
  id: 'hgm-collapse',
  title: 'Which locks keep the tables below a huge page in place while they are collapsed?',
  asked:
    'James Houghton, LKML: "For splitting and collapsing HugeTLB PTEs, we require that the i_mmap_rw_sem ' +
    'is held for writing, and for doing high-granularity page table walks, we require it to be held for ' +
    'reading" (24 June 2022); "MADV_COLLAPSE has the same synchronization as huge_pmd_unshare" (5 January ' +
    '2023); "MADV_COLLAPSE for HugeTLB takes the mmap_lock for writing" (18 February 2023).',
  answer: [
    'A collapse frees the tables that lead to small pieces. Those who walk them come from three sides: ' +
      'through the address space, under its mmap_lock or the lock of a VMA, with hugetlb_vma_lock; from ' +
      'the file, by the reverse map, under i_mmap_rwsem; and from a page of the file, under its fault ' +
      'mutex and its folio lock.',
    'Each lock alone keeps out some of them. hugetlb_vma_lock (RFC v2) keeps faults out, and not a walk ' +
      'of the reverse map, which holds i_mmap_rwsem and no more. mmap_lock (v2) keeps faults out, too, ' +
      'where VMAs are write-locked with it, as faults of today need; but nobody who comes from the file ' +
      'takes it.',
    'With i_mmap_rwsem and hugetlb_vma_lock (v1) tables stay in place for all. What is left is the page ' +
      'that the collapse maps: it looks the page up in the file, and a hole punch that has unmapped it ' +
      'already takes it out of the file before it is mapped again. Tables stay when what they map is ' +
      'gone, so there is something to be collapsed. In RFC v1 there is not: whoever unmaps all of a page ' +
      'empties its entry. Elsewhere it takes the mutex of the page, as a fault does.',
  ],
  assumptions: [
    'faults, locks and the reverse map of Linux 6.18: a fault may hold the lock of its VMA and no mmap_lock',
    'memory failure divides what is mapped, as in the series of April 2023 that went on with this one',
    'each race is searched in all interleavings, with every translation that a TLB may still hold',
  ],
  bounds: '2 CPUs, 2 processes, a huge page of four small ones, one of which is mapped',
  cases,
  drawn: RULES.get(HGM_V2)!,
};
