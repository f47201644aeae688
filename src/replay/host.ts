/** The simulated machine of a replay: the engine, files by their paths, segments by their numbers. */
import { formatById } from '../arch/index.ts';
import type * as engine from '../mm/index.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import { SHMCTL } from '../uapi/shm.ts';
import type { FileState, FolioRun } from './faults/line.ts';
import { ReplayError } from './replay_error.ts';

/** The blanked build: operations are plain functions. */
export type Engine = typeof engine;

/** Facts of the recorded host that a recording of calls does not contain. */
export interface HostFacts {
  /** Where the first process was when the recording began, if that is known. */
  readonly directory?: string;
  /** Memory and swap in bytes: what one call may be promised at most. */
  readonly memoryBytes: number;
  /** vm.max_map_count */
  readonly mapCountMax: number;
  /** What the pools of hugetlb have that nobody has reserved. */
  readonly hugePages: HugePages;
  /** Mount points with their kinds of file systems, as mountinfo has them. */
  readonly mounts: readonly Mount[];
  /** Reads the start of a program, for the places of its segments. */
  readonly readProgram: (path: string) => Uint8Array | undefined;
}

export interface HugePages {
  /** Of 2 MiB. */
  readonly free: number;
  /** nr_overcommit_hugepages: how many more of 2 MiB may be made. */
  readonly overcommit: number;
  /** Of 1 GiB. */
  readonly gigantic: number;
}

export interface Mount {
  readonly path: string;
  readonly fileSystem: string;
  /** Of hugetlbfs: the size of its pages. */
  readonly pageBytes?: number;
  /** Mounted with noexec. */
  readonly isExecutable: boolean;
}

/** What a file was opened for. */
export interface Access {
  readonly isReadable: boolean;
  readonly isWritable: boolean;
  /** False for directories, and descriptors that only name a file. */
  readonly isMappable?: boolean;
}

/** What the simulated machine has place for at a time. */
export interface Room {
  readonly addressSpaces: number;
  /** Of all address spaces together. */
  readonly vmas: number;
  /** Files, segments and shared mappings. */
  readonly inodes: number;
  readonly frames: number;
}

/** With frames for 1 GiB: without faults, few are needed. */
const ROOM: Room = { addressSpaces: 512, vmas: 2 ** 19, inodes: 2 ** 14, frames: 2 ** 18 };
const TABLES_PER_SPACE = 10;
/** Pages of 2 MiB that the pool has at most: what else a host has is not simulated. */
const HUGE_PAGES_MAX = 1024;
const HUGE_FRAMES = 512;
/** Where flags of calls have the size of huge pages. */
const SIZE_SHIFT = 26;
const FORGET_MIN = 256;
/** VMAs that one call adds at most, and some. */
const VMAS_OF_CALL = 8;

/** Those whose files are placed by the 2 MiB. @source thp_get_unmapped_area() in fs/ (Linux 6.18) */
const HUGE_PLACED: readonly string[] = ['ext2', 'ext3', 'ext4', 'xfs', 'btrfs'];
const MEMORY_FILE_SYSTEMS: readonly string[] = ['tmpfs', 'devtmpfs', 'ramfs'];
const NEVER_MAPPED = /^(?:pipe:|socket:|[A-Z][A-Z0-9]*:)/;

export class Host {
  readonly mm: Engine;
  readonly facts: HostFacts;
  readonly machine: engine.Machine;
  readonly names = new WeakMap<engine.Inode, string>();
  /** Files that something refers to. */
  readonly #inodes = new Map<string, engine.Inode>();
  /** How many there are when those are looked for that nothing refers to any more. */
  #forgetAt = FORGET_MIN;
  /** The engine's number of each segment. */
  readonly segments = new Map<number, number>();
  /** Whether the recording says which pages are touched: then calls bring pages in, too. */
  hasFaults = false;
  /** Whether it is known how many huge pages are left. */
  knowsPool = true;
  #hasHugePages = false;
  readonly #mounts: readonly Mount[];
  readonly #room: Room;
  #vmas = 0;

