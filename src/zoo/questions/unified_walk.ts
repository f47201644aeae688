/** Does unifying the walkers change what is protected? */
import type { Program } from '../../check/index.ts';
import {
  ftruncate,
  isMappedAt,
  leafOps,
  type MmWalk,
  mappedFrameAt,
  mmap,
  mmapReadLock,
  mmapReadUnlock,
  type Op,
  reading,
  store,
  type Task,
  violate,
  WalkForm,
  walkPageRange,
} from '../../mm/index.ts';
import { PAGE_BYTES, PROT_RW } from '../../uapi/mman.ts';
import {
  asProcess,
  FIRST,
  GIB,
  HUGE,
  onlyFile,
  sharedRace,
  unmap,
  zap,
} from '../hugetlb_machine.ts';
import type { Question, QuestionCase } from './question.ts';

const PRIVATE_HUGETLB = 0x40032;

const OPS = leafOps(look);

/** Of a mapping of a file, what is mapped can only be a page of the file. */
function* look({ task: { machine } }: MmWalk<undefined>, slot: number, level: number): Op<void> {
  yield reading(machine.objects.entry(slot));
  if (!isMappedAt(machine, slot, level)) return;
  const isOfFile = machine.frameMapping[mappedFrameAt(machine, slot, level)]! > 0;
  if (!isOfFile) violate(machine, 'P-UAF-PT');
}

/** A read of smaps, of the first huge page. */
const walking = (form: WalkForm): Program => ({
  name: `${form} walk`,
  *run(task) {
    const { machine, cpu, mm } = task;
    yield* mmapReadLock(machine, cpu, mm.id);
    yield* walkPageRange(task, FIRST, FIRST + HUGE, OPS, undefined, form);
    yield* mmapReadUnlock(machine, cpu, mm.id);
  },
});

/** Process 1 gives its part of the table up, and uses what it has then for memory of its own. */
function* reuse(task: Task): Op<void> {
  const other = asProcess(task, 1);
  yield* unmap(other, FIRST, HUGE);
  const call = { address: FIRST * PAGE_BYTES, length: HUGE * PAGE_BYTES, prot: PROT_RW };
  yield* mmap(other, { ...call, flags: PRIVATE_HUGETLB, file: undefined, offset: 0 });
  yield* store(other, FIRST, 9);
}

interface Race {
  readonly name: string;
  readonly program: Program;
  /** Whether it takes tables of process 0 away beside its mmap lock for reading. */
  readonly isBeside: boolean;
}

const RACES: readonly Race[] = [
  {
    name: 'madvise(DONTNEED) unshares',
    isBeside: true,
    program: {
      name: 'madvise in process 0; munmap, mmap, store in process 1',
      *run(task) {
        yield* zap(task, FIRST);
        yield* reuse(task);
      },
    },
  },
  {
    name: 'munmap() unshares',
    isBeside: false,
    program: {
      name: 'munmap in process 0; munmap, mmap, store in process 1',
      *run(task) {
        yield* unmap(task, FIRST, HUGE);
        yield* reuse(task);
      },
    },
  },
  {
    name: 'ftruncate() by another unshares',
    isBeside: true,
    program: {
      name: 'ftruncate, munmap, mmap, store in process 1',
      *run(task) {
        const other = asProcess(task, 1);
        yield* ftruncate(other, onlyFile(other), 0);
        yield* reuse(task);
      },
    },
  },
];

interface Rule {
  readonly name: string;
  readonly form: WalkForm;
  readonly isLocked: boolean;
  /** Of the mapping: a GiB, of which the table is shared, or less. */
  readonly pages: number;
}

const { LEGACY, UNIFIED } = WalkForm;
const UNLOCKED = 'unified, begin() and end() do nothing';
const RULES: readonly Rule[] = [
  { name: 'hugetlb_entry (6.18)', form: LEGACY, isLocked: true, pages: GIB },
  { name: 'unified, between begin() and end()', form: UNIFIED, isLocked: true, pages: GIB },
  { name: UNLOCKED, form: UNIFIED, isLocked: false, pages: GIB },
  { name: `${UNLOCKED}, no table is shared`, form: UNIFIED, isLocked: false, pages: 2 * HUGE },
];

const cases: readonly QuestionCase[] = RULES.flatMap(({ name: rule, form, isLocked, pages }) =>
  RACES.map(({ name: race, program, isBeside }) => ({
    rule,
    race,
    found: isBeside && !isLocked && pages === GIB ? ('P-UAF-PT' as const) : undefined,
    scenario: () =>
      sharedRace([walking(form), program], pages, { walkUnifiedWithoutLock: !isLocked }),
  })),
);

export const unifiedWalk: Question = {
  id: 'unified-walk',
  title: 'Does unifying the walkers change what is protected?',
  asked:
    'Matthew Wilcox, LKML, 6 June 2024: "One of the things we discussed at LSFMM was unifying the ' +
    'hugetlb and THP page table walkers. [...] The reason we have a separate hugetlb_entry from ' +
    'pmd_entry and pud_entry is that it has a different locking context. It is called with the ' +
    'hugetlb_vma_lock held for read [...]. Why do we need this? Because of page table sharing." And, ' +
    'of hugetlb pages in VMAs without VM_HUGETLB: "the page tables would not be permitted to be ' +
    'shared with other users of that hugetlbfs file."',
  answer: [
    'Not as long as vma_pgtable_walk_begin() and end() stand around each VMA: they take the same lock ' +
      'that hugetlb_entry is called under, and every race is as safe as before.',
    'Without them the unified walk is not safe where tables are shared: MADV_DONTNEED, under the mmap ' +
      'lock for reading, and ftruncate() by another process, under no mmap lock at all that the walk ' +
      'knows of, unshare the table under it; the walk then reads private pages of another process. ' +
      'munmap() is kept out by the mmap lock.',
    'Where no table is shared, as proposed for hugetlb pages in VMAs without VM_HUGETLB, nothing but ' +
      'munmap() and exit take tables away, and the walk is safe without the lock: then hugetlb has no ' +
      'locking context of its own, and begin() and end() can go.',
  ],
  assumptions: [
    'Memory is sequentially consistent.',
    'The walk looks at entries under their page-table lock, and allocates nothing.',
    'A mapping that is smaller than a GiB stands for those whose tables are never shared.',
    'Flushes are broadcast: nobody waits for lockless walkers by accident.',
  ],
  bounds: '2 CPUs, 2 processes, 1 huge page of 2 MiB, a walk against 4 calls of the other CPU',
  cases,
  drawn: UNLOCKED,
};
