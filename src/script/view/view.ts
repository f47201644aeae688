/**
 * Address spaces as data, read from their tables: VMAs with what of them is in memory, and the tree
 * of page tables with how full each table is and who else uses it.
 */
import type * as engine from '../../mm/index.ts';
import type { Files } from '../files.ts';
import type { Engine } from '../machine.ts';
import { countUses, readTables, type TableView, Uses } from './tables.ts';
import { type VmaView, viewVmas } from './vmas.ts';

/** A process of a script. */
export interface Process {
  readonly pid: number;
  /** Who started it; 0 of the first. */
  readonly parent: number;
  task: engine.Task;
  readonly files: Files;
}

/** What there is to see of a process. */
export type Shown = Pick<Process, 'pid' | 'task'>;

/** Pages in memory. @source RssAnon, RssFile, RssShmem, VmSwap of /proc/PID/status */
export interface Resident {
  readonly anon: number;
  readonly file: number;
  readonly shmem: number;
  readonly swapped: number;
}

export interface AddressSpaceView {
  /** Whose it is: several after vfork(). */
  readonly pids: readonly number[];
  /** On which CPU each of them runs. */
  readonly cpus: readonly number[];
  readonly vmas: readonly VmaView[];
  readonly root: TableView;
  readonly resident: Resident;
  /** Tables but the root, those deposited included: VmPTE of /proc/PID/status over a page. */
  readonly tables: number;
}

export interface MachineView {
  /** The id of the format of its page tables. */
  readonly format: string;
  readonly addressSpaces: readonly AddressSpaceView[];
  /** The first property that was found violated. */
  readonly violation: engine.Property | undefined;
}

export function viewMachine(
  mm: Engine,
  machine: engine.Machine,
  processes: readonly Shown[],
  inodeNames: WeakMap<engine.Inode, string>,
): MachineView {
  const spaces = [...new Set(processes.map(({ task }) => task.mm))];
  const usersOf = (space: engine.Mm): readonly Shown[] =>
    processes.filter(({ task }) => task.mm === space);
  const reader = { mm, machine, uses: new Uses(machine.size.frames) };
  for (const space of spaces) {
    countUses(
      reader,
      space,
      usersOf(space).map(({ pid }) => pid),
    );
  }
  return {
    format: machine.format.id,
    addressSpaces: spaces.map((space) => {
      const users = usersOf(space);
      const root = readTables(reader, space);
      return {
        pids: users.map(({ pid }) => pid),
        cpus: users.map(({ task }) => task.cpu),
        vmas: viewVmas(mm, space, root, inodeNames),
        root,
        resident: residentOf(mm, space),
        tables: space.tables,
      };
    }),
    violation: mm.violationOf(machine),
  };
}

function residentOf({ Rss }: Engine, { rss }: engine.Mm): Resident {
  return {
    anon: rss[Rss.ANON]!,
    file: rss[Rss.FILE]!,
    shmem: rss[Rss.SHMEM]!,
    swapped: rss[Rss.SWAP]!,
  };
}
