/**
 * Random operations of several processes on one file and on private memory, with a design on: what they
 * leave must be right, and what is read of the file must be what was last written to it.
 */
import type * as engine from '../../src/mm/index.ts';
import { Alone } from '../../src/script/alone.ts';
import { Random } from '../kernel/random.ts';
import { type Build, FileWorld, MAP, PAGE_BYTES, PMD, PROT, TABLE } from './file_world.ts';

const PROCESSES = 4;
const CPUS = 3;
/** Where things are mapped. */
const FIRST = 8 * PMD;
const AREA = 3 * PMD;
const FILE_PAGES = 2 * PMD;
const MADV = { RANDOM: 1, DONTNEED: 4, FREE: 8, COLD: 20, PAGEOUT: 21, GUARD: 102 } as const;
const PLACES = ['same', 'same', 'same', 'elsewhere'] as const;

/** How often each is done, of all. */
const WEIGHTS = {
  load: 300,
  store: 300,
  mapShared: 40,
  mapText: 20,
  mapPrivate: 20,
  mapAnonymous: 20,
  munmap: 15,
  mprotect: 25,
  mremap: 12,
  madvise: 25,
  mlock: 6,
  munlock: 6,
  fork: 10,
  exit: 10,
  truncate: 3,
  migrate: 10,
  forcedWrite: 10,
} as const;
type Kind = keyof typeof WEIGHTS;

/** All that one operation may need, drawn before it, so that builds draw the same. */
interface Draw {
  readonly kind: Kind;
  readonly process: number;
  readonly page: number;
  readonly start: number;
  readonly pages: number;
  readonly target: number;
  readonly prot: number;
  readonly advice: number;
  readonly value: number;
  readonly isShared: boolean;
}

export class RandomRun {
  readonly world: FileWorld;
  readonly #random: Random;
  readonly #alone: Alone | undefined;
  /** The word of each page of the file that was written to. */
  readonly #content = new Map<number, number>();
  #count = 0;
  /** What went wrong with what was read. */
  fault: string | undefined;

  /** @param isExplored whether the build is the canonical one, whose interrupts are to be run */
  constructor(
    mm: Build,
    design: engine.Machine['designs'],
    seed: number,
    isExplored: boolean,
    size: Partial<engine.WorldSize> = {},
  ) {
    this.#random = new Random(seed);
    this.world = new FileWorld(mm, design, PROCESSES, {
      cpus: CPUS,
      frames: 512,
      tables: 256,
      vmas: 1024,
      anonVmas: 512,
      swapSlots: 256,
      ...size,
    });
    this.#alone = isExplored ? new Alone(mm, this.world.machine) : undefined;
  }

  /** One operation. @returns what it returned */
  step(): number {
    this.#count++;
    return this.#perform(this.#draw());
  }

