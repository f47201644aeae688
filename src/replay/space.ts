/**
 * An address space of the recording. Where randomisation put it is not written in a list of calls, but
 * its first calls show it: brk(NULL) says where the heap starts, and the first mmap(NULL) of the
 * dynamic linker is right below what execve(2) mapped. Calls wait until then.
 *
 * @source fs/binfmt_elf.c load_elf_binary(), arch/x86/mm/mmap.c (Linux 6.18)
 */
import type * as engine from '../mm/index.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import type { ElfProgram } from './elf.ts';
import { beginAt } from './faults/begin.ts';
import type { ExecState } from './faults/line.ts';
import type { Host } from './host.ts';
import type { Done } from './judge.ts';
import { Order } from './order.ts';
import type { LoadedFile, StartedProgram } from './program.ts';
import { ReplayError } from './replay_error.ts';
import { limitedLayout, type ResourceLimits } from './resource_limits.ts';

/** vvar, vvar_vclock and vdso. */
const VDSO_PAGES = 8;
/** Programs that can be anywhere are not below it. */
const DYNAMIC_MIN = 2 ** 40;

const down = (bytes: number): number => bytes - (bytes % PAGE_BYTES);
const up = (bytes: number): number => Math.ceil(bytes / PAGE_BYTES) * PAGE_BYTES;

/** Where something is, in bytes. */
export interface Placed {
  readonly start: number;
  readonly end: number;
}

type Places = Pick<engine.Layout, 'mmapBase' | 'isBottomUp'>;

/** How far at most mmap_legacy_base is above a third of the address space (vm.mmap_rnd_bits). */
const RANDOM_PAGES_MAX = 2 ** 32;

export class Space {
  readonly #host: Host;
  readonly program: StartedProgram;
  readonly order: Order;
  /** Calls that wait until it is known where it is. */
  readonly waiting: Done[] = [];
  readonly #perform: (space: Space, done: Done) => void;
  /** Threads that use it. */
  holders = 1;
  /** From the first brk(2) on. */
  brkStart: number | undefined;
  /** From when it is known where it is. */
  task: engine.Task | undefined;
  /** Of the process that it was made for. */
  readonly limits: ResourceLimits;
  #isImageMapped = false;
  #hasStack = false;

  /** @param perform performs its calls, in their order */
  constructor(
    host: Host,
    program: StartedProgram,
    limits: ResourceLimits,
    perform: (space: Space, done: Done) => void,
  ) {
    this.#host = host;
    this.program = program;
    this.limits = limits;
    this.#perform = perform;
    this.order = new Order(host, (done) => perform(this, done));
  }

  /** Puts it where the first mapping that the kernel placed shows it to be. @throws ReplayError */
  begin(line: number, first: Placed | undefined): engine.Task {
    const { mm } = this.#host;
    const { image, interpreter } = this.program;
    // Of a dynamic program whose linker is not at hand, all that is known is what is free.
    const isBlind = image === undefined || (image.elf.interpreter !== undefined && !interpreter);
    const above = isBlind ? 0 : VDSO_PAGES + (interpreter ? pagesOf(interpreter.elf) : 0);
    this.#newTask(line, placesOf(mm.DEFAULT_LAYOUT, first, above));
    if (interpreter !== undefined) this.#map(interpreter, undefined);
    if (!isBlind) this.#host.run(mm.mapVdso(this.task!));
    if (image !== undefined && !image.elf.isPositionIndependent) this.#mapImage(image, 0);
    return this.task!;
  }

  /** Puts it where a recorded state says. @throws ReplayError */
  beginAt(line: number, state: ExecState): void {
    this.brkStart = state.brkStart;
    this.#isImageMapped = true;
    this.#hasStack = true;
    this.task = beginAt(this.#host, line, state);
    this.applyLimits();
  }

  #newTask(line: number, places: Places): void {
    const { mm, machine, facts } = this.#host;
    this.#host.wantSpace(line);
    const layout = {
      ...mm.DEFAULT_LAYOUT,
      ...places,
      brkStartBytes: this.brkStart ?? mm.DEFAULT_LAYOUT.brkStartBytes,
      commitLimit: Math.floor(facts.memoryBytes / PAGE_BYTES),
      mapCountMax: facts.mapCountMax,
    };
    this.task = this.#host.run(mm.newProcess(machine, 0, layout));
    this.applyLimits();
    if (this.task !== undefined) return;
    throw new ReplayError(line, 'the simulated machine is full', 'Record fewer processes');
  }

