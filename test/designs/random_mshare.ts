/** Random calls on regions, by several processes on several CPUs, in either build. */
import { formatById } from '../../src/arch/index.ts';
import type * as design from '../../src/designs/index.ts';
import type * as engine from '../../src/mm/index.ts';
import type { MmuShape } from '../../src/mmu/index.ts';
import type { Random } from '../kernel/random.ts';

export type Engine = typeof engine;
export type Designs = typeof design;

/** Runs an operation to its end. */
export type Run = <T>(cpu: number, operation: engine.Op<T>) => T;

export const CPUS = 3;
const PROCESSES = 5;
const REGIONS = 2;
const PAGE_BYTES = 4096;
const SLOT = 2 ** 27;
const SLOTS = 2;
const REGION_BYTES = SLOTS * SLOT * PAGE_BYTES;
/** Where in a region objects are: four pages at each of these, in both halves, in tables of their own. */
const PLACES = [0, 510, 3 * 512, SLOT - 4, SLOT + 512, 2 * SLOT - 4] as const;
const SPAN = 4;
const MADV_DONTNEED = 4;
const MAP = { SHARED: 1, SHARED_FIXED: 0x11, ANONYMOUS: 0x20 } as const;
const O_RDWR_CREAT = 0o102;

/** As often as they stand here. */
const KINDS = [
  ...(['attach', 'attach', 'detach', 'create', 'create', 'create', 'create', 'unmap'] as const),
  ...(['fork', 'exit', 'partial', 'protect', 'advise', 'pin', 'remake'] as const),
  ...Array<'load'>(24).fill('load'),
  ...Array<'store'>(24).fill('store'),
];

interface Named {
  readonly path: string;
  readonly file: design.msharefs.MsharefsFile;
}

/** The state of a session is in the machine, but for what programs remember. */
export class Session {
  readonly machine: engine.Machine;
  readonly variant: design.MshareVariant;
  readonly #mm: Engine;
  readonly #designs: Designs;
  readonly #run: Run;
  readonly #mount: design.msharefs.Mount;
  readonly #memory: engine.OpenFile;
  readonly #regions: (Named | undefined)[] = Array(REGIONS).fill(undefined);
  /** Address spaces of processes. */
  #processes: number[] = [];
  #made = 0;

