/** A machine of one CPU with one process, for tests that ask what one call leaves behind. */
import assert from 'node:assert/strict';
import { formatById } from '../../src/arch/index.ts';
import {
  audit,
  load,
  Machine,
  mmap,
  newProcess,
  type Op,
  run,
  store,
  type Task,
  violationOf,
  type WorldSize,
} from '../../src/mm/index.ts';

export const PAGE_BYTES = 4096;
export const PROT = { NONE: 0, READ: 1, WRITE: 2, EXEC: 4 } as const;
const MAP = { SHARED: 1, PRIVATE: 2, FIXED: 0x10, ANONYMOUS: 0x20 } as const;
/** Pages of a table of the lowest level: places of programs start at a multiple of it. */
export const TABLE = 512;

export class OneProcess {
  readonly task: Task;

  constructor(size: Partial<WorldSize> = {}) {
    const format = formatById('x86_64-4level')!;
    const machine = new Machine({ format, frames: 4096, tables: 64, gather: 512, ...size });
    const task = run(newProcess(machine, 0));
    assert.ok(task);
    this.task = task;
  }

  map(start: number, pages: number, prot: number = PROT.READ | PROT.WRITE, kind = 'private'): void {
    const flags = MAP.FIXED | MAP.ANONYMOUS | (kind === 'shared' ? MAP.SHARED : MAP.PRIVATE);
    const address = start * PAGE_BYTES;
    const length = pages * PAGE_BYTES;
    const call = { address, length, prot, flags, file: undefined, offset: 0 };
    assert.equal(run(mmap(this.task, call)), address);
  }

  /** Writes the number of each page into it. */
  fill(start: number, pages: number): void {
    for (let page = start; page < start + pages; page++) {
      assert.equal(run(store(this.task, page, page)), 0);
    }
  }

  /** The word of a page, or -1 - how the fault ended. */
  load(page: number): number {
    return run(load(this.task, page));
  }

  /** The result of a call, after which all counts have to be right. */
  call(operation: Op<number>): number {
    const result = run(operation);
    this.check();
    return result;
  }

  check(): void {
    audit(this.task.machine);
    assert.equal(violationOf(this.task.machine), undefined);
  }

  /** Page tables below the root. */
  get tables(): number {
    return this.task.mm.tables;
  }

  get anonymousPages(): number {
    return this.task.mm.rss[1]!;
  }
}