  /** The limits of its process have changed. */
  applyLimits(): void {
    const mm = this.task?.mm;
    if (mm !== undefined) mm.layout = limitedLayout(mm.layout, this.limits, this.#hasStack);
  }

  /** A program that can be anywhere shows where it is when the linker protects its relocations. */
  recognise(address: number, length: number): void {
    const { image } = this.program;
    if (this.#isImageMapped || image?.elf.relro === undefined) return;
    if (!image.elf.isPositionIndependent) return;
    const { relro } = image.elf;
    const base = address - down(relro.address);
    const protectedBytes = down(relro.address + relro.bytes) - down(relro.address);
    const end = base + endOf(image.elf);
    if (base < DYNAMIC_MIN || up(length) !== protectedBytes) return;
    if (end > (this.brkStart ?? Number.POSITIVE_INFINITY)) return;
    if (this.task!.mm.vmas.within(base / PAGE_BYTES, Math.ceil(end / PAGE_BYTES)).length > 0)
      return;
    this.#mapImage(image, base);
  }

  #mapImage(file: LoadedFile, base: number): void {
    this.#isImageMapped = true;
    this.#map(file, base);
  }

  #map({ path, elf }: LoadedFile, base: number | undefined): void {
    const file = this.#host.open(path, { isReadable: true, isWritable: false });
    const { isPositionIndependent, segments } = elf;
    this.#host.run(
      this.#host.mm.mapImage(this.task!, { file, isPositionIndependent, segments }, base),
    );
    this.#host.close(file);
  }

  /** Whether something may be there that no call made: the program, its stack, what came before. */
  mayHaveUnseen(address: number): boolean {
    if (address >= this.task!.mm.layout.mmapBase * PAGE_BYTES) return true;
    return !this.#isImageMapped && address < (this.brkStart ?? Number.POSITIVE_INFINITY);
  }

  /** The address space of a child. @throws ReplayError */
  fork(line: number, limits: ResourceLimits): Space {
    const task = this.task!;
    this.#host.wantSpace(line);
    this.#host.wantRoom(line, task.mm.vmas.size);
    const child = new Space(this.#host, this.program, limits, this.#perform);
    this.#host.noteFork();
    const forked = this.#host.run(this.#host.mm.fork(task, 0));
    if (typeof forked === 'number') {
      throw new ReplayError(line, 'the simulated machine is full', 'Record fewer processes');
    }
    child.task = forked;
    child.brkStart = this.brkStart;
    child.#isImageMapped = this.#isImageMapped;
    child.#hasStack = this.#hasStack;
    return child;
  }

  /** A thread leaves. */
  leave(): void {
    if (--this.holders > 0 || this.task === undefined) return;
    this.#host.run(this.#host.mm.exit(this.task));
    this.task = undefined;
  }
}

/**
 * Where the kernel places mappings, from where it has placed the first one behind the linker and the vdso.
 *
 * @param before pages of these two
 */
function placesOf(usual: engine.Layout, first: Placed | undefined, before: number): Places {
  if (first === undefined) return usual;
  const [start, end] = [first.start / PAGE_BYTES, first.end / PAGE_BYTES];
  const legacy = Math.ceil(usual.taskSize / 3);
  if (start >= legacy && start < legacy + RANDOM_PAGES_MAX + before) {
    return { mmapBase: start - before, isBottomUp: true };
  }
  return { mmapBase: Math.min(end + before, usual.taskSize) };
}

function endOf({ segments }: ElfProgram): number {
  return Math.max(...segments.map(({ address, memoryBytes }) => address + memoryBytes));
}

function pagesOf(elf: ElfProgram): number {
  return (up(endOf(elf)) - down(elf.segments[0]!.address)) / PAGE_BYTES;
}