  #draw(): Draw {
    const random = this.#random;
    const kind = random.pickKey(WEIGHTS);
    const place = random.pick(PLACES);
    const page = FIRST + random.below(AREA);
    const whole = random.pick([TABLE, TABLE, PMD]);
    const start = place === 'same' ? Math.floor(page / whole) * whole : page;
    return {
      kind,
      process: random.below(PROCESSES),
      page,
      start,
      pages: place === 'same' ? whole : 1 + random.below(PMD),
      target: FIRST + random.below(AREA - PMD),
      prot: random.pick([PROT.READ, PROT.READ, PROT.READ | PROT.WRITE]),
      advice: random.pick(Object.values(MADV)),
      value: 1 + random.below(1000),
      isShared: random.below(2) === 0,
    };
  }

  #run<T>(operation: engine.Op<T>): T {
    return this.#alone === undefined ? this.world.mm.run(operation) : this.#alone.run(operation);
  }

  #perform(draw: Draw): number {
    const { mm, tasks } = this.world;
    const task = tasks[draw.process]!;
    const { page, start, pages } = draw;
    const [address, length] = [start * PAGE_BYTES, pages * PAGE_BYTES];
    switch (draw.kind) {
      case 'load':
        return this.#load(task, page);
      case 'store':
        return this.#store(task, page, draw.value);
      case 'mapShared':
        return this.#map(task, draw, MAP.SHARED);
      case 'mapText':
        return this.#map(task, { ...draw, prot: PROT.READ }, MAP.PRIVATE);
      case 'mapPrivate':
        return this.#map(task, draw, MAP.PRIVATE);
      case 'mapAnonymous':
        return this.#map(task, draw, undefined);
      case 'munmap':
        return this.#run(mm.munmap(task, address, length));
      case 'mprotect':
        return this.#run(mm.mprotect(task, address, length, draw.prot));
      case 'mremap':
        return this.#move(task, draw);
      case 'madvise':
        return this.#run(mm.madvise(task, address, length, draw.advice));
      case 'mlock':
        return this.#run(mm.mlock(task, address, length));
      case 'munlock':
        return this.#run(mm.munlock(task, address, length));
      case 'fork':
        return this.#replace(draw.process, (draw.process + 1) % PROCESSES);
      case 'exit':
        return this.#replace(draw.process, undefined);
      case 'truncate':
        return this.#truncate(task, draw.value % FILE_PAGES);
      case 'migrate':
        return this.#run(mm.migratePages(task, start, start + pages));
      case 'forcedWrite':
        return this.#force(task, page);
    }
  }

  #map(task: engine.Task, { start, pages, prot }: Draw, type: number | undefined): number {
    const { mm, file } = this.world;
    const anonymous = MAP.PRIVATE | 0x20;
    const pgoff = (start - FIRST) % FILE_PAGES;
    return this.#run(
      mm.mmap(task, {
        address: start * PAGE_BYTES,
        length: pages * PAGE_BYTES,
        prot,
        flags: MAP.FIXED | (type ?? anonymous),
        file: type === undefined ? undefined : file,
        offset: type === undefined ? 0 : pgoff * PAGE_BYTES,
      }),
    );
  }

  /** The page of the file that `page` shows, if nothing private can be in between. */
  #indexOf(task: engine.Task, page: number): number | undefined {
    const vma = task.mm.vmas.at(page);
    if (vma?.file === undefined || (vma.flags & this.world.mm.VM.SHARED) === 0) return undefined;
    return vma.pgoff + page - vma.start;
  }

  #load(task: engine.Task, page: number): number {
    const index = this.#indexOf(task, page);
    const value = this.#run(this.world.mm.load(task, page));
    if (value < 0 || index === undefined) return value;
    const expected = this.#content.get(index) ?? 0;
    if (value !== expected) {
      this.fault ??= `operation ${this.#count}: page ${index} is ${value}, not ${expected}`;
    }
    return value;
  }

  #store(task: engine.Task, page: number, value: number): number {
    const index = this.#indexOf(task, page);
    const result = this.#run(this.world.mm.store(task, page, value));
    if (result === 0 && index !== undefined) this.#content.set(index, value);
    return result;
  }

  #move(task: engine.Task, { start, pages, target }: Draw): number {
    const length = pages * PAGE_BYTES;
    const call = { address: start * PAGE_BYTES, oldLength: length, newLength: length, flags: 3 };
    return this.#run(this.world.mm.mremap(task, { ...call, newAddress: target * PAGE_BYTES }));
  }

  /** The place of one process is taken by a child of another, or by a new one. */
  #replace(process: number, parent: number | undefined): number {
    const { mm, machine, tasks } = this.world;
    const cpu = process % CPUS;
    this.#run(mm.exit(tasks[process]!));
    const forked = parent === undefined ? undefined : this.#run(mm.fork(tasks[parent]!, cpu));
    const task = typeof forked === 'object' ? forked : this.#run(mm.newProcess(machine, cpu));
    if (task === undefined) throw new RangeError('Cannot make a process: memory is exhausted');
    tasks[process] = task;
    return typeof forked === 'number' ? forked : 0;
  }

  #truncate(task: engine.Task, pages: number): number {
    const { mm, file } = this.world;
    const result = this.#run(mm.ftruncate(task, file, pages * PAGE_BYTES));
    for (const index of this.#content.keys()) if (index >= pages) this.#content.delete(index);
    return result + this.#run(mm.ftruncate(task, file, 4096 * PAGE_BYTES));
  }

  /** As a debugger writes. */
  #force(task: engine.Task, page: number): number {
    const { mm } = this.world;
    const index = this.#indexOf(task, page);
    const flags = mm.FOLL.WRITE | mm.FOLL.FORCE | mm.FOLL.GET;
    const frame = this.#run(mm.getUserPage(task, page, flags));
    if (frame < 0) return frame;
    const { frameData } = this.world.machine;
    if (index === undefined) frameData[frame] = 4711;
    this.#run(mm.unpin(task, frame));
    return 0;
  }
}
