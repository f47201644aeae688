/** Races of processes that share tables as of 2006: two of them, a file, tables of four pages. */
import { x86_64Like } from '../../arch/index.ts';
import { MachineScenario, type Program } from '../../check/index.ts';
import { type Mistakes, REVIEWED, shared2006 } from '../../designs/index.ts';
import {
  type Bugs,
  ftruncate,
  load,
  Machine,
  madvise,
  memfdCreate,
  mmap,
  mprotect,
  newProcess,
  type OpenFile,
  run,
  store,
  type Task,
  taskOn,
  type WorldSize,
} from '../../mm/index.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../../uapi/mman.ts';

/** Pages that one PTE table maps. */
export const TABLE = 4;
/** The page that is fought for, the first of its table. */
export const PAGE = 64;

const SMALL_TABLES = x86_64Like('x86_64-small', [2, 2, 2, 9]);

/** What a process maps of the file, from the page `pgoff` on, and which pages it has touched. */
export interface Mapping {
  readonly mm: number;
  readonly start?: number;
  readonly pages?: number;
  readonly pgoff?: number;
  readonly prot?: number;
  readonly flags?: number;
  readonly touched?: readonly number[];
  readonly written?: readonly number[];
}

/** What is wrong, if anything: with the design, or with the engine. */
export interface Wrong {
  readonly mistakes?: Mistakes;
  readonly bugs?: Bugs;
}

/** One program on each CPU. `prepare` may do more before the race, in the first process. */
export function sharingRace(
  programs: readonly Program[],
  mappings: readonly Mapping[],
  { mistakes = {}, bugs = {} }: Wrong,
  size: Partial<WorldSize> = {},
  prepare?: (machine: Machine) => void,
): MachineScenario {
  const mms = 1 + Math.max(...mappings.map(({ mm }) => mm));
  const design = shared2006({ ...REVIEWED, highest: 0, mistakes });
  const machine = new Machine(
    { format: SMALL_TABLES, cpus: programs.length, mms, tables: 5 * mms, frames: 12, ...size },
    bugs,
    [design],
  );
  for (let mm = 0; mm < mms; mm++) run(newProcess(machine, 0));
  const file = memfdCreate(taskOn(machine, 0, 0), 0, 0) as OpenFile;
  run(ftruncate(taskOn(machine, 0, 0), file, TABLE * PAGE_BYTES));
  for (const mapping of mappings) mapFile(taskOn(machine, 0, mapping.mm), file, mapping);
  prepare?.(machine);
  machine.mmCpus.fill(0);
  return new MachineScenario(machine, programs);
}

function mapFile(task: Task, file: OpenFile, mapping: Mapping): void {
  const { start = PAGE, pages = TABLE, pgoff = 0 } = mapping;
  const { prot = PROT_RW, flags = MAP.SHARED } = mapping;
  const call = {
    address: start * PAGE_BYTES,
    length: pages * PAGE_BYTES,
    prot,
    flags: flags | MAP.FIXED,
    file,
    offset: pgoff * PAGE_BYTES,
  };
  run(mmap(task, call));
  for (const page of mapping.touched ?? []) run(load(task, page));
  for (const page of mapping.written ?? []) run(store(task, page, 1));
}

/** Calls, for the programs of races. */
export const protecting = (mm: number, prot: number, pages = TABLE): Program => ({
  name: 'mprotect',
  mm,
  run: (task) => mprotect(task, PAGE * PAGE_BYTES, pages * PAGE_BYTES, prot),
});
export const advising = (mm: number, advice: number, name: string, pages = 1): Program => ({
  name,
  mm,
  run: (task) => madvise(task, PAGE * PAGE_BYTES, pages * PAGE_BYTES, advice),
});
/** Takes all pages of the table out of one process. */
export const discarding = (mm: number): Program =>
  advising(mm, MADV.DONTNEED, 'madvise(MADV_DONTNEED)', TABLE);
export const loading = (mm: number, page = PAGE): Program => ({
  name: 'load',
  mm,
  run: (task) => load(task, page),
});
export const storing = (mm: number, page = PAGE): Program => ({
  name: 'store',
  mm,
  run: (task) => store(task, page, 7),
});
