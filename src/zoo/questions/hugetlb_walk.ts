/** Does `vma_pgtable_walk_begin/end` need its lock when no table can be shared? */
import type { Program } from '../../check/index.ts';
import {
  isMappedAt,
  lock,
  lockOf,
  mappedFrameAt,
  mmap,
  mmapReadLock,
  mmapReadUnlock,
  NONE,
  type Op,
  Rank,
  reading,
  store,
  type Task,
  unlock,
  VM,
  violate,
  vmaLockRead,
  vmaUnlockRead,
  walk,
} from '../../mm/index.ts';
import { MAP, PAGE_BYTES, PROT_RW } from '../../uapi/mman.ts';
import { asProcess, FIRST, GIB, HUGE, sharedRace, unmap, zap } from '../hugetlb_machine.ts';
import type { Question, QuestionCase } from './question.ts';

const MAP_SHARED_FIXED_NORESERVE = MAP.SHARED | MAP.FIXED | MAP.NORESERVE;
const MAP_PRIVATE_FIXED = MAP.PRIVATE | MAP.FIXED;
const PRIVATE_HUGETLB = 0x40032;

/** A mapping of the file: whether it is shared, and how many pages it has. */
interface Mapping {
  readonly name: string;
  readonly flags: number;
  readonly pages: number;
  /** Whether a table of it can be that of others, too. */
  readonly canShare: boolean;
}

const MAPPINGS: readonly Mapping[] = [
  {
    name: 'shared, a GiB: its table is shared',
    flags: MAP_SHARED_FIXED_NORESERVE,
    pages: GIB,
    canShare: true,
  },
  {
    name: 'shared, less than a GiB: no table is shared',
    flags: MAP_SHARED_FIXED_NORESERVE,
    pages: 2 * HUGE,
    canShare: false,
  },
  { name: 'private', flags: MAP_PRIVATE_FIXED, pages: 2 * HUGE, canShare: false },
];

/** A walk under the mmap lock, as of GUP or smaps: from the top to the entry, then its lock. */
const walking = (isKept: boolean): Program => ({
  name: isKept ? 'walk between begin and end' : 'walk',
  *run(task) {
    const { machine, cpu, mm } = task;
    yield* mmapReadLock(machine, cpu, mm.id);
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.at(FIRST);
    if (vma !== undefined) {
      if (isKept) yield* vmaLockRead(task, vma);
      yield* lookAt(task, (vma.flags & VM.SHARED) !== 0);
      if (isKept) yield* vmaUnlockRead(task, vma);
    }
    yield* mmapReadUnlock(machine, cpu, mm.id);
  },
});

/** Of a shared mapping, what is mapped there can only be a page of the file. */
function* lookAt({ machine, cpu, mm }: Task, isShared: boolean): Op<void> {
  const slot = yield* walk(machine, mm, FIRST, 1);
  if (slot === NONE) return;
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  if (isMappedAt(machine, slot, 1)) {
    const isOfFile = machine.frameMapping[mappedFrameAt(machine, slot, 1)]! > 0;
    if (isShared && !isOfFile) violate(machine, 'P-UAF-PT');
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}

/** Gives the page up, and with it a shared table, which the other process uses for its own then. */
const givingUp: Program = {
  name: 'madvise in process 0; munmap, mmap, store in process 1',
  *run(task) {
    yield* zap(task, FIRST);
    const other = asProcess(task, 1);
    yield* unmap(other, FIRST, HUGE);
    const call = { address: FIRST * PAGE_BYTES, length: HUGE * PAGE_BYTES, prot: PROT_RW };
    yield* mmap(other, { ...call, flags: PRIVATE_HUGETLB, file: undefined, offset: 0 });
    yield* store(other, FIRST, 9);
  },
};

const cases: readonly QuestionCase[] = [false, true].flatMap((isKept) =>
  MAPPINGS.map((mapping) => ({
    rule: isKept ? 'with the lock of the VMA' : 'without it',
    race: mapping.name,
    found: mapping.canShare && !isKept ? ('P-UAF-PT' as const) : undefined,
    scenario: () => sharedRace([walking(isKept), givingUp], mapping.pages, {}, mapping.flags),
  })),
);

export const hugetlbWalk: Question = {
  id: 'hugetlb-walk-lock',
  title: 'Does vma_pgtable_walk_begin/end need its lock when no table can be shared?',
  asked:
    'Aneesh Kumar K.V and Peter Xu, LKML, 24 November 2023, on "[PATCH RFC 04/12] mm: Introduce ' +
    'vma_pgtable_walk_{begin|end}()": "That is required only if we support pmd sharing?" "Correct. ' +
    "[...] I think it means we'll also take that lock if private lock is allocated, but I'm not " +
    'really sure whether that\'s necessary for all pgtable walks".',
  answer: [
    'No. Where a table can be shared, a walk that holds the mmap lock only can go on in a table that ' +
      'its process has given up, and in which the other process has private pages of its own by then: ' +
      'MADV_DONTNEED gives it up under the mmap lock for reading. The lock of the VMA keeps that out.',
    'Where none can be shared, because the VMA is private or smaller than what one table maps, the walk ' +
      'is safe without it: nothing but munmap() and exit take a table away then, and the mmap lock ' +
      'keeps these out. The lock of a private VMA, which came with bf4916922c60, keeps faults and ' +
      'MADV_DONTNEED apart, and walks that allocate nothing do not need it.',
  ],
  assumptions: [
    'Memory is sequentially consistent.',
    'The walk reads tables and one entry under its lock, and allocates nothing; a fault is none.',
    'Sharing is off for a VMA that is smaller than a GiB, as it is with CONFIG_HUGETLB_PMD_PAGE_TABLE_SHARING unset for all.',
    'Flushes are broadcast: nobody waits for lockless walkers by accident.',
  ],
  bounds: '2 CPUs, 2 processes, 1 huge page of 2 MiB, a walk against 4 calls of the other CPU',
  cases,
  drawn: 'without it',
};
