/** What the machines of the zoo are made of: one small process, a few pages. */
import { formatById } from '../arch/index.ts';
import { MachineScenario, type Program } from '../check/index.ts';
import type { Design } from '../designs/index.ts';
import {
  Access,
  type Bugs,
  handleUserFault,
  loadNofault,
  Machine,
  madvise,
  mmap,
  munmap,
  newProcess,
  type Op,
  readingContent,
  run,
  store,
  storeNofault,
  type Task,
  taskOn,
  violate,
  type WorldSize,
  writingContent,
} from '../mm/index.ts';
import { MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';

/** Pages that one table of level 0 maps. */
export const TABLE_PAGES = 512;
/** The page that is fought for, the first of its table. */
export const PAGE = 5 * TABLE_PAGES;
/** A format whose tables of level 0 have few entries: where all of one matters, it is soon seen. */
export const SMALL_TABLES = { format: formatById('ppc64-radix-64k')! };
export const SMALL_TABLE_PAGES = 32;

const MAP_PRIVATE_FIXED = MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED;
const MAP_SHARED_FIXED = MAP.SHARED | MAP.ANONYMOUS | MAP.FIXED;

/** What there is before the race. */
export interface Setting extends Partial<WorldSize> {
  /** Private memory, as `[start, end)` in pages. */
  readonly mapped: readonly (readonly [number, number])[];
  /** Shared anonymous memory. */
  readonly shared?: readonly (readonly [number, number])[];
  /** Pages that are written to before: page `p` then holds 1. */
  readonly touched: readonly number[];
  readonly designs?: readonly Design[];
}

/** One program on each CPU, in one process. `prepare` may do more in it before the race. */
export function race(
  programs: readonly Program[],
  { mapped, shared = [], touched, designs = [], ...size }: Setting,
  bugs: Bugs,
  prepare?: (task: Task) => void,
): MachineScenario {
  const format = formatById('x86_64-4level')!;
  const machine = new Machine({ format, ...size, cpus: programs.length }, bugs, designs);
  run(newProcess(machine, 0));
  const task = taskOn(machine, 0, 0);
  for (const [start, end] of mapped) run(mapAt(task, start, end, MAP_PRIVATE_FIXED));
  for (const [start, end] of shared) run(mapAt(task, start, end, MAP_SHARED_FIXED));
  for (const page of touched) {
    run(handleUserFault(task, page, Access.WRITE));
    run(store(task, page, 1));
  }
  prepare?.(task);
  // Whoever has prepared it has left: no CPU holds a translation of before.
  machine.mmCpus.forEach((cpus, at) => {
    machine.mmCpus[at] = cpus & -(2 ** programs.length);
  });
  return new MachineScenario(machine, programs);
}

function mapAt(task: Task, start: number, end: number, flags: number): Op<number> {
  return mmap(task, {
    address: start * PAGE_BYTES,
    length: (end - start) * PAGE_BYTES,
    prot: PROT_RW,
    flags,
    file: undefined,
    offset: 0,
  });
}

/** Calls on pages, for the programs of races. */
export const unmapping = (start: number, end = start + 1): Program => ({
  name: 'munmap',
  run: (task) => munmap(task, start * PAGE_BYTES, (end - start) * PAGE_BYTES),
});
export const advising = (start: number, end: number, advice: number, name: string): Program => ({
  name,
  run: (task) => madvise(task, start * PAGE_BYTES, (end - start) * PAGE_BYTES, advice),
});
export const storing = (page: number, value: number): Program => ({
  name: `store ${value}`,
  run: (task) => store(task, page, value),
});
/** Writes where 1 was: the other store may have come later; what was there before has not. */
export const WRITING_AND_READING: Program = {
  name: 'copy_to_user_nofault(), copy_from_user_nofault()',
  *run(task) {
    const isWritten = yield* storeNofault(task, PAGE, 9);
    const value = isWritten ? yield* loadNofault(task, PAGE) : undefined;
    if (value === 1) violate(task.machine, 'P-DATA');
  },
};

/** A device, or the kernel, reads a frame that it holds. */
export function* readFrame(machine: Machine, frame: number): Op<number> {
  yield readingContent(machine.objects.frame(frame));
  return machine.frameData[frame]!;
}

/** A device, or the kernel, writes to a frame that it holds. */
export function* writeFrame(machine: Machine, frame: number, value: number): Op<void> {
  yield writingContent(machine.objects.frame(frame));
  machine.frameData[frame] = value;
}
