/** Small machines whose processes map files, for tests of designs: tables of four pages. */
import { x86_64Like } from '../../src/arch/index.ts';
import type * as designs from '../../src/designs/index.ts';
import type * as engine from '../../src/mm/index.ts';

/** A build of the engine, with its designs. */
export type Build = typeof engine & typeof designs;

export const PAGE_BYTES = 4096;
/** Pages of a PTE table, and of a PMD table. */
export const TABLE = 4;
export const PMD = 16;
export const SMALL = x86_64Like('x86_64-small', [2, 2, 3, 9]);

export const PROT = { READ: 1, WRITE: 2, EXEC: 4 } as const;
export const MAP = { SHARED: 1, PRIVATE: 2, FIXED: 0x10 } as const;

export class FileWorld {
  readonly mm: Build;
  readonly machine: engine.Machine;
  /** One for each process, on the CPU with its number as far as there are so many. */
  readonly tasks: engine.Task[] = [];
  readonly file: engine.OpenFile;

  constructor(
    mm: Build,
    design: engine.Machine['designs'],
    processes: number,
    size: Partial<engine.WorldSize> = {},
  ) {
    this.mm = mm;
    const cpus = size.cpus ?? processes;
    this.machine = new mm.Machine(
      {
        format: SMALL,
        mms: processes + 1,
        frames: 256,
        tables: 16 * (processes + 1),
        vmas: 32 * processes,
        anonVmas: 64,
        thp: 'never',
        gather: 32,
        ...size,
        cpus,
      },
      {},
      design,
    );
    for (let process = 0; process < processes; process++) {
      const cpu = process % cpus;
      const task = mm.run(mm.newProcess(this.machine, cpu));
      if (task === undefined) throw new RangeError('Cannot make a process: there are too many');
      this.tasks.push(task);
    }
    const file = mm.memfdCreate(this.tasks[0]!, 0, 0);
    if (typeof file === 'number') throw new RangeError('Cannot make a file');
    this.file = file;
    mm.run(mm.ftruncate(this.tasks[0]!, file, 4096 * PAGE_BYTES));
  }

  /** Maps `pages` pages of the file from its first page on. @returns 0 or more, or an errno */
  map(
    process: number,
    start: number,
    pages: number,
    prot: number = PROT.READ | PROT.WRITE,
    flags: number = MAP.SHARED,
    pgoff = 0,
  ): number {
    const call = {
      address: start * PAGE_BYTES,
      length: pages * PAGE_BYTES,
      prot,
      flags: flags | MAP.FIXED,
      file: this.file,
      offset: pgoff * PAGE_BYTES,
    };
    return this.mm.run(this.mm.mmap(this.tasks[process]!, call));
  }

  load(process: number, page: number): number {
    return this.mm.run(this.mm.load(this.tasks[process]!, page));
  }

  store(process: number, page: number, value: number): number {
    return this.mm.run(this.mm.store(this.tasks[process]!, page, value));
  }

  unmap(process: number, start: number, pages: number): number {
    const { mm } = this;
    return mm.run(mm.munmap(this.tasks[process]!, start * PAGE_BYTES, pages * PAGE_BYTES));
  }

  protect(process: number, start: number, pages: number, prot: number): number {
    const { mm } = this;
    return mm.run(mm.mprotect(this.tasks[process]!, start * PAGE_BYTES, pages * PAGE_BYTES, prot));
  }

  move(process: number, start: number, pages: number, target: number): number {
    const { mm } = this;
    const bytes = pages * PAGE_BYTES;
    return mm.run(
      mm.mremap(this.tasks[process]!, {
        address: start * PAGE_BYTES,
        oldLength: bytes,
        newLength: bytes,
        flags: 3,
        newAddress: target * PAGE_BYTES,
      }),
    );
  }

  /** What is violated when all is quiet. */
  violation(): string | undefined {
    this.mm.audit(this.machine);
    return this.mm.violationOf(this.machine);
  }

  /** Page tables in use, those of the lowest levels of all address spaces, and the roots. */
  get tables(): number {
    return this.machine.tableUsed.reduce((sum, used) => sum + used, 0);
  }

  /** The tables that `process` walks through for `page`: the PTE table first; NONE if missing. */
  path(process: number, page: number): number[] {
    const { mm, machine, tasks } = this;
    const { format } = machine;
    const found: number[] = [];
    let table = tasks[process]!.mm.root;
    for (let level = format.levels - 1; level > 0; level--) {
      const slot = table * machine.tableEntries + format.index(page as never, level);
      if (!mm.isTableAt(machine, slot, level)) return found;
      table = mm.tableAt(machine, slot, level);
      found.unshift(table);
    }
    return found;
  }
}
