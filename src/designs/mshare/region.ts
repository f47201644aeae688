/** Regions: a file of msharefs, and the address space behind it, which no task ever runs in. */
import type { PteFormat } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import { type Inode, newInode } from '../../mm/file/inode.ts';
import { Machine } from '../../mm/machine.ts';
import type { Task } from '../../mm/task.ts';
import { DEFAULT_LAYOUT, Mm } from '../../mm/vma/mm.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import type { Op } from '../../mm/world/op.ts';
import { allocTable } from '../../mm/world/table_page.ts';
import { NONE, type World } from '../../mm/world/world.ts';
import { ENOMEM } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { Mount } from './msharefs.ts';

/** The name by which files and the machine know the design, whichever variant it is. */
export const MSHARE = 'mshare';

/**
 * The level of the entries that guests share: of the P4D, which with four levels is the root. Each
 * spans 512 GiB, and a region starts and ends with one.
 */
export const LINK_LEVEL = 3;

/** How many pages regions are aligned to (P4D_SIZE). @source v3 02/22 mshare_align */
export function alignment(format: PteFormat): number {
  assert(format.levels > LINK_LEVEL, 'mshare needs tables of four levels');
  return format.entryPages[LINK_LEVEL]!;
}

/** A thread. */
export interface Owner {
  readonly mm: Mm;
  readonly thread: number;
}

/** @source v3 04/22 struct mshare_data */
export interface Region {
  /** The number of its inode. */
  readonly inode: number;
  /** The number of its address space (host mm), which has MMF_MSHARE. */
  readonly host: number;
  /** Guarded by the inode lock. */
  isSized: boolean;
  bytes: number;
  /** As long as it lives (MSHARE_HAS_OWNER). Object: `pages` of the inode. */
  owner: Owner | undefined;
  /** Who made it: memory cgroups of v3 are found by it, even after its end. */
  readonly maker: Owner;
}

interface MshareData {
  /** By the number of the inode, and by the number of the host. */
  readonly regions: Map<number, Region>;
  readonly hosts: Map<number, Region>;
  readonly mounts: Mount[];
  /** Regions that are to go when a call returns, for each CPU: its own data. */
  readonly dead: Region[][];
  /**
   * Of each CPU that tells guests of changes, its own data: whether it had locked another i_mmap when
   * it locked that of the region, the last time last.
   */
  readonly nested: boolean[][];
}

/** What the design keeps in a machine. */
export function dataOf(machine: Machine): MshareData {
  const known = machine.designData.get(MSHARE);
  if (known !== undefined) return known as MshareData;
  const dead = Array.from({ length: machine.size.cpus }, () => []);
  const data: MshareData = {
    regions: new Map(),
    hosts: new Map(),
    mounts: [],
    dead,
    nested: dead.map(() => []),
  };
  machine.designData.set(MSHARE, data);
  return data;
}

export function machineOf(world: World): Machine {
  assert(world instanceof Machine, 'a design runs in a machine');
  return world;
}

/** The region that a file is, if it is one. */
export const regionOfInode = (machine: Machine, inode: Inode): Region | undefined =>
  dataOf(machine).regions.get(inode.id);

/** The region that a guest VMA attaches. */
export function regionOf(machine: Machine, { file }: Vma): Region {
  const region = regionOfInode(machine, file!.inode);
  assert(region !== undefined, 'the VMA of a file of msharefs attaches a region');
  return region;
}

/** The region whose address space has the number `mm`, if there is one. */
export const regionOfHost = (machine: Machine, mm: number): Region | undefined =>
  dataOf(machine).hosts.get(mm);

export const hostOf = (machine: Machine, { host }: Region): Mm => machine.mms.get(host);

/** Where in the host a page of a guest VMA is. @source v3 13/22 find_shared_vma() */
export const hostPage = (machine: Machine, guest: Vma, page: number): number =>
  page - guest.start + alignment(machine.format);

/** The same thread, in the host. */
export function inHost(task: Task, region: Region): Task {
  return { machine: task.machine, cpu: task.cpu, mm: hostOf(task.machine, region) };
}

export const ownerOf = ({ mm, thread = 0 }: Task): Owner => ({ mm, thread });

/** How many pages it has. */
export const pagesOfRegion = ({ bytes }: Region): number => bytes / PAGE_BYTES;

/**
 * A new region with an address space of its own, which `task` owns. Its inode has the one reference
 * of its name.
 *
 * @returns ENOMEM if there is no memory, or no place for another address space
 * @source  v3 04/22 msharefs_fill_mm()
 * @omits   randomisation
 */
export function* newRegion(task: Task): Op<Region | typeof ENOMEM> {
  const { machine, cpu } = task;
  if (machine.mms.isFull || machine.inodes.isFull) return ENOMEM;
  const root = yield* allocTable(machine, cpu);
  if (root === NONE) return ENOMEM;
  const layout = { ...DEFAULT_LAYOUT, mmapBase: alignment(machine.format) };
  const host = machine.mms.add(cpu, (id) => new Mm(id, root, layout));
  const isForwarding = machine.designs.some(({ name, notifier }) => name === MSHARE && notifier);
  if (isForwarding) host.subscriptions.push({ design: MSHARE, id: host.id });
  machine.trace?.tableLink(host.id, root, NONE, 0, machine.format.levels - 1, 0);
  const inode = newInode(machine, cpu, { fileSystem: 'msharefs', design: MSHARE });
  const owner = ownerOf(task);
  const region = {
    inode: inode.id,
    host: host.id,
    isSized: false,
    bytes: 0,
    owner,
    maker: owner,
  };
  const { regions, hosts } = dataOf(machine);
  regions.set(inode.id, region);
  hosts.set(host.id, region);
  return region;
}
