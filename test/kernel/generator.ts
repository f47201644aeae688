/**
 * Random programs.
 *
 * Addresses are drawn near what earlier calls returned, and near the edges that page tables have,
 * so that calls meet: they split, merge, overlap, and reach over holes. A small share of arguments
 * is wrong on purpose.
 *
 * A program asks for little memory. What is longer than a few megabytes is never accessible, so
 * that nothing, mlockall(2) included, can populate it.
 */

import {
  ACCESS,
  ADVICE,
  type Address,
  type Call,
  type CallName,
  FILE,
  FILES_FROM,
  FILES_MAX,
  MAP,
  MCL,
  MS,
  PLACE,
  PROT,
  SHM,
  SHMCTL,
} from './calls.ts';
import { Draw, PAGE_BYTES, type Region } from './draw.ts';
import { drawScan } from './draw_scan.ts';
import { DrawUffd, NO_UFFD } from './draw_uffd.ts';
import { BYTES, PROCESSES_MAX, type Program, SEGMENTS_MAX, type Step } from './program.ts';
import { Random } from './random.ts';

/** How often each call is drawn. */
export type Weights = Readonly<Record<CallName, number>>;

export const WEIGHTS: Weights = {
  mmap: 20,
  munmap: 6,
  mprotect: 10,
  stripe: 0.1,
  mremap: 9,
  brk: 2,
  madvise: 12,
  process_madvise: 1,
  mincore: 2,
  scan: 1,
  mlock: 1,
  mlock2: 0.5,
  munlock: 1,
  mlockall: 0.1,
  munlockall: 0.3,
  msync: 1,
  fork: 0.6,
  thread: 0.3,
  exit: 0.3,
  memfd_create: 0.3,
  open: 0.3,
  reopen: 0.3,
  ftruncate: 1,
  fallocate: 1,
  fill: 1,
  shmget: 0.6,
  shmat: 1.4,
  shmdt: 0.7,
  shmctl: 0.2,
  load: 8,
  store: 12,
  peek: 1,
  poke: 2,
  fetch: 1,
  observe: 0.5,
  ...NO_UFFD,
};

/** Regions that a process aims at: the youngest. */
const REGIONS_MAX = 24;
const HUGE_BYTES = 2 ** 21;
/** How often a program makes room for huge pages instead of a call. */
const HUGE_PERCENT = 1.5;
const VAST_PAGES: readonly number[] = [2 ** 18, 2 ** 27, 2 ** 34];

interface Process {
  readonly index: number;
  readonly regions: Region[];
}

/**
 * @param seed  any 32-bit number; the same seed gives the same program
 * @param steps how many, at most `STEPS_MAX`
 */
export function generateProgram(seed: number, steps: number, weights = WEIGHTS): Program {
  return new Generator(new Random(seed), weights).program(steps);
}

type Drawers = { readonly [Name in CallName]: (process: Process) => Call<Name> };

class Generator {
  readonly #random: Random;
  readonly #draw: Draw;
  readonly #uffd: DrawUffd;
  readonly #drawers: Drawers;
  readonly #weights: Weights;
  readonly #steps: Step[] = [];
  readonly #processes: Process[] = [{ index: 0, regions: [] }];
  readonly #files: number[] = [];
  readonly #segments: number[] = [];
  #filesEver = 0;

  constructor(random: Random, weights: Weights) {
    this.#random = random;
    this.#draw = new Draw(random);
    this.#uffd = new DrawUffd(random, this.#draw);
    this.#drawers = { ...this.#own, ...this.#uffd.drawers };
    this.#weights = weights;
  }