  constructor(mm: Engine, facts: HostFacts, room: Partial<Room> = {}) {
    this.mm = mm;
    this.facts = facts;
    this.#room = { ...ROOM, ...room };
    const { addressSpaces, vmas, inodes, frames } = this.#room;
    // Longest first; what was mounted last covers what was there.
    this.#mounts = [...facts.mounts].reverse().sort((a, b) => b.path.length - a.path.length);
    const { free, overcommit } = facts.hugePages;
    const hugePages = Math.min(free, HUGE_PAGES_MAX);
    const surplus = Math.min(overcommit, HUGE_PAGES_MAX - hugePages);
    if (hugePages + surplus < free + overcommit) this.knowsPool = false;
    this.machine = new mm.Machine({
      format: formatById('x86_64-4level')!,
      mms: addressSpaces,
      frames: frames + (hugePages + surplus) * HUGE_FRAMES,
      hugePages,
      tables: addressSpaces * TABLES_PER_SPACE + Math.floor(frames / 64),
      vmas,
      anonVmas: vmas,
      inodes,
      gather: 512,
      contents: false,
    });
    this.machine.hugetlb.hstates[0]!.overcommit = surplus;
  }

  /** Notes what huge pages are taken by: pages that are not reserved are seen with page faults only. */
  noteHugePages(isReserved: boolean): void {
    this.#hasHugePages = true;
    if (!isReserved && !this.hasFaults) this.knowsPool = false;
  }

  /** What a child copies is not reserved. */
  noteFork(): void {
    if (this.#hasHugePages) this.noteHugePages(false);
  }

  run<T>(operation: engine.Op<T>): T {
    return this.mm.run(operation);
  }

  /** Makes sure of room for what the call of `line` may need. @throws ReplayError */
  wantRoom(line: number, vmas: number = VMAS_OF_CALL): void {
    this.#vmas += vmas;
    if (this.#vmas > this.#room.vmas - VMAS_OF_CALL) this.#recount(line, vmas);
    if (this.machine.segments.isFull) this.#sweepSegments();
    if (this.machine.anonVmas.isFull) this.#recount(line, vmas);
    if (!this.machine.inodes.isFull && !this.machine.segments.isFull) return;
    throw new ReplayError(
      line,
      `there are ${this.#room.inodes} files and shared mappings at a time, more than can be replayed`,
      'Record fewer processes',
    );
  }

  /** Those that were removed go when somebody asks for them. */
  #sweepSegments(): void {
    const place = { machine: this.machine, cpu: 0 };
    const removed = this.machine.segments.all().filter(({ isDestroyed }) => isDestroyed);
    for (const { id } of removed) this.run(this.mm.shmctl(place, id, SHMCTL.SHM_LOCK));
  }

  #recount(line: number, vmas: number): void {
    const used = this.machine.mms.all().reduce((sum, { vmas: { size } }) => sum + size, 0);
    this.#vmas = used + vmas;
    if (this.#vmas <= this.#room.vmas - VMAS_OF_CALL && !this.machine.anonVmas.isFull) return;
    throw new ReplayError(
      line,
      `there are ${used} VMAs at a time, more than can be replayed`,
      'Record fewer processes',
    );
  }

  /** @throws ReplayError */
  wantSpace(line: number): void {
    if (!this.machine.mms.isFull) return;
    throw new ReplayError(
      line,
      `there are ${this.#room.addressSpaces} processes at a time, more than can be replayed`,
      'Record fewer processes',
    );
  }

  /** A file that was opened; `undefined` in it if it cannot be mapped. The caller closes it. */
  open(path: string, { isReadable, isWritable, isMappable = true }: Access): engine.OpenFile {
    const mount = this.#mountOf(path);
    const isMapped = isMappable && !NEVER_MAPPED.test(path);
    const inode = isMapped ? this.#inodeOf(path, mount) : undefined;
    return {
      isReadable,
      isWritable,
      mapped: inode && { inode },
      isExecutable: mount?.isExecutable ?? true,
      pagesMax: inode?.fileSystem === 'ext4' ? 2 ** 32 : 2 ** 51,
    };
  }

  /** A file of hugetlb that no mount leads to. @param flags of memfd_create(2) */
  openMemfd(path: string, flags: number): engine.OpenFile {
    const inode = this.#newHugetlb(path, Math.floor(flags / 2 ** SIZE_SHIFT) % 64);
    const rights = { isReadable: true, isWritable: true, isExecutable: true };
    return { ...rights, mapped: inode && { inode }, pagesMax: 2 ** 51 };
  }

  /** A file that is in memory as a whole, unless it has huge pages, and stays. @throws ReplayError */
  know(line: number, { path, bytes, pageBytes, folios }: FileState): void {
    this.wantRoom(line);
    if (pageBytes !== undefined) {
      // Which of its pages are there is not recorded.
      this.knowsPool = false;
      const isKnown = (this.#inodes.get(path)?.references ?? 0) > 0;
      const inode = isKnown ? undefined : this.#newHugetlb(path, Math.log2(pageBytes));
      if (inode !== undefined) inode.bytes = bytes;
      return;
    }
    const file = this.open(path, { isReadable: true, isWritable: true });
    const inode = file.mapped?.inode;
    if (inode === undefined || inode.hugetlb !== undefined || inode.bytes >= bytes) {
      this.close(file);
      return;
    }
    const place = { machine: this.machine, cpu: 0 };
    for (const run of folios) this.#readFolios(inode, run, bytes);
    const written = this.run(this.mm.writeFile(place, file, 0, bytes, 0));
    if (written === bytes) return;
    throw new ReplayError(
      line,
      'the files that are mapped do not fit into the simulated machine',
      'Record fewer processes',
    );
  }

  /** Those of a run that begin within the file, as far as there is room. */
  #readFolios(inode: engine.Inode, { first, order, count }: FolioRun, bytes: number): void {
    const place = { machine: this.machine, cpu: 0 };
    const pages = 2 ** order;
    const end = Math.min(first + count * pages, Math.ceil(bytes / PAGE_BYTES));
    for (let index = first; index < end; index += pages) {
      if (!this.run(this.mm.readFolio(place, inode, index, order, false))) return;
    }
  }

  close({ mapped }: engine.OpenFile): void {
    if (mapped === undefined) return;
    this.run(this.mm.closeInode({ machine: this.machine, cpu: 0 }, mapped.inode));
  }

  #inodeOf(path: string, mount: Mount | undefined): engine.Inode | undefined {
    const fileSystem = mount?.fileSystem;
    const known = this.#inodes.get(path);
    // It went with its last reference, and another one may have its number.
    if (known !== undefined && known.references > 0) {
      this.run(this.mm.getInode({ machine: this.machine, cpu: 0 }, known));
      return known;
    }
    if (fileSystem === 'hugetlbfs') return this.#newHugetlb(path, Math.log2(mount!.pageBytes ?? 1));
    const isMemory = /^\/(?:memfd:|SYSV)/.test(path) || isIn(MEMORY_FILE_SYSTEMS, fileSystem);
    const isHuge = !isMemory && isIn(HUGE_PLACED, fileSystem);
    const inode = this.mm.newInode(this.machine, 0, {
      fileSystem: isMemory ? 'tmpfs' : 'ext4',
      placement: isHuge ? 'huge' : 'plain',
    });
    this.#name(inode, path);
    return inode;
  }

