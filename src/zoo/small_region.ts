/** What the machines of races about mshare are made of: a region with one page in it, and guests. */
import { formatById } from '../arch/index.ts';
import { MachineScenario, type Program } from '../check/index.ts';
import {
  alignment,
  type Design,
  encodeCreate,
  encodeUnmap,
  ioctl,
  MSHAREFS,
  type MshareVariant,
  mshare,
  msharefs,
} from '../designs/index.ts';
import {
  exit,
  FOLL,
  ftruncate,
  getUserPageSlow,
  load,
  Machine,
  madvise,
  mmap,
  munmap,
  newProcess,
  type OpenFile,
  run,
  store,
  type Task,
  unpin,
} from '../mm/index.ts';
import { O } from '../uapi/files.ts';
import { MADV, MAP, PAGE_BYTES, PROT_RW } from '../uapi/mman.ts';

const MAP_SHARED_FIXED_ANONYMOUS = MAP.SHARED | MAP.ANONYMOUS | MAP.FIXED;
const NO_FILES = { files: () => undefined };

/** A process that has attached the region. */
interface Guest {
  readonly mm: number;
  /** The first page of the region there. */
  readonly page: number;
}

/** What programs of a race work on. */
interface Setting {
  readonly variant: MshareVariant;
  readonly file: OpenFile;
  readonly guests: readonly Guest[];
  /** Who has made the region, and has not attached it. */
  readonly owner: number;
}

/** A program, once it is known what it works on. */
export type RegionProgram = (setting: Setting) => Program;

export interface RegionRace {
  /** Guests that have attached the region. */
  readonly guests: number;
  /** Of them, how many have touched its page, so that they are linked. It is there in any case. */
  readonly linked: number;
  readonly flush?: 'interrupt' | 'broadcast';
  /** Besides mshare. */
  readonly designs?: readonly Design[];
  readonly virtualMachines?: number;
}

/** One program on each CPU of a machine with a region of 512 GiB, one page of which is mapped. */
export function regionRace(
  variant: MshareVariant,
  { guests: count, linked, flush = 'interrupt', designs = [], virtualMachines = 0 }: RegionRace,
  programs: readonly RegionProgram[],
  prepare?: (tasks: readonly Task[], guests: readonly Guest[]) => void,
): MachineScenario {
  const machine = new Machine(
    {
      format: formatById('x86_64-4level')!,
      cpus: programs.length,
      mms: count + 2,
      frames: 8,
      tables: 8 + count,
      vmas: 8,
      anonVmas: 2,
      inodes: 4,
      gather: 4,
      flush,
      guests: virtualMachines,
    },
    {},
    [mshare(variant), ...designs],
  );
  const owner = newTask(machine);
  const file = newRegionFile(variant, owner);
  const tasks = Array.from({ length: count }, () => newTask(machine));
  const guests = tasks.map((task) => ({ mm: task.mm.id, page: attach(task, file) }));
  for (const [at, { page }] of guests.entries()) {
    if (at < Math.max(linked, 1)) run(store(tasks[at]!, page, 1));
    if (at >= linked) detachAndAttach(tasks[at]!, file, page);
  }
  prepare?.(tasks, guests);
  // Whoever has prepared it has left: no CPU holds a translation of before.
  machine.mmCpus.fill(0);
  const setting = { variant, file, guests, owner: owner.mm.id };
  return new MachineScenario(
    machine,
    programs.map((program) => program(setting)),
  );
}

function newTask(machine: Machine): Task {
  return run(newProcess(machine, 0))!;
}

/** A region of the least size, with shared anonymous memory in its first page. */
function newRegionFile(variant: MshareVariant, owner: Task): OpenFile {
  const mount = msharefs.mountMsharefs(owner);
  const file = run(msharefs.open(owner, mount, 'region', O.RDWR | O.CREAT)) as OpenFile;
  run(ftruncate(owner, file, bytesOf(owner)));
  run(ioctl(variant, owner, file, MSHAREFS.CREATE_MAPPING, FIRST_PAGE, NO_FILES));
  return file;
}

const FIRST_PAGE = encodeCreate({
  regionOffset: 0,
  size: PAGE_BYTES,
  offset: 0,
  prot: PROT_RW,
  flags: MAP_SHARED_FIXED_ANONYMOUS,
  fd: -1,
});

const bytesOf = ({ machine }: Task): number => alignment(machine.format) * PAGE_BYTES;

/** @returns the first page */
function attach(task: Task, file: OpenFile): number {
  const call = { address: 0, prot: PROT_RW, flags: MAP.SHARED, file, offset: 0 };
  return run(mmap(task, { ...call, length: bytesOf(task) })) / PAGE_BYTES;
}

/** Drops the link, if there is one. */
function detachAndAttach(task: Task, file: OpenFile, page: number): void {
  run(munmap(task, page * PAGE_BYTES, bytesOf(task)));
  attach(task, file);
}

/** The guest number `which` unmaps the region. */
export const detaching =
  (which = 0): RegionProgram =>
  ({ guests }) => ({
    name: `munmap of the region in guest ${which}`,
    mm: guests[which]!.mm,
    run: (task) => munmap(task, guests[which]!.page * PAGE_BYTES, bytesOf(task)),
  });

export const leaving =
  (which = 0): RegionProgram =>
  ({ guests }) => ({ name: `exit of guest ${which}`, mm: guests[which]!.mm, run: exit });

/** Who made the region takes the page out of it. */
export const unmappingObject: RegionProgram = ({ variant, file, owner }) => ({
  name: 'MSHAREFS_UNMAP',
  mm: owner,
  run: (task) =>
    ioctl(
      variant,
      task,
      file,
      MSHAREFS.UNMAP,
      encodeUnmap({ regionOffset: 0, size: PAGE_BYTES }),
      NO_FILES,
    ),
});

export const storingIn =
  (which: number, value: number): RegionProgram =>
  ({ guests }) => ({
    name: `store ${value} in guest ${which}`,
    mm: guests[which]!.mm,
    run: (task) => store(task, guests[which]!.page, value),
  });

export const loadingIn =
  (which: number): RegionProgram =>
  ({ guests }) => ({
    name: `load in guest ${which}`,
    mm: guests[which]!.mm,
    run: (task) => load(task, guests[which]!.page),
  });

/** GUP of the page without GUP-fast, and back. */
export const pinningIn =
  (which: number): RegionProgram =>
  ({ guests }) => ({
    name: `GUP in guest ${which}`,
    mm: guests[which]!.mm,
    *run(task) {
      const frame = yield* getUserPageSlow(task, guests[which]!.page, FOLL.GET | FOLL.WRITE);
      if (frame >= 0) yield* unpin(task, frame);
    },
  });

export const advisingDontneed =
  (which: number): RegionProgram =>
  ({ guests }) => ({
    name: `MADV_DONTNEED in guest ${which}`,
    mm: guests[which]!.mm,
    run: (task) => madvise(task, guests[which]!.page * PAGE_BYTES, PAGE_BYTES, MADV.DONTNEED),
  });