  program(steps: number): Program {
    const first = this.#processes[0]!;
    for (const place of [PLACE.ext4, PLACE.tmpfs]) {
      this.#add(first, { name: 'open', file: this.#newFile(), place });
    }
    this.#add(first, this.#drawers.memfd_create(first));
    for (const file of this.#files.slice()) {
      const length = this.#random.between(1, 520) * PAGE_BYTES - this.#random.pick([0, 1000]);
      this.#add(first, { name: 'ftruncate', file, length });
    }
    if (this.#weights.uffd_register > 0) this.#addUffd(first);
    let process = first;
    while (this.#steps.length < steps) {
      const hasGone = !this.#processes.includes(process);
      if (hasGone || this.#random.chance(25)) process = this.#random.pick(this.#processes);
      if (this.#random.chance(HUGE_PERCENT)) {
        this.#addHuge(process);
        continue;
      }
      const name = this.#random.pickKey(this.#weights);
      // Somebody has to go on.
      if (name === 'exit' && this.#processes.length === 1) continue;
      this.#add(process, this.#drawers[name](process));
    }
    return { steps: this.#steps };
  }

  /** A userfaultfd, and memory to watch. */
  #addUffd(process: Process): void {
    for (const call of this.#uffd.ready(this.#uffd.uffd())) this.#add(process, call);
    for (let count = 0; count < 4; count++) {
      this.#add(process, this.#uffd.mapping());
      this.#add(process, this.#drawers.uffd_register(process));
    }
  }

  /** Memory in which there can be huge pages, and most likely one. */
  #addHuge(process: Process): void {
    const length = this.#random.between(1, 2) * HUGE_BYTES;
    const flags = MAP.private + MAP.anonymous + MAP.fixed;
    const prot = PROT.read + PROT.write;
    const address: Address = { step: this.#steps.length, shift: 0, offset: 0 };
    this.#add(process, {
      name: 'mmap',
      address: this.#draw.hugeAddress(),
      length,
      prot,
      flags,
      file: FILE.none,
      offset: 0,
    });
    if (this.#random.chance(70)) {
      this.#add(process, { name: 'madvise', address, length, advice: ADVICE.hugepage });
    }
    const touched = this.#draw.touch(process.regions.slice(-1), prot);
    const isLoad = this.#random.chance(25);
    if (isLoad) this.#add(process, { name: 'load', ...touched });
    else this.#add(process, { name: 'store', ...touched, byte: this.#random.pick(BYTES) });
  }

  /** Appends a step, and remembers what it may have made. */
  #add(process: Process, call: Call): void {
    const id = this.#steps.length;
    this.#steps.push({ id, process: process.index, call });
    if (call.name === 'mmap') remember(process, id, call.length, call.prot);
    else if (call.name === 'mremap') remember(process, id, call.newLength);
    else if (call.name === 'shmat') remember(process, id, 8 * PAGE_BYTES);
    else if (call.name === 'brk' && typeof call.address !== 'number') {
      remember(process, call.address.step, call.address.offset);
    } else if (call.name === 'exit') this.#processes.splice(this.#processes.indexOf(process), 1);
    else if (call.name === 'fork') this.#addProcess(call.child, process.regions.slice());
    else if (call.name === 'thread') this.#addProcess(call.child, process.regions);
  }

  #addProcess(index: number, regions: Region[]): void {
    if (this.#processes.some((process) => process.index === index)) return;
    this.#processes.push({ index, regions });
  }

  /** A free number, or that of a process that is there. */
  #newProcess(process: Process): number {
    const taken = this.#processes.map(({ index }) => index);
    const all = Array.from({ length: PROCESSES_MAX }, (_, index) => index);
    return all.find((index) => !taken.includes(index)) ?? process.index;
  }

