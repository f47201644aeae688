/**
 * The simulated machine: CPUs, frames, page tables, address spaces.
 *
 * All state that changes lies in typed arrays that this file lists, so that a state is saved and
 * restored by copying. Everything another CPU can see is an *object* with a number (`objects.ts`).
 */
import type { PteFormat } from '../arch/index.ts';
import { assert } from '../base/assert.ts';
import { Ledger } from './ledger.ts';
import type { MachineSize } from './machine_size.ts';
import { Objects } from './objects.ts';

/** No lock holder, frame, table, VMA, list element. */
export const NONE = -1;

/** Known mistakes that can be switched on, each in one line of the operation it is about. */
export interface Bugs {
  readonly pagesFreedBeforeFlush?: boolean;
  readonly unlockedBeforeFlush?: boolean;
  readonly tablesFreedAtOnce?: boolean;
  readonly noRecheckUnderPageTableLock?: boolean;
}

/** A state of a machine, as `Machine.save()` made it. */
export type Saved = readonly (Int32Array | Uint32Array | Float64Array)[];

export class Machine {
  readonly size: MachineSize;
  readonly bugs: Bugs;
  readonly format: PteFormat;
  /** Entries of the largest table of the format. */
  readonly tableEntries: number;
  /** Frames that move between a CPU's list and the zone at a time: 63 unless memory is small. */
  readonly batch: number;
  readonly objects: Objects;
  readonly #parts: (Int32Array | Uint32Array | Float64Array)[] = [];

  /** CPU, or callback thread, that holds a lock alone, or `NONE`. */
  readonly lockHolder: Int32Array;
  readonly lockReaders: Int32Array;

  /** Own data of each CPU, then of its callback thread: mask of the ranks of the locks it holds. */
  readonly heldRanks: Int32Array;
  /** Object: the CPU. Nested irq-off sections, RCU read sections, and senders of pending IPIs. */
  readonly irqsOff: Int32Array;
  readonly rcuNesting: Int32Array;
  readonly pending: Int32Array;
  /** What a CPU asks others for by IPI. Own data; stands still until all have acknowledged. */
  readonly requestMm: Int32Array;
  readonly requestStart: Float64Array;
  readonly requestEnd: Float64Array;
  /** Own data: the access under way, and which of the translations it may use it shall use. */
  readonly accessMm: Int32Array;
  readonly accessPage: Float64Array;
  readonly choice: Int32Array;

  /** Object: the frame. */
  readonly frameReferences: Int32Array;
  readonly frameData: Int32Array;
  /** References that lockless walkers hold, counted apart to recount the others. */
  readonly framePins: Int32Array;
  /** Links of free lists: of its CPU, or guarded by the zone lock. */
  readonly frameNext: Int32Array;
  readonly cpuFreeFrames: Int32Array;
  readonly cpuFreeCount: Int32Array;
  /** Guarded by the zone lock. */
  readonly zoneFreeFrames: Int32Array;
  readonly zoneFreeTables: Int32Array;

  /** Two lanes for each entry, low then high, table after table. */
  readonly lanes: Uint32Array;
  /** 1 while a table is in use. Object: the table. */
  readonly tableUsed: Int32Array;
  readonly tableNext: Int32Array;
  /** Tables that wait for a grace period, a list for each CPU. Object: the list. */
  readonly callbackTables: Int32Array;

  readonly mmRoot: Int32Array;
  /** Object: the sequence; changes when the mmap write lock is dropped. */
  readonly mmSequence: Int32Array;
  /** CPUs that may hold translations of the address space. */
  readonly mmCpus: Int32Array;
  /** VMAs sorted by start, and how many. Object: the tree. Guarded by the mmap lock for writing. */
  readonly vmaOrder: Int32Array;
  readonly vmaCount: Int32Array;
  /** Pages `[start, end)`; fixed while the VMA is attached. */
  readonly vmaStart: Float64Array;
  readonly vmaEnd: Float64Array;
  readonly vmaWritable: Int32Array;
  readonly vmaUsed: Int32Array;
  /** Readers, and whether it is attached or waited for (`vma.ts`). Object: the count. */
  readonly vmaReferences: Int32Array;
  /** Write-locked while it equals the sequence of the address space. Object: the sequence. */
  readonly vmaSequence: Int32Array;
  /** Present pages, counted by each CPU. */
  readonly rss: Int32Array;

