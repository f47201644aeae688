/**
 * execve(2): another address space for a program, from a description of its ELF images.
 *
 * @source fs/binfmt_elf.c load_elf_binary(), load_elf_interp(); fs/exec.c setup_arg_pages();
 *         arch/x86/entry/vdso/vma.c map_vdso() (Linux 6.18)
 * @omits  randomisation, scripts, executable stacks, what vdso and vvar hold: their pages are empty
 */
import { ENOMEM } from '../../uapi/errno.ts';
import { MAP, PAGE_BYTES, PROT_RW } from '../../uapi/mman.ts';
import { execTask } from '../design/seams.ts';
import { handleUserFault } from '../fault/fault.ts';
import { Access, Fault } from '../fault/result.ts';
import type { OpenFile } from '../file/open_file.ts';
import { mmap } from '../syscall/mmap.ts';
import { munmap } from '../syscall/munmap.ts';
import type { Task } from '../task.ts';
import { DEFAULT_LAYOUT, type Layout } from '../vma/mm.ts';
import { pagesOf } from '../vma/pages.ts';
import { unmappedArea } from '../vma/unmapped_area.ts';
import { insertNew } from '../vma/vma_merge.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import {
  DYNAMIC_BASE,
  mmapBase,
  STACK_EXPANSION,
  STACK_FLAGS,
  TASK_PAGES,
  VDSO_PARTS,
} from './exec_layout.ts';
import { exit } from './exit.ts';
import { newProcess } from './process.ts';

/** A PT_LOAD program header. */
export interface Segment {
  readonly address: number;
  readonly offset: number;
  readonly fileBytes: number;
  readonly memoryBytes: number;
  /** PROT_READ and so on. */
  readonly prot: number;
}

export interface Image {
  readonly file: OpenFile;
  /** ET_DYN: its addresses are offsets from wherever it is put. */
  readonly isPositionIndependent: boolean;
  /** By address. */
  readonly segments: readonly Segment[];
}

export interface Program {
  readonly image: Image;
  /** The dynamic linker (PT_INTERP). */
  readonly interpreter: Image | undefined;
  /** What the strings of arguments and environment take, in pages. */
  readonly argumentPages: number;
  /** RLIMIT_STACK, in bytes. */
  readonly stackLimit: number;
}

/**
 * Lets the task go on in an address space of its own with `program` in it.
 *
 * @returns the task in its new address space, or ENOMEM, and the old one stays
 * @locks   what mmap(2), faults and the end of the old address space need
 */
export function* execve(task: Task, program: Program): Op<Task | typeof ENOMEM> {
  const { machine, cpu } = task;
  const started = yield* newProcess(machine, cpu, layoutOf(program));
  if (started === undefined) return ENOMEM;
  const isLoaded = yield* load(started, program);
  if (isLoaded) execTask(task, started);
  yield* exit(isLoaded ? task : started);
  return isLoaded ? started : ENOMEM;
}

/** The break is where the program ends; one that is placed like a mapping has it elsewhere. */
function layoutOf({ image, interpreter, stackLimit }: Program): Layout {
  const isPlaced = image.isPositionIndependent && interpreter === undefined;
  const base = image.isPositionIndependent ? DYNAMIC_BASE : 0;
  const end = isPlaced ? base : alignDown(base) + endOf(image);
  return {
    ...DEFAULT_LAYOUT,
    mmapBase: mmapBase(stackLimit),
    brkStartBytes: pagesOf(end) * PAGE_BYTES,
    stackLimit: Math.floor(Math.min(stackLimit, TASK_PAGES * PAGE_BYTES) / PAGE_BYTES),
  };
}

const alignDown = (bytes: number): number => bytes - (bytes % PAGE_BYTES);

const endOf = ({ segments }: Image): number =>
  Math.max(...segments.map(({ address, memoryBytes }) => address + memoryBytes));

function* load(task: Task, { image, interpreter, argumentPages }: Program): Op<boolean> {
  const hasStack = yield* mapStack(task, argumentPages);
  if (!hasStack) return false;
  const isDynamic = image.isPositionIndependent && interpreter !== undefined;
  const isMapped = yield* mapImage(task, image, isDynamic ? alignDown(DYNAMIC_BASE) : undefined);
  if (!isMapped) return false;
  const isLinked = interpreter === undefined || (yield* mapImage(task, interpreter, undefined));
  if (!isLinked) return false;
  return yield* mapVdso(task);
}

