/** What the races of hugetlb are made of: a file of one GiB that two processes map, with one table. */
import { formatById } from '../arch/index.ts';
import { MachineScenario, type Program } from '../check/index.ts';
import {
  type Bugs,
  fallocate,
  fork,
  ftruncate,
  load,
  lock,
  Machine,
  madvise,
  memfdCreate,
  mmap,
  mprotect,
  munmap,
  newProcess,
  type Op,
  type OpenFile,
  Rank,
  run,
  store,
  type Task,
  taskOn,
  unlock,
  type WorldSize,
} from '../mm/index.ts';
import { MFD } from '../uapi/files.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';

/** Small pages of a huge one. */
export const HUGE = 512;
export const GIB = HUGE * HUGE;
/** The first huge page of the GiB, which both have mapped; the next one nobody has. */
export const FIRST = 8 * GIB;
export const SECOND = FIRST + HUGE;

const MAP_SHARED_FIXED_NORESERVE = MAP.SHARED | MAP.FIXED | MAP.NORESERVE;
const MAP_PRIVATE_FIXED_HUGETLB = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED | MAP.HUGETLB;
const PUNCH_HOLE = 3;

/** One program on each CPU. Processes 0 and 1 share the table of the GiB, or 0 has it alone. */
export function sharing(
  programs: readonly Program[],
  bugs: Bugs,
  isAlone = false,
  size: Partial<WorldSize> = {},
): MachineScenario {
  const machine = smallMachine(programs.length, bugs, size);
  const task = taskOn(machine, 0, 0);
  const file = memfdCreate(task, 1, MFD.HUGETLB) as OpenFile;
  const call = { prot: PROT_RW, flags: MAP_SHARED_FIXED_NORESERVE, file, offset: 0 };
  run(mmap(task, { ...call, address: FIRST * PAGE_BYTES, length: GIB * PAGE_BYTES }));
  run(store(task, FIRST, 1));
  if (!isAlone) run(load(run(fork(task, 0)) as Task, FIRST));
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

/** As `sharing()`, of the two GiB from `FIRST` on, each with its first page: two tables. */
export function sharingTwo(
  programs: readonly Program[],
  bugs: Bugs,
  prepare?: (task: Task) => void,
): MachineScenario {
  const machine = smallMachine(programs.length, bugs, { frames: 6 * HUGE, hugePages: 4 });
  const task = taskOn(machine, 0, 0);
  const file = memfdCreate(task, 1, MFD.HUGETLB) as OpenFile;
  const call = { prot: PROT_RW, flags: MAP_SHARED_FIXED_NORESERVE, file, offset: 0 };
  run(mmap(task, { ...call, address: FIRST * PAGE_BYTES, length: 2 * GIB * PAGE_BYTES }));
  for (const page of [FIRST, FIRST + GIB]) run(store(task, page, 1));
  const child = run(fork(task, 0)) as Task;
  for (const page of [FIRST, FIRST + GIB]) run(load(child, page));
  prepare?.(task);
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

/** Maps `pages` of a file of hugetlbfs that is as long, with `flags`. Nothing is touched. */
export function mapping(
  programs: readonly Program[],
  bugs: Bugs,
  pages: number,
  flags: number,
  prepare: (task: Task, file: OpenFile) => void,
  size: Partial<WorldSize> = {},
): MachineScenario {
  const shape = { frames: 6 * HUGE, hugePages: 4, ...size };
  const machine = smallMachine(programs.length, bugs, shape);
  const task = taskOn(machine, 0, 0);
  const file = memfdCreate(task, 1, MFD.HUGETLB) as OpenFile;
  const length = pages * PAGE_BYTES;
  run(ftruncate(task, file, length));
  run(mmap(task, { prot: PROT_RW, flags, file, offset: 0, address: FIRST * PAGE_BYTES, length }));
  prepare(task, file);
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

/** Of a program: the only file there is. */
export function onlyFile({ machine }: Task): OpenFile {
  const [inode] = machine.inodes.all();
  const rights = { isReadable: true, isWritable: true, isExecutable: true };
  return { mapped: { inode: inode! }, ...rights, pagesMax: 2 ** 32 };
}

/** One program on each CPU, in a process that has one private huge page, which is all there is. */
export function owning(programs: readonly Program[], bugs: Bugs): MachineScenario {
  const machine = smallMachine(programs.length, bugs, { hugePages: 1 });
  const task = taskOn(machine, 0, 0);
  const call = { prot: PROT_RW, flags: MAP_PRIVATE_FIXED_HUGETLB, file: undefined, offset: 0 };
  run(mmap(task, { ...call, address: FIRST * PAGE_BYTES, length: HUGE * PAGE_BYTES }));
  run(store(task, FIRST, 1));
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

function smallMachine(cpus: number, bugs: Bugs, size: Partial<WorldSize>): Machine {
  const format = formatById('x86_64-4level')!;
  const shape = { mms: 2, frames: 4 * HUGE, tables: 16, hugePages: 2 };
  const machine = new Machine({ format, ...shape, ...size, cpus }, bugs);
  run(newProcess(machine, 0));
  return machine;
}

/** The thread of `task` goes on in another process. */
export const asProcess = ({ machine, cpu }: Task, mm: number): Task => taskOn(machine, cpu, mm);

export const zap = (task: Task, page: number): Op<number> =>
  madvise(task, page * PAGE_BYTES, HUGE * PAGE_BYTES, MADV.DONTNEED);

export const advise = (task: Task, page: number, advice: number): Op<number> =>
  madvise(task, page * PAGE_BYTES, HUGE * PAGE_BYTES, advice);

export const unmap = (task: Task, start: number, pages: number): Op<number> =>
  munmap(task, start * PAGE_BYTES, pages * PAGE_BYTES);

/** Takes the right to write. */
export const protect = (task: Task, page: number): Op<number> =>
  mprotect(task, page * PAGE_BYTES, HUGE * PAGE_BYTES, 1);

/**
 * Two processes that map `pages` of a file, and have its first page: in one table, if that is a GiB.
 * A flush by interrupts would wait for lockless walkers, and hide what locks do not do.
 */
export function sharedRace(
  programs: readonly Program[],
  pages: number,
  bugs: Bugs = {},
  flags = MAP_SHARED_FIXED_NORESERVE,
): MachineScenario {
  const shape = { frames: 6 * HUGE, hugePages: 4, flush: 'broadcast' } as const;
  const machine = smallMachine(programs.length, bugs, shape);
  const task = taskOn(machine, 0, 0);
  const file = memfdCreate(task, 1, MFD.HUGETLB) as OpenFile;
  const call = { address: FIRST * PAGE_BYTES, length: pages * PAGE_BYTES, prot: PROT_RW, file };
  run(mmap(task, { ...call, flags, offset: 0 }));
  run(store(task, FIRST, 1));
  run(load(run(fork(task, 0)) as Task, FIRST));
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

/** All of the GiB. */
export const unmapAll = (task: Task): Op<number> => unmap(task, FIRST, GIB);

/** Frees the first huge page of the file, if only one process maps it still. */
export function* punchWhenAlone(task: Task): Op<void> {
  const { machine, cpu } = task;
  const [inode] = machine.inodes.all();
  const guard = machine.objects.iMmapLock(inode!.id);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  const count = inode!.mappings.size;
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  if (count > 1) return;
  yield* fallocate(task, onlyFile(task), PUNCH_HOLE, 0, HUGE * PAGE_BYTES);
}
