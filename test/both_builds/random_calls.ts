/** Random calls of every kind by a few processes: the same ones in either build of the engine. */
import type * as engine from '../../src/mm/index.ts';
import { MADV } from '../../src/uapi/mman.ts';
import { Random } from '../kernel/random.ts';
import type { Engine } from '../mm/small_world.ts';

/** Pages are those that calls count in. */
const PAGE_BYTES = 4096;
const FILES_MAX = 4;
const SEGMENTS_MAX = 2;
const TASKS_MAX = 5;
const PINS_MAX = 3;
/** Pages of each table that most calls are about. */
const NEAR = 16;
const PROT = [0, 1, 1, 3, 3, 3, 3, 2, 7] as const;
const ADVICE = [...Object.values(MADV), 99];
const FOLL = { WRITE: 1 << 0, GET: 1 << 1, PIN: 1 << 19 } as const;
const MAP = { SHARED: 1, PRIVATE: 2, DROPPABLE: 8, FIXED: 0x10, ANONYMOUS: 0x20 } as const;
const MAP_EXTRAS = [0x100, 0x2000, 0x4000, 0x8000, 0x20000, 0x100000] as const;
const FALLOCATE_MODES = [0, 1, 3, 0x10, 0x11, 2] as const;

/** How often each is drawn. */
export const WEIGHTS = {
  ...{ mmap: 90, munmap: 14, mprotect: 20, mremap: 20, brk: 6, madvise: 60, mincore: 6 },
  ...{ mlock: 5, mlock2: 3, munlock: 6, mlockall: 0.5, munlockall: 1.5, msync: 3 },
  ...{ process_madvise: 6, fork: 5, clone: 2, exit: 7, execve: 1, newProcess: 1 },
  ...{ memfd_create: 2, open: 3, close: 4, ftruncate: 6, fallocate: 6, pwrite: 6 },
  ...{ shmget: 2, shmat: 5, shmdt: 4, shmctl: 2, load: 100, store: 180 },
  ...{ migrate: 8, khugepaged: 6, pin: 3, unpin: 4 },
} as const;
export type Kind = keyof typeof WEIGHTS;
const KINDS = Object.keys(WEIGHTS) as Kind[];

/** Runs an operation on a CPU to its end. */
export type RunOn = <T>(cpu: number, operation: engine.Op<T>) => T;

interface Pin {
  readonly task: engine.Task;
  readonly frame: number;
  readonly isPin: boolean;
}

/** Where things happen: what so many tables map, `tablePages` each, from the page `first` on. */
export interface Area {
  readonly first: number;
  readonly tables: number;
  readonly tablePages: number;
}

/** Processes of a machine, what they have open, and what they do next. */
export class Population {
  /** How often each kind of call was made with success. */
  readonly done = new Map<Kind, number>(KINDS.map((kind) => [kind, 0]));
  failures = 0;
  readonly #mm: Engine;
  readonly #machine: engine.Machine;
  readonly #random: Random;
  readonly #run: RunOn;
  readonly #area: Area;
  readonly #lottery: readonly Kind[];
  readonly #tasks: engine.Task[];
  readonly #files: engine.OpenFile[] = [];
  readonly #segments: number[] = [];
  readonly #pins: Pin[] = [];

  /** @param machine with one process, whose first task is on CPU 0 */
  constructor(mm: Engine, machine: engine.Machine, seed: number, area: Area, run: RunOn) {
    this.#mm = mm;
    this.#machine = machine;
    this.#random = new Random(seed);
    this.#area = area;
    this.#run = run;
    this.#tasks = [mm.taskOn(machine, 0, 0)];
    this.#lottery = KINDS.flatMap((kind) => Array<Kind>(WEIGHTS[kind] * 2).fill(kind));
  }

  /** Makes one call. @returns what it returned; of a new object or task its number */
  step(): number {
    const kind = this.#random.pick(this.#lottery);
    const { id } = this.#random.pick(this.#tasks).mm;
    const cpu = this.#random.below(this.#machine.size.cpus);
    const result = this.#perform(kind, this.#mm.taskOn(this.#machine, cpu, id));
    if (result < 0) this.failures++;
    else this.done.set(kind, this.done.get(kind)! + 1);
    return result;
  }

