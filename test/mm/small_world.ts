/** Small machines for tests: one process, a few private pages. */
import { formatById } from '../../src/arch/index.ts';
import type * as engine from '../../src/mm/index.ts';

/** Either build of the engine. */
export type Engine = typeof engine;

const PAGE_BYTES = 4096;
const PROT = { READ: 1, WRITE: 2 } as const;
const MAP = { PRIVATE: 0x2, ANONYMOUS: 0x20, FIXED_NOREPLACE: 0x100000 } as const;

/** A machine of x86-64 with one process, number 0, started on CPU 0. */
export function newWorld(
  mm: Engine,
  size: Partial<engine.WorldSize> = {},
  bugs: engine.Bugs = {},
): engine.Machine {
  const machine = new mm.Machine({ format: formatById('x86_64-4level')!, ...size }, bugs);
  mm.run(mm.newProcess(machine, 0));
  return machine;
}

/** Private memory at the pages `[start, end)`; EEXIST if something is there. */
export function mapPages(
  mm: Engine,
  task: engine.Task,
  start: number,
  end: number,
  isWritable = true,
): engine.Op<number> {
  return mm.mmap(task, {
    address: start * PAGE_BYTES,
    length: (end - start) * PAGE_BYTES,
    prot: PROT.READ | (isWritable ? PROT.WRITE : 0),
    flags: MAP.PRIVATE | MAP.ANONYMOUS | MAP.FIXED_NOREPLACE,
    file: undefined,
    offset: 0,
  });
}

export function unmapPages(
  mm: Engine,
  task: engine.Task,
  start: number,
  end: number,
): engine.Op<number> {
  return mm.munmap(task, start * PAGE_BYTES, (end - start) * PAGE_BYTES);
}