/** The stack, with the pages that hold the arguments. */
function* mapStack(task: Task, argumentPages: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const pages = Math.min(argumentPages + STACK_EXPANSION, mm.layout.stackLimit);
  yield* mmapWriteLock(machine, cpu, mm.id);
  yield* map(task, TASK_PAGES - pages, pages, STACK_FLAGS);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  for (let page = TASK_PAGES - argumentPages; page < TASK_PAGES; page++) {
    const result = yield* handleUserFault(task, page, Access.WRITE);
    if (result !== Fault.DONE) return false;
  }
  return true;
}

/** Called under the mmap write lock. */
function* map(task: Task, start: number, pages: number, flags: number): Op<void> {
  const unused = { file: undefined, anonVma: undefined, chain: [] };
  yield* insertNew(task, { start, end: start + pages, flags, pgoff: start, ...unused });
}

/**
 * Maps all segments, at `base` if they can be anywhere, or where there is room for all of them. An
 * image that cannot be anywhere is mapped where it says.
 *
 * @locks what mmap(2) and faults need
 */
export function* mapImage(task: Task, image: Image, base: number | undefined): Op<boolean> {
  const first = image.segments[0]!;
  let bias = image.isPositionIndependent ? base : 0;
  if (bias === undefined) {
    const length = endOf(image) - alignDown(first.address);
    const call = { prot: first.prot, flags: MAP.PRIVATE, file: image.file };
    const start = yield* mmap(task, {
      address: 0,
      length,
      offset: alignDown(first.offset),
      ...call,
    });
    if (start < 0) return false;
    yield* munmap(task, start, length);
    bias = start - alignDown(first.address);
  }
  for (const segment of image.segments) {
    const isMapped = yield* mapSegment(task, image.file, segment, bias);
    if (!isMapped) return false;
  }
  return true;
}

/** Maps what the file has, zeroes the rest of its last page, and maps memory for the rest. */
function* mapSegment(task: Task, file: OpenFile, segment: Segment, bias: number): Op<boolean> {
  const { address, offset, fileBytes, memoryBytes, prot } = segment;
  const start = alignDown(bias + address);
  const fileEnd = bias + address + fileBytes;
  const call = { prot, flags: MAP.PRIVATE | MAP.FIXED, file, offset: alignDown(offset) };
  const mapped = yield* mmap(task, { address: start, length: fileEnd - start, ...call });
  if (mapped < 0) return false;
  if (memoryBytes === fileBytes) return true;
  if (fileEnd % PAGE_BYTES !== 0) {
    yield* handleUserFault(task, Math.floor(fileEnd / PAGE_BYTES), Access.WRITE);
  }
  const memoryStart = pagesOf(fileEnd) * PAGE_BYTES;
  const length = pagesOf(bias + address + memoryBytes) * PAGE_BYTES - memoryStart;
  if (length <= 0) return true;
  const flags = MAP.PRIVATE | MAP.FIXED | MAP.ANONYMOUS;
  const rest = { prot: PROT_RW, flags, file: undefined, offset: 0 };
  return (yield* mmap(task, { address: memoryStart, length, ...rest })) >= 0;
}

/**
 * Maps what the kernel has for every program where there is room, below the dynamic linker.
 *
 * @locks mmap (write)
 */
export function* mapVdso(task: Task): Op<boolean> {
  const { machine, cpu, mm } = task;
  yield* mmapWriteLock(machine, cpu, mm.id);
  const pages = VDSO_PARTS.reduce((sum, part) => sum + part.pages, 0);
  const place = { inode: undefined, isShared: true, pgoff: 0, isFixed: false, is32Bit: false };
  let start = unmappedArea(mm, { address: 0, pages, ...place });
  const isPlaced = start >= 0;
  for (const part of isPlaced ? VDSO_PARTS : []) {
    yield* map(task, start, part.pages, part.flags);
    start += part.pages;
  }
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  return isPlaced;
}