  #perform(kind: Kind, task: engine.Task): number {
    const random = this.#random;
    switch (kind) {
      case 'load':
      case 'store':
        return this.#touch(kind, task);
      case 'fork':
      case 'clone':
      case 'exit':
      case 'execve':
      case 'newProcess':
        return this.#process(kind, task);
      case 'memfd_create':
      case 'open':
      case 'close':
      case 'ftruncate':
      case 'fallocate':
      case 'pwrite':
        return this.#file(kind, task);
      case 'shmget':
      case 'shmat':
      case 'shmdt':
      case 'shmctl':
        return this.#segment(kind, task);
      case 'migrate':
      case 'khugepaged':
      case 'pin':
      case 'unpin':
        return this.#kernel(kind, task);
      case 'mmap':
        return this.#mmap(task);
      case 'mremap':
        return this.#mremap(task);
      case 'mincore': {
        const { address, bytes } = this.#range();
        const resident = new Uint8Array(bytes / PAGE_BYTES);
        const result = this.#run(task.cpu, this.#mm.mincore(task, address, bytes, resident));
        return result + resident.reduce((sum, isResident) => sum + isResident, 0);
      }
      case 'process_madvise': {
        const target = { mm: random.pick(this.#tasks).mm, mayRead: random.chance(95) };
        const ranges = [this.#range(), this.#range()].map(({ address, bytes }) => ({
          address,
          length: bytes,
        }));
        const call = { target, ranges, advice: random.pick(ADVICE), flags: 0, mayInfluence: true };
        return this.#run(task.cpu, this.#mm.processMadvise(task, call));
      }
      default:
        return this.#run(task.cpu, this.#simple(kind, task));
    }
  }

  /** Calls with a range, and little else. */
  #simple(kind: Exclude<Kind, keyof typeof GROUPED>, task: engine.Task): engine.Op<number> {
    const [mm, random] = [this.#mm, this.#random];
    const { address, bytes } = this.#range();
    switch (kind) {
      case 'munmap':
        return mm.munmap(task, address, bytes);
      case 'mprotect':
        return mm.mprotect(task, address, bytes, random.pick(PROT));
      case 'brk': {
        const { brkStartBytes } = task.mm.layout;
        return mm.brk(task, brkStartBytes + random.between(-1, 40) * PAGE_BYTES);
      }
      case 'madvise':
        return mm.madvise(task, address, bytes, random.pick(ADVICE));
      case 'mlock':
        return mm.mlock(task, address, bytes);
      case 'mlock2':
        return mm.mlock2(task, address, bytes, random.below(3));
      case 'munlock':
        return mm.munlock(task, address, bytes);
      case 'mlockall':
        return mm.mlockall(task, random.below(8));
      case 'munlockall':
        return mm.munlockall(task);
      case 'msync':
        return mm.msync(task, address, bytes, random.below(8));
    }
  }

  /** A range: often what a table maps, or whole tables; now and then not aligned. */
  #range(): { readonly address: number; readonly bytes: number } {
    const { first, tables, tablePages } = this.#area;
    const random = this.#random;
    const isTable = random.chance(25);
    const page = isTable ? first + random.below(tables) * tablePages : this.#page();
    const length = isTable ? tablePages * random.between(1, 2) : random.pick([1, 1, 2, 3, 8, NEAR]);
    const address = page * PAGE_BYTES + (random.chance(1) ? 1 : 0);
    return { address, bytes: length * PAGE_BYTES };
  }

  /** The first pages of each table meet often. */
  #page(): number {
    const { first, tables, tablePages } = this.#area;
    const index = this.#random.below(this.#random.chance(95) ? NEAR : tablePages);
    return first + this.#random.below(tables) * tablePages + index;
  }

  #mmap(task: engine.Task): number {
    const random = this.#random;
    const { address, bytes } = this.#range();
    const file = random.chance(40) ? random.pick([undefined, ...this.#files]) : undefined;
    const own = random.chance(5) ? MAP.DROPPABLE : MAP.PRIVATE;
    let flags: number = random.chance(file === undefined ? 20 : 60) ? MAP.SHARED : own;
    if (file === undefined) flags |= MAP.ANONYMOUS;
    // Beyond the area nothing else happens.
    flags |= MAP.FIXED;
    if (random.chance(25)) flags |= random.pick(MAP_EXTRAS);
    if (this.#machine.inodes.isFull) flags |= MAP.ANONYMOUS | MAP.FIXED;
    if (this.#machine.inodes.isFull && (flags & MAP.SHARED) !== 0) return this.#mm.ENOMEM;
    const offset = random.below(NEAR) * PAGE_BYTES;
    const call = { address, length: bytes, prot: random.pick(PROT), flags, file, offset };
    return this.#run(task.cpu, this.#mm.mmap(task, call));
  }

  #mremap(task: engine.Task): number {
    const random = this.#random;
    const { address, bytes } = this.#range();
    const call = {
      address,
      oldLength: bytes,
      newLength: random.chance(60) ? bytes : this.#range().bytes,
      flags: random.pick([0, 2, 3, 3, 3, 3, 5, 7]),
      newAddress: this.#range().address,
    };
    return this.#run(task.cpu, this.#mm.mremap(task, call));
  }

  #touch(kind: 'load' | 'store', task: engine.Task): number {
    const random = this.#random;
    const isHeap = random.chance(3);
    const heap = task.mm.layout.brkStartBytes / PAGE_BYTES;
    const page = isHeap ? heap + random.below(40) : this.#page();
    const value = random.below(1000);
    const { load, store } = this.#mm;
    return this.#run(task.cpu, kind === 'load' ? load(task, page) : store(task, page, value));
  }

  #process(kind: 'fork' | 'clone' | 'exit' | 'execve' | 'newProcess', task: engine.Task): number {
    const [mm, random, tasks] = [this.#mm, this.#random, this.#tasks];
    const cpu = random.below(this.#machine.size.cpus);
    const place = tasks.findIndex((other) => other.mm === task.mm);
    if (kind === 'exit') {
      if (tasks.length === 1) return 0;
      tasks.splice(place, 1);
      this.#run(task.cpu, mm.exit(task));
      return 0;
    }
    if (kind === 'execve') {
      const program = this.#program();
      if (program === undefined) return mm.ENOMEM;
      const started = this.#run(task.cpu, mm.execve(task, program));
      if (typeof started === 'number') return started;
      tasks[place] = started;
      return started.mm.id;
    }
    if (tasks.length === TASKS_MAX) return mm.ENOMEM;
    const made =
      kind === 'fork'
        ? this.#run(task.cpu, mm.fork(task, cpu))
        : kind === 'clone'
          ? this.#run(task.cpu, mm.cloneVm(task, cpu))
          : this.#run(task.cpu, mm.newProcess(this.#machine, cpu));
    if (made === undefined || typeof made === 'number') return mm.ENOMEM;
    tasks.push(made);
    return made.mm.id;
  }

  /** A program of a file with two segments, the second of which is written to. */
  #program(): engine.Program | undefined {
    const file = this.#files.find(({ mapped }) => mapped!.inode.fileSystem === 'ext4');
    if (file === undefined) return undefined;
    const { first } = this.#area;
    const segment = (page: number, pages: number, prot: number): engine.Segment => ({
      address: (first + page) * PAGE_BYTES,
      offset: page * PAGE_BYTES,
      fileBytes: pages * PAGE_BYTES,
      memoryBytes: (pages + (prot === 3 ? 1 : 0)) * PAGE_BYTES,
      prot,
    });
    const segments = [segment(0, 3, 5), segment(4, 2, 3)];
    const image = { file, isPositionIndependent: false, segments };
    return { image, interpreter: undefined, argumentPages: 1, stackLimit: 2 ** 23 };
  }

  #file(
    kind: 'memfd_create' | 'open' | 'close' | 'ftruncate' | 'fallocate' | 'pwrite',
    task: engine.Task,
  ): number {
    const [mm, random, files] = [this.#mm, this.#random, this.#files];
    if (kind === 'memfd_create' || kind === 'open') {
      if (files.length === FILES_MAX || this.#machine.inodes.isFull) return mm.ENOMEM;
      const file = kind === 'open' ? this.#open(task) : mm.memfdCreate(task, 3, random.below(4));
      if (typeof file === 'number') return file;
      files.push(file);
      return file.mapped!.inode.id;
    }
    const place = random.below(Math.max(1, files.length));
    const file = files[place];
    if (file === undefined) return mm.EBADF;
    const at = random.below((random.chance(80) ? NEAR : this.#area.tablePages) * PAGE_BYTES);
    const bytes = random.pick([1, PAGE_BYTES, 3 * PAGE_BYTES, 10_000]);
    switch (kind) {
      case 'close':
        files.splice(place, 1);
        this.#run(task.cpu, mm.closeInode(task, file.mapped!.inode));
        return 0;
      case 'ftruncate':
        return this.#run(task.cpu, mm.ftruncate(task, file, at));
      case 'fallocate': {
        const mode = random.pick(FALLOCATE_MODES);
        return this.#run(task.cpu, mm.fallocate(task, file, mode, at, bytes));
      }
      case 'pwrite':
        return this.#run(task.cpu, mm.writeFile(task, file, at, bytes, random.below(1000)));
    }
  }

  /** A new file with a name: of a disk, or of a tmpfs. */
  #open({ machine, cpu }: engine.Task): engine.OpenFile {
    const fileSystem = this.#random.chance(70) ? 'ext4' : 'tmpfs';
    const inode = this.#mm.newInode(machine, cpu, { fileSystem });
    const access = { isReadable: true, isWritable: true, isExecutable: true };
    return { mapped: { inode }, ...access, pagesMax: 2 ** 32 };
  }

  #segment(kind: 'shmget' | 'shmat' | 'shmdt' | 'shmctl', task: engine.Task): number {
    const [mm, random, segments] = [this.#mm, this.#random, this.#segments];
    const { address, bytes } = this.#range();
    if (kind === 'shmget') {
      if (segments.length === SEGMENTS_MAX || this.#machine.inodes.isFull) return mm.ENOMEM;
      const made = mm.run(mm.shmget(task, bytes, 0));
      if (made >= 0) segments.push(made);
      return made;
    }
    if (kind === 'shmdt') return this.#run(task.cpu, mm.shmdt(task, address));
    const place = random.below(Math.max(1, segments.length));
    const id = segments[place] ?? 77;
    if (kind === 'shmat') {
      const flags = random.pick([0, 0x1000, 0x2000, 0x4000, 0x8000]);
      return this.#run(task.cpu, mm.shmat(task, id, address, flags));
    }
    const command = random.pick([0, 0, 0, 11, 12, 5]);
    if (command === 0) segments.splice(place, 1);
    return this.#run(task.cpu, mm.shmctl(task, id, command));
  }

  /** What no program asks for. */
  #kernel(kind: 'migrate' | 'khugepaged' | 'pin' | 'unpin', task: engine.Task): number {
    const [mm, random, pins] = [this.#mm, this.#random, this.#pins];
    const { tablePages } = this.#area;
    const page = this.#page();
    switch (kind) {
      case 'migrate':
        return this.#run(task.cpu, mm.migratePages(task, page, page + random.between(1, 8)));
      case 'khugepaged':
        return this.#run(task.cpu, mm.khugepagedScan(task, page - (page % tablePages)));
      case 'unpin': {
        const pin = pins.shift();
        if (pin !== undefined) {
          this.#run(task.cpu, mm.unpin({ ...pin.task, cpu: task.cpu }, pin.frame, pin.isPin));
        }
        return pin?.frame ?? 0;
      }
      case 'pin': {
        if (pins.length === PINS_MAX) return 0;
        const isPin = random.chance(70);
        const flags = (isPin ? FOLL.PIN : FOLL.GET) | (random.chance(50) ? FOLL.WRITE : 0);
        const frame = this.#run(task.cpu, mm.getUserPage(task, page, flags));
        if (frame >= 0) pins.push({ task, frame, isPin });
        return frame;
      }
    }
  }
}

/** Calls that are not `#simple()`. */
const GROUPED = {
  ...{ load: 0, store: 0, fork: 0, clone: 0, exit: 0, execve: 0, newProcess: 0 },
  ...{ memfd_create: 0, open: 0, close: 0, ftruncate: 0, fallocate: 0, pwrite: 0 },
  ...{ shmget: 0, shmat: 0, shmdt: 0, shmctl: 0, migrate: 0, khugepaged: 0, pin: 0, unpin: 0 },
  ...{ mmap: 0, mremap: 0, mincore: 0, process_madvise: 0 },
} as const;