  /** A free number, or that of a file to be replaced. */
  #newFile(): number {
    const file = FILES_FROM + (this.#filesEver++ % FILES_MAX);
    if (!this.#files.includes(file)) this.#files.push(file);
    return file;
  }

  #mmap(process: Process): Call<'mmap'> {
    const isNull = this.#random.chance(50);
    if (this.#random.chance(1)) {
      const length = this.#random.pick(VAST_PAGES) * PAGE_BYTES;
      const flags = MAP.private + MAP.anonymous + MAP.noreserve;
      return { name: 'mmap', address: 0, length, prot: 0, flags, file: FILE.none, offset: 0 };
    }
    const isFile = this.#random.chance(30);
    return {
      name: 'mmap',
      address: isNull ? 0 : this.#draw.address(process.regions),
      length: this.#draw.length(),
      prot: this.#draw.prot(),
      flags: this.#draw.mapFlags(isFile, isNull),
      file: isFile ? this.#draw.file(this.#files) : FILE.none,
      offset: isFile ? this.#draw.offset() : 0,
    };
  }

  #mremap(process: Process): Call<'mremap'> {
    const { address, length } = this.#draw.range(process.regions);
    return {
      name: 'mremap',
      address,
      oldLength: this.#random.chance(4) ? 0 : length,
      newLength: this.#random.chance(50) ? length : this.#draw.length(),
      flags: this.#draw.moveFlags(),
      newAddress: this.#draw.address(process.regions),
    };
  }

  #brk(): Call<'brk'> {
    const earlier = this.#steps.findLast(({ call }) => call.name === 'brk');
    if (earlier === undefined || this.#random.chance(15)) return { name: 'brk', address: 0 };
    const pages = this.#random.between(-12, 24) * this.#random.pick([1, 1, 1, 40]);
    const offset = pages * PAGE_BYTES + this.#random.pick([0, 0, 100]);
    return { name: 'brk', address: { step: earlier.id, shift: 0, offset } };
  }

  #processMadvise(process: Process): Call<'process_madvise'> {
    const second = this.#draw.range(process.regions);
    return {
      name: 'process_madvise',
      target: this.#random.chance(80) ? process.index : this.#random.pick(this.#processes).index,
      ...this.#draw.range(process.regions),
      address2: second.address,
      length2: second.length,
      advice: this.#draw.advice(),
      flags: this.#random.chance(3) ? 1 : 0,
    };
  }

  readonly #own: Omit<Drawers, keyof DrawUffd['drawers']> = {
    mmap: (process) => this.#mmap(process),
    munmap: (process) => ({ name: 'munmap', ...this.#draw.range(process.regions) }),
    mprotect: (process) => ({
      name: 'mprotect',
      ...this.#draw.range(process.regions),
      prot: this.#draw.prot(),
    }),
    stripe: (process) => ({
      name: 'stripe',
      address: this.#draw.address(process.regions),
      count: this.#random.between(1, 40),
      prot: this.#draw.prot(),
    }),
    mremap: (process) => this.#mremap(process),
    brk: () => this.#brk(),
    madvise: (process) => {
      const advice = this.#draw.advice();
      const isHuge = advice === ADVICE.hugepage || advice === ADVICE.collapse;
      const range = isHuge
        ? this.#draw.hugeRange(process.regions)
        : this.#draw.range(process.regions);
      return { name: 'madvise', ...range, advice };
    },
    process_madvise: (process) => this.#processMadvise(process),
    mincore: (process) => ({ name: 'mincore', ...this.#draw.range(process.regions) }),
    scan: (process) => drawScan(this.#random, this.#draw.range(process.regions), true),
    mlock: (process) => ({ name: 'mlock', ...this.#draw.range(process.regions) }),
    mlock2: (process) => ({
      name: 'mlock2',
      ...this.#draw.range(process.regions),
      flags: this.#random.pick([0, 1, 1, 2]),
    }),
    munlock: (process) => ({ name: 'munlock', ...this.#draw.range(process.regions) }),
    mlockall: () => ({
      name: 'mlockall',
      flags: this.#random.pick([MCL.current, MCL.future, MCL.current + MCL.onfault, MCL.onfault]),
    }),
    munlockall: () => ({ name: 'munlockall' }),
    msync: (process) => ({
      name: 'msync',
      ...this.#draw.range(process.regions),
      flags: this.#random.pick([MS.async, MS.sync, MS.invalidate, MS.async + MS.sync, 8]),
    }),
    fork: (process) => ({ name: 'fork', child: this.#newProcess(process) }),
    thread: (process) => ({ name: 'thread', child: this.#newProcess(process) }),
    exit: () => ({ name: 'exit' }),
    memfd_create: () => ({
      name: 'memfd_create',
      file: this.#newFile(),
      flags: 0,
      nameLength: this.#random.pick([0, 4, 249, 250]),
    }),
    open: () => ({
      name: 'open',
      file: this.#newFile(),
      place: this.#random.pick(Object.values(PLACE)),
    }),
    reopen: () => {
      const from = this.#random.pick(this.#files);
      const access = this.#random.pick(Object.values(ACCESS));
      return { name: 'reopen', file: this.#newFile(), from, access };
    },
    ftruncate: () => ({
      name: 'ftruncate',
      file: this.#draw.file(this.#files),
      length: this.#draw.offset() + this.#random.pick([0, 1, PAGE_BYTES, 3 * PAGE_BYTES]),
    }),
    fallocate: () => ({
      name: 'fallocate',
      file: this.#draw.file(this.#files),
      mode: this.#draw.allocation(),
      offset: this.#draw.offset(),
      length: this.#draw.length(),
    }),
    fill: () => ({
      name: 'fill',
      file: this.#draw.file(this.#files),
      offset: this.#draw.offset(),
      length: this.#random.between(1, 24) * PAGE_BYTES - this.#random.pick([0, 0, 500]),
      byte: this.#random.pick(BYTES),
    }),
    shmget: () => {
      const segment = this.#random.below(SEGMENTS_MAX);
      if (!this.#segments.includes(segment)) this.#segments.push(segment);
      return { name: 'shmget', segment, length: this.#draw.length(), flags: 0 };
    },
    shmat: (process) => ({
      name: 'shmat',
      segment: this.#someSegment(),
      address: this.#random.chance(75) ? 0 : this.#draw.address(process.regions),
      flags: this.#random.pick([0, 0, SHM.rdonly, SHM.rnd, SHM.remap, SHM.exec]),
    }),
    shmdt: (process) => {
      const attached = this.#steps
        .filter((step) => step.call.name === 'shmat' && step.process === process.index)
        .slice(-4);
      const address: Address =
        attached.length > 0 && this.#random.chance(80)
          ? { step: this.#random.pick(attached).id, shift: 0, offset: 0 }
          : this.#draw.address(process.regions);
      return { name: 'shmdt', address };
    },
    shmctl: () => ({ name: 'shmctl', segment: this.#someSegment(), command: SHMCTL.rmid }),
    load: (process) => ({
      name: 'load',
      ...this.#draw.touch(process.regions, PROT.read),
    }),
    store: (process) => ({
      name: 'store',
      ...this.#draw.touch(process.regions, PROT.write),
      byte: this.#random.pick(BYTES),
    }),
    peek: (process) => ({ name: 'peek', ...this.#draw.touch(process.regions, 0) }),
    poke: (process) => ({
      name: 'poke',
      ...this.#draw.touch(process.regions, 0),
      byte: this.#random.pick(BYTES),
    }),
    fetch: (process) => ({ name: 'fetch', address: this.#draw.address(process.regions) }),
    observe: () => ({ name: 'observe' }),
  };

  #someSegment(): number {
    return this.#segments.length > 0 ? this.#random.pick(this.#segments) : 0;
  }
}

function remember(
  process: Process,
  step: number,
  length: number,
  prot = PROT.read + PROT.write,
): void {
  const pages = Math.ceil(length / PAGE_BYTES);
  if (pages < 1 || pages > VAST_PAGES.at(-1)!) return;
  process.regions.push({ step, pages, prot, isHuge: length % HUGE_BYTES === 0 });
  if (process.regions.length > REGIONS_MAX) process.regions.shift();
}
