/** The machine that a script runs on. */
import type { PteFormat } from '../arch/index.ts';
import type { Design } from '../designs/index.ts';
import type * as engine from '../mm/index.ts';
import { PAGE_BYTES } from '../uapi/mman.ts';
import { LIMITS } from './limits.ts';
import { ScriptError } from './script_error.ts';

/** Either build of the engine. */
export type Engine = typeof engine;

export interface MachineOptions {
  readonly format: PteFormat;
  readonly cpus: number;
  readonly memoryBytes: number;
  readonly thp: 'always' | 'madvise' | 'never';
  /** Known mistakes to make. */
  readonly bugs?: engine.Bugs;
  /** vm.max_map_count */
  readonly mapCountMax: number;
  /** TLBs for the accesses of programs, in the blanked build. */
  readonly tlb?: engine.WorldSize['tlb'];
}

/**
 * User addresses that mmap(2) uses without a hint, as a power of two, where they are not the 47 bits
 * of x86-64.
 *
 * @source TASK_SIZE and DEFAULT_MAP_WINDOW of arch/arm64/include/asm/processor.h,
 *         arch/riscv/include/asm/{pgtable,processor}.h, arch/powerpc/include/asm/task_size_64.h
 *         (Linux 6.18)
 */
const WINDOW_BITS: Readonly<Record<string, number>> = {
  'arm64-4k-39bit': 39,
  'arm64-4k-48bit': 48,
  'riscv64-sv39': 38,
};
/** Left free above the first mapping, for the stack. @source mmap_base() in mm/util.c, MIN_GAP */
const STACK_GAP_PAGES = 2 ** 27 / PAGE_BYTES;

/** Formats whose base pages are those that system calls count in. */
export function hasBasePages({ pageShift }: PteFormat): boolean {
  return 2 ** pageShift === PAGE_BYTES;
}

export function newMachine(
  mm: Engine,
  options: MachineOptions,
  designs: readonly Design[] = [],
): engine.Machine {
  const { format, cpus, memoryBytes, thp } = options;
  if (!hasBasePages(format)) {
    throw new ScriptError(
      `Pages of ${format.id} have ${2 ** format.pageShift} bytes`,
      'Choose a format with pages of 4096 bytes',
    );
  }
  const frames = Math.floor(memoryBytes / PAGE_BYTES);
  const vmas = Math.min(4 * frames, LIMITS.vmas);
  const tableBytes = 2 ** Math.max(...format.indexBits) * 8;
  const size = {
    format,
    cpus,
    frames,
    thp,
    mms: LIMITS.processes,
    tables: Math.max(256, Math.min(frames, LIMITS.tableBytes / tableBytes)),
    vmas,
    anonVmas: vmas,
    inodes: Math.min(frames, LIMITS.inodes),
    userfaultfds: 16,
    gather: 512,
    ...(options.tlb && { tlb: options.tlb }),
  };
  return new mm.Machine(size, options.bugs, designs);
}

/** Where things are in the address spaces of such a machine. */
export function layoutOf(mm: Engine, options: MachineOptions): engine.Layout {
  const { format, memoryBytes, mapCountMax } = options;
  const bits = WINDOW_BITS[format.id];
  const place =
    bits === undefined
      ? {}
      : {
          taskSize: 2 ** bits / PAGE_BYTES,
          mmapBase: 2 ** bits / PAGE_BYTES - STACK_GAP_PAGES,
          brkStartBytes: 2 ** bits / 4,
        };
  const commitLimit = Math.floor(memoryBytes / PAGE_BYTES);
  return { ...mm.DEFAULT_LAYOUT, ...place, commitLimit, mapCountMax };
}