  /** Own data of each CPU: frames and tables that an unmapping has collected. */
  readonly gatherFrames: Int32Array;
  readonly gatherFrameCount: Int32Array;
  readonly gatherTables: Int32Array;
  readonly gatherTableCount: Int32Array;
  readonly gatherStart: Float64Array;
  readonly gatherEnd: Float64Array;

  readonly violation: Int32Array;
  readonly ledger: Ledger;

  constructor(size: MachineSize, bugs: Bugs = {}) {
    assert(size.cpus <= 30, 'CPUs fit a mask of 30 bits');
    this.size = size;
    this.bugs = bugs;
    this.format = size.format;
    this.tableEntries = 2 ** Math.max(...size.format.indexBits);
    this.batch = Math.max(1, Math.min(63, Math.floor(size.frames / (4 * size.cpus))));
    this.objects = new Objects(size, this.tableEntries);
    const { cpus, mms, frames, tables } = size;
    const vmas = size.vmas * mms;
    const words = (count: number): Int32Array => this.#part(new Int32Array(count));
    const pages = (count: number): Float64Array => this.#part(new Float64Array(count));
    this.lockHolder = words(this.objects.locks).fill(NONE);
    this.lockReaders = words(this.objects.locks);
    this.heldRanks = words(2 * cpus);
    this.irqsOff = words(cpus);
    this.rcuNesting = words(cpus);
    this.pending = words(cpus);
    this.requestMm = words(cpus);
    this.requestStart = pages(cpus);
    this.requestEnd = pages(cpus);
    this.accessMm = words(cpus);
    this.accessPage = pages(cpus);
    this.choice = words(1);
    this.frameReferences = words(frames);
    this.frameData = words(frames);
    this.framePins = words(frames);
    this.frameNext = words(frames);
    this.cpuFreeFrames = words(cpus).fill(NONE);
    this.cpuFreeCount = words(cpus);
    this.zoneFreeFrames = words(1).fill(NONE);
    this.zoneFreeTables = words(1).fill(NONE);
    this.lanes = this.#part(new Uint32Array(tables * this.tableEntries * 2));
    this.tableUsed = words(tables);
    this.tableNext = words(tables);
    this.callbackTables = words(cpus).fill(NONE);
    this.mmRoot = words(mms);
    this.mmSequence = words(mms).fill(1);
    this.mmCpus = words(mms);
    this.vmaOrder = words(vmas);
    this.vmaCount = words(mms);
    this.vmaStart = pages(vmas);
    this.vmaEnd = pages(vmas);
    this.vmaWritable = words(vmas);
    this.vmaUsed = words(vmas);
    this.vmaReferences = words(vmas);
    this.vmaSequence = words(vmas);
    this.rss = words(cpus * mms);
    this.gatherFrames = words(cpus * size.gather);
    this.gatherFrameCount = words(cpus);
    this.gatherTables = words(cpus * size.gather);
    this.gatherTableCount = words(cpus);
    this.gatherStart = pages(cpus);
    this.gatherEnd = pages(cpus);
    this.violation = words(1);
    this.ledger = new Ledger(words, pages, size);
    this.#boot();
  }

  save(): Saved {
    return this.#parts.map((part) => part.slice());
  }

  restore(saved: Saved): void {
    assert(saved.length === this.#parts.length, 'a state is of the machine that it is restored to');
    for (let index = 0; index < saved.length; index++) this.#parts[index]!.set(saved[index]!);
  }

  #part<T extends Int32Array | Uint32Array | Float64Array>(part: T): T {
    this.#parts.push(part);
    return part;
  }

  /** All memory is free, each address space has an empty root, and every CPU may run each. */
  #boot(): void {
    const { cpus, mms, frames, tables } = this.size;
    for (let frame = frames - 1; frame >= 0; frame--) {
      this.frameNext[frame] = this.zoneFreeFrames[0]!;
      this.zoneFreeFrames[0] = frame;
    }
    for (let table = tables - 1; table >= mms; table--) {
      this.tableNext[table] = this.zoneFreeTables[0]!;
      this.zoneFreeTables[0] = table;
    }
    for (let mm = 0; mm < mms; mm++) {
      this.mmRoot[mm] = mm;
      this.tableUsed[mm] = 1;
      this.mmCpus[mm] = 2 ** cpus - 1;
    }
  }
}
