/** What the races of high-granularity mapping are made of: one page of four, mapped in pieces. */
import { x86_64Like } from '../arch/index.ts';
import { MachineScenario, type Program } from '../check/index.ts';
import {
  type HgmOptions,
  hgm,
  isolateHugetlb,
  makeGranular,
  mapsFolio,
  memoryFailure,
  migrateHugetlb,
  putbackHugetlb,
} from '../designs/index.ts';
import {
  type Bugs,
  fallocate,
  fork,
  getFrame,
  hugetlbContinue,
  type Inode,
  lockShared,
  Machine,
  madvise,
  memfdCreate,
  mmap,
  mmapReadLock,
  mmapReadUnlock,
  newProcess,
  type Op,
  type OpenFile,
  putFrame,
  Rank,
  run,
  store,
  type Task,
  taskOn,
  UffdMode,
  type Userfaultfd,
  uffdioApi,
  uffdioRegister,
  unlockShared,
  userfaultfd,
  VM,
  type WorldSize,
} from '../mm/index.ts';
import { MFD } from '../uapi/files.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';
import { UFFD_API } from '../uapi/userfaultfd.ts';

/** Small pages of the huge one. */
export const PAGES = 4;
/** Where it is mapped. */
export const FIRST = 64;
const MAP_SHARED_FIXED = MAP.SHARED | MAP.FIXED;
const PUNCH_HOLE = 3;
const REFERENCES_MAX = 2 ** 31 - 1;

const SMALL_TABLES = x86_64Like('x86_64-small', [2, 2, 2, 9]);

/** What there is before the race. */
export interface Setting extends Partial<WorldSize> {
  /** Small pages that process 0 has mapped, in pieces; none for all of them, by one entry. */
  readonly filled?: readonly number[];
  /** Whether the page is there, and mapped by nobody. */
  readonly isUnmapped?: boolean;
  /** Whether process 1 maps the page, too, by one entry. */
  readonly isShared?: boolean;
  /** Whether another VMA of huge pages follows. */
  readonly isFollowed?: boolean;
  /** Whether a userfaultfd is told of minor faults of process 0. */
  readonly isWatched?: boolean;
  /** Whether the page has as many references as there can be. */
  readonly isFull?: boolean;
}

/** One program on each CPU. Process 0 has the page of a file mapped in pieces. */
export function granularRace(
  programs: readonly Program[],
  options: HgmOptions,
  {
    filled = [],
    isUnmapped = false,
    isShared = false,
    isFollowed = false,
    isWatched = false,
    isFull = false,
    ...size
  }: Setting = {},
  bugs: Bugs = {},
): MachineScenario {
  const machine = new Machine(
    {
      ...{ format: SMALL_TABLES, cpus: programs.length, mms: 2, tables: 12 },
      ...{ frames: 16, hugePages: 2, ...size },
    },
    bugs,
    [hgm(options)],
  );
  const tasks = [0, 1].map(() => run(newProcess(machine, 0))!) as [Task, Task];
  const file = memfdCreate(tasks[0], 1, MFD.HUGETLB) as OpenFile;
  const call = { prot: PROT_RW, flags: MAP_SHARED_FIXED, file, offset: 0 };
  const at = { address: FIRST * PAGE_BYTES, length: PAGES * PAGE_BYTES };
  if (!isShared) run(fallocate(tasks[1], file, 0, 0, at.length));
  for (const task of isShared ? [tasks[1], tasks[0]] : [tasks[0]])
    run(mmap(task, { ...call, ...at }));
  if (isShared) run(store(tasks[1], FIRST, 1));
  const vma = tasks[0].mm.vmas.at(FIRST)!;
  run(makeGranular(tasks[0], vma, FIRST, FIRST + PAGES));
  for (const page of filled)
    run(hugetlbContinue(tasks[0], vma, { start: FIRST + page, end: FIRST + page + 1 }));
  if (filled.length === 0 && !isUnmapped) run(store(tasks[0], FIRST, 1));
  if (isWatched) watch(tasks[0]);
  const head = file.mapped!.inode.pages.get(0);
  if (isFollowed) run(mmap(tasks[0], { ...call, ...at, address: at.address + at.length }));
  if (isFull) {
    machine.pins.set(head, REFERENCES_MAX - machine.frameReferences[head]!);
    machine.frameReferences[head] = REFERENCES_MAX;
  }
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

function watch(task: Task): void {
  const uffd = userfaultfd(task, 0) as Userfaultfd;
  uffdioApi(task, uffd, UFFD_API, 0);
  run(uffdioRegister(task, uffd, FIRST * PAGE_BYTES, PAGES * PAGE_BYTES, UffdMode.MINOR));
}

const inodeOf = ({ machine }: Pick<Task, 'machine'>): Inode => machine.inodes.all()[0]!;

/** UFFDIO_CONTINUE of a small page. */
export function* continueAt(task: Task, page: number): Op<number> {
  const { machine, cpu, mm } = task;
  yield* mmapReadLock(machine, cpu, mm.id);
  const vma = mm.vmas.at(page)!;
  const result = yield* hugetlbContinue(task, vma, { start: page, end: page + 1 });
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return result;
}

/** fork(2) of a mapping that is watched by userfaultfd-wp, so that its entries are copied. */
export function* wpFork(task: Task): Op<unknown> {
  task.mm.vmas.at(FIRST)!.flags |= VM.UFFD_WP;
  return yield* fork(task, task.cpu);
}

/** Of all that is mapped there. */
export const collapse = (task: Task): Op<number> =>
  madvise(task, FIRST * PAGE_BYTES, PAGES * PAGE_BYTES, MADV.COLLAPSE);

export function* punch(task: Task): Op<void> {
  const rights = { isReadable: true, isWritable: true, isExecutable: true };
  const file = { mapped: { inode: inodeOf(task) }, ...rights, pagesMax: 2 ** 32 };
  yield* fallocate(task, file, PUNCH_HOLE, 0, PAGES * PAGE_BYTES);
}

/** Somebody comes by the reverse map, and looks for the page. */
export function* lookByRmap(task: Task): Op<void> {
  const { machine, cpu } = task;
  const inode = inodeOf(task);
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.I_MMAP);
  for (const [vma, mm] of inode.mappings) {
    const head = inode.pages.get(0);
    yield* mapsFolio({ machine, cpu, mm }, vma, vma.start, head);
  }
  yield* unlockShared(machine, cpu, guard, Rank.I_MMAP);
}

/** Somebody is about to move the page, and does not. */
export function* isolate({ machine }: Task): Op<void> {
  const head = machine.inodes.all()[0]!.pages.get(0);
  yield* isolateHugetlb(machine, head);
  yield* putbackHugetlb(machine, head);
}

/** The page is moved, as compaction does. */
export function* move({ machine, cpu }: Task, options: HgmOptions): Op<void> {
  const head = machine.inodes.all()[0]!.pages.get(0);
  yield* getFrame(machine, head);
  machine.pins.set(head, 1);
  yield* migrateHugetlb(machine, cpu, head, options);
  machine.pins.delete(head);
  yield* putFrame(machine, cpu, head);
}

/** The memory of a small page fails. */
export function* fail(task: Task, page: number, options: HgmOptions): Op<void> {
  const head = inodeOf(task).pages.get(0);
  if (head >= 0) yield* memoryFailure(task.machine, task.cpu, head + page, options);
}

export const asProcess = ({ machine, cpu }: Task, mm: number): Task => taskOn(machine, cpu, mm);