  /** @param sizeLog of its pages: the binary logarithm, or 0 for the usual size */
  #newHugetlb(path: string, sizeLog: number): engine.Inode | undefined {
    const hstate = this.mm.hstateBySizeLog(this.machine, sizeLog * 2 ** SIZE_SHIFT);
    if (hstate === undefined) return undefined;
    const inode = this.mm.newHugetlbInode({ machine: this.machine, cpu: 0 }, hstate);
    this.#name(inode, path);
    return inode;
  }

  #name(inode: engine.Inode, path: string): void {
    if (this.#inodes.size >= this.#forgetAt) this.#forget();
    this.#inodes.set(path, inode);
    this.names.set(inode, path);
  }

  #forget(): void {
    for (const [path, inode] of this.#inodes) {
      if (inode.references <= 0) this.#inodes.delete(path);
    }
    this.#forgetAt = Math.max(FORGET_MIN, 2 * this.#inodes.size);
  }

  #mountOf(path: string): Mount | undefined {
    if (!path.startsWith('/')) return undefined;
    return this.#mounts.find(
      (mount) => mount.path === '/' || path === mount.path || path.startsWith(`${mount.path}/`),
    );
  }
}

function isIn(names: readonly string[], name: string | undefined): boolean {
  return name !== undefined && names.includes(name);
}
