/** Is the anon_vma rule of 2006 sufficient, and what do Hugh Dickins's two cases do without it? */
import type { Program } from '../../check/index.ts';
import type { Mistakes } from '../../designs/index.ts';
import { MAP, PROT } from '../../uapi/mman.ts';
import { forcing, TEXT, TOGGLED } from '../shared_2006/private_pages.ts';
import {
  loading,
  type Mapping,
  PAGE,
  protecting,
  sharingRace,
} from '../shared_2006/sharing_race.ts';
import type { Question, QuestionCase } from './question.ts';

interface Rule {
  readonly name: string;
  readonly mistakes: Mistakes;
}

const NO_RULE: Rule = {
  name: 'none (as posted, May 2006)',
  mistakes: { ignoresAnonVma: true },
};
const AT_SHARING: Rule = {
  name: 'no sharing with an anon_vma (Dickins)',
  mistakes: { asksAnonVmaOnce: true },
};
const AND_LEAVING: Rule = {
  name: 'and the table is left before a private page',
  mistakes: {},
};

/** Shared memory of a file that may be written to, mapped for reading. */
const SHARED_READ_ONLY: readonly Mapping[] = [
  { mm: 0, prot: PROT.READ, touched: [PAGE] },
  { mm: 1, prot: PROT.READ, touched: [PAGE] },
];
const UNTOUCHED: readonly Mapping[] = [
  { mm: 0, flags: MAP.PRIVATE, prot: PROT.READ, touched: [PAGE] },
  { mm: 1, flags: MAP.PRIVATE, prot: PROT.READ },
];

interface Race {
  readonly name: string;
  readonly program: Program;
  readonly mappings: readonly Mapping[];
  /** The rules under which it goes wrong. */
  readonly wrongUnder: readonly Rule[];
}

const RACES: readonly Race[] = [
  {
    name: 'VM_WRITE goes: written private memory becomes read-only',
    program: protecting(0, PROT.READ),
    mappings: TOGGLED,
    wrongUnder: [NO_RULE],
  },
  {
    name: 'ptrace writes to text whose table is shared',
    program: forcing,
    mappings: TEXT,
    wrongUnder: [NO_RULE, AT_SHARING],
  },
  {
    name: 'ptrace writes to text while another begins to share it',
    program: forcing,
    mappings: UNTOUCHED,
    wrongUnder: [NO_RULE, AT_SHARING],
  },
  {
    name: 'ptrace writes to a VM_SHARED mapping without VM_WRITE',
    program: forcing,
    mappings: SHARED_READ_ONLY,
    wrongUnder: [],
  },
];

const cases: readonly QuestionCase[] = RACES.flatMap(({ name, program, mappings, wrongUnder }) =>
  [NO_RULE, AT_SHARING, AND_LEAVING].map((rule) => ({
    rule: rule.name,
    race: name,
    found: wrongUnder.includes(rule) ? ('P-COW' as const) : undefined,
    scenario: () => sharingRace([program, loading(1)], mappings, { mistakes: rule.mistakes }),
  })),
);

export const anonVma2006: Question = {
  id: 'anon-vma-2006',
  title: 'Is the 2006 anon_vma rule sufficient, and what do the two cases do without it?',
  asked:
    'Hugh Dickins and Dave McCracken, LKML, 24 January 2006: "VM_WRITE can come and go, and even a ' +
    'VM_SHARED vma may have anon pages in it (through Linus\' strange ptrace case)"; "I\'ll need to ' +
    'evaluate just what states a vma can be in, and make sure I catch it at all its transitions out ' +
    'of what should be shareable."',
  answer: [
    'No. The rule, that a VMA with an anon_vma neither shares tables nor offers its own, mends what ' +
      'VM_WRITE does, and does not mend what ptrace does.',
    'Without the rule both cases show private pages of one process to another. Memory that was ' +
      'written to, and then protected, passes for text: who maps the file in the same way is given ' +
      'the table with the private copy. And a write that is forced copies a page into a table that ' +
      'all who run the text have.',
    'With the rule a donor that has private pages is passed over. But it is asked when tables are ' +
      'about to be shared, and a forced write comes when they are: the anon_vma is new, the table is ' +
      'old. It also leaves a race where nothing is shared yet: the sharer has asked, the writer gets ' +
      'its anon_vma, the sharer links the table, the writer puts the page into it.',
    'It suffices together with one more step, the transition that McCracken asks for: who is about ' +
      'to map a private page in a VMA that could be shared until now gets the anon_vma first, then ' +
      'takes the lock under which tables are shared, and leaves a table that is. Whoever begins to ' +
      'share later sees the anon_vma; whoever began before has come to its end.',
    'The VM_SHARED case has gone: since a forced write to a mapping that is not private fails, there ' +
      'is nothing to be seen under any rule.',
  ],
  assumptions: [
    'the faults, locks and GUP of Linux 6.18, the sharing of May 2006 with all other corrections of its reviews',
    'each race is searched in all interleavings, with every translation that a TLB may still hold',
  ],
  bounds: '2 CPUs, 2 processes, PTE tables of four pages, one file, one page that is fought for',
  cases,
  drawn: AT_SHARING.name,
};