  constructor(
    mm: Engine,
    designs: Designs,
    variant: design.MshareVariant,
    run: Run,
    tlb?: MmuShape,
  ) {
    this.#mm = mm;
    this.#designs = designs;
    this.#run = run;
    this.variant = variant;
    const format = formatById('x86_64-4level')!;
    const size = {
      cpus: CPUS,
      mms: 12,
      frames: 128,
      tables: 96,
      vmas: 256,
      inodes: 256,
      gather: 8,
    };
    this.machine = new mm.Machine({ format, ...size, tlb }, {}, [designs.mshare(variant)]);
    for (let count = 0; count < 2; count++) {
      this.#processes.push(run(0, mm.newProcess(this.machine, 0))!.mm.id);
    }
    const task = mm.taskOn(this.machine, 0, this.#processes[0]!);
    this.#mount = designs.msharefs.mountMsharefs(task);
    this.#memory = mm.memfdCreate(task, 0, 0) as engine.OpenFile;
    run(0, mm.ftruncate(task, this.#memory, PAGE_BYTES * 64));
  }

  /** One operation. @returns what it returned */
  step(random: Random): number {
    const cpu = random.below(CPUS);
    const task = this.#mm.taskOn(this.machine, cpu, random.pick(this.#processes));
    const which = random.below(REGIONS);
    const kind = random.pick(KINDS);
    const named = this.#regions[which];
    if (named === undefined) return this.#make(task, which);
    const isGuest = this.#guestOf(task, named.file, 0) !== undefined;
    const isAbout = ['create', 'unmap', 'fork', 'exit', 'remake'].includes(kind);
    const chosen = isGuest || isAbout ? kind : random.below(4) > 0 ? 'attach' : 'remake';
    return this.#perform(chosen, task, which, named, random);
  }

  audit(): string | undefined {
    this.#mm.audit(this.machine);
    this.#designs.auditMshare(this.machine);
    return this.#mm.violationOf(this.machine);
  }

  #make(task: engine.Task, which: number): number {
    const path = `region ${this.#made++}`;
    const { open } = this.#designs.msharefs;
    const file = this.#run(task.cpu, open(task, this.#mount, path, O_RDWR_CREAT));
    if (typeof file === 'number') return this.#detachOld(task);
    this.#regions[which] = { path, file };
    return this.#run(task.cpu, this.#mm.ftruncate(task, file, REGION_BYTES));
  }

  /** Regions that nobody has a name for any more are kept by guests. */
  #detachOld(task: engine.Task): number {
    const old = task.mm.vmas.all().find(({ file }) => file?.design === this.#designs.MSHARE);
    if (old === undefined) return this.#exit(task);
    const address = old.start * PAGE_BYTES;
    return this.#run(task.cpu, this.#mm.munmap(task, address, REGION_BYTES));
  }

  #perform(
    kind: (typeof KINDS)[number],
    task: engine.Task,
    which: number,
    { path, file }: Named,
    random: Random,
  ): number {
    const mm = this.#mm;
    const run = <T>(operation: engine.Op<T>): T => this.#run(task.cpu, operation);
    const offset = random.pick(PLACES) + random.below(SPAN);
    const write = random.below(4) > 0;
    const value = random.below(1000);
    const guest = this.#guestOf(task, file, value);
    const address = guest === undefined ? 0 : guest.start * PAGE_BYTES;
    const region = this.#designs.regionOfInode(this.machine, file.mapped!.inode);
    const isOrphan = region?.owner === undefined;
    switch (kind) {
      case 'attach': {
        const call = { address: 0, length: REGION_BYTES, prot: 3, flags: MAP.SHARED, offset: 0 };
        return run(mm.mmap(task, { ...call, file }));
      }
      case 'detach':
        return run(mm.munmap(task, address, REGION_BYTES));
      case 'partial':
        return run(mm.munmap(task, address + PAGE_BYTES, PAGE_BYTES));
      case 'protect':
        return run(mm.mprotect(task, address, REGION_BYTES, 1));
      case 'advise':
        return run(mm.madvise(task, address, PAGE_BYTES, MADV_DONTNEED));
      case 'create':
        return this.#create(task, file, offset, write, value);
      case 'unmap':
        return this.#unmap(task, file, offset, value);
      case 'fork':
        return this.#fork(task, value);
      case 'exit':
        return this.#exit(task);
      case 'pin': {
        const flags = mm.FOLL.GET | (write ? mm.FOLL.WRITE : 0);
        const frame = run(mm.getUserPage(task, address / PAGE_BYTES + offset, flags));
        if (frame >= 0) run(mm.unpin(task, frame));
        return Math.min(frame, 0);
      }
      case 'remake': {
        // The name and the file go; guests keep the region until they detach.
        if (value % 4 > 0 && !isOrphan) return 0;
        run(this.#designs.msharefs.unlink(task, this.#mount, path));
        run(this.#designs.msharefs.close(task, file));
        this.#regions[which] = undefined;
        return 0;
      }
      case 'load':
        return run(mm.load(task, address / PAGE_BYTES + offset));
      case 'store':
        return run(mm.store(task, address / PAGE_BYTES + offset, value));
    }
  }

  /** One of the places where the process has a region, if it has one. */
  #guestOf(
    { mm }: engine.Task,
    { mapped }: engine.OpenFile,
    which: number,
  ): engine.Vma | undefined {
    const guests = mm.vmas.all().filter(({ file }) => file?.inode === mapped?.inode);
    return guests[which % Math.max(1, guests.length)];
  }

  #create(
    task: engine.Task,
    file: engine.OpenFile,
    offset: number,
    write: boolean,
    value: number,
  ): number {
    const isFile = value % 4 === 0;
    const create = {
      regionOffset: (offset - (value % 2)) * PAGE_BYTES,
      size: (1 + (value % SPAN)) * PAGE_BYTES,
      offset: isFile ? (value % 60) * PAGE_BYTES : 0,
      prot: write ? 3 : 1,
      flags: MAP.SHARED_FIXED | (isFile ? 0 : MAP.ANONYMOUS),
      fd: isFile ? 3 : -1,
    };
    const { ioctl, MSHAREFS, encodeCreate } = this.#designs;
    const bytes = encodeCreate({ ...create, regionOffset: Math.max(0, create.regionOffset) });
    const files = { files: (fd: number) => (fd === 3 ? this.#memory : undefined) };
    const operation = ioctl(this.variant, task, file, MSHAREFS.CREATE_MAPPING, bytes, files);
    return this.#run(task.cpu, operation);
  }

  #unmap(task: engine.Task, file: engine.OpenFile, offset: number, value: number): number {
    const isAll = value % 8 === 0;
    const range = isAll
      ? { regionOffset: 0, size: REGION_BYTES }
      : { regionOffset: offset * PAGE_BYTES, size: (1 + (value % SPAN)) * PAGE_BYTES };
    const { ioctl, MSHAREFS, encodeUnmap } = this.#designs;
    const bytes = encodeUnmap(range);
    const files = { files: () => undefined };
    return this.#run(task.cpu, ioctl(this.variant, task, file, MSHAREFS.UNMAP, bytes, files));
  }

  #fork(task: engine.Task, value: number): number {
    if (this.#processes.length >= PROCESSES) return this.#exit(task);
    const child = this.#run(task.cpu, this.#mm.fork(task, value % CPUS));
    if (typeof child === 'number') return child;
    this.#processes.push(child.mm.id);
    return 0;
  }

  #exit(task: engine.Task): number {
    if (this.#processes.length < 3) return 0;
    const { id } = task.mm;
    this.#run(task.cpu, this.#mm.exit(task));
    this.#processes = this.#processes.filter((process) => process !== id);
    return 0;
  }
}
