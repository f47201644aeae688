/** Numbers of the objects that points announce: everything that more than one CPU can see. */
import type { MachineSize } from './machine_size.ts';

export class Objects {
  /** Locks are the objects below this number. */
  readonly locks: number;
  readonly #tables: number;
  readonly #sequences: number;
  readonly #trees: number;
  readonly #cpuMasks: number;
  readonly #vmaReferences: number;
  readonly #vmaSequences: number;
  readonly #cpus: number;
  readonly #tlbs: number;
  readonly #callbacks: number;
  readonly #frames: number;
  readonly #tablePages: number;
  readonly #entries: number;
  readonly #mms: number;
  readonly #tableEntries: number;

  constructor({ cpus, mms, frames, tables, vmas }: MachineSize, tableEntries: number) {
    this.#tableEntries = tableEntries;
    let next = 0;
    const take = (count: number): number => {
      next += count;
      return next - count;
    };
    take(1 + 2 * mms);
    this.#mms = mms;
    this.#tables = take(tables);
    this.locks = next;
    this.#sequences = take(mms);
    this.#trees = take(mms);
    this.#cpuMasks = take(mms);
    this.#vmaReferences = take(vmas * mms);
    this.#vmaSequences = take(vmas * mms);
    this.#cpus = take(cpus);
    this.#tlbs = take(cpus);
    this.#callbacks = take(cpus);
    this.#frames = take(frames);
    this.#tablePages = take(tables);
    this.#entries = take(tables * tableEntries);
  }

  readonly zoneLock = 0;
  mmapLock(mm: number): number {
    return 1 + mm;
  }
  /** Guards the entries of the upper tables. */
  pageTableLock(mm: number): number {
    return 1 + this.#mms + mm;
  }
  /** Guards the entries of one table of the two lowest levels. */
  tableLock(table: number): number {
    return this.#tables + table;
  }
  sequence(mm: number): number {
    return this.#sequences + mm;
  }
  tree(mm: number): number {
    return this.#trees + mm;
  }
  cpuMask(mm: number): number {
    return this.#cpuMasks + mm;
  }
  vmaReferences(vma: number): number {
    return this.#vmaReferences + vma;
  }
  vmaSequence(vma: number): number {
    return this.#vmaSequences + vma;
  }
  cpu(cpu: number): number {
    return this.#cpus + cpu;
  }
  tlb(cpu: number): number {
    return this.#tlbs + cpu;
  }
  callbacks(cpu: number): number {
    return this.#callbacks + cpu;
  }
  frame(frame: number): number {
    return this.#frames + frame;
  }
  table(table: number): number {
    return this.#tablePages + table;
  }
  entry(slot: number): number {
    return this.#entries + slot;
  }

  /** The number within its own kind: of a CPU, a VMA, a table. */
  vmaOf(object: number): number {
    return object - this.#vmaReferences;
  }
  cpuOf(object: number): number {
    return object - this.#cpus;
  }
  listOf(object: number): number {
    return object - this.#callbacks;
  }
  tlbOf(object: number): number {
    return object - this.#tlbs;
  }
  tableOf(object: number): number {
    return object - this.#tablePages;
  }
  /** The table that an entry lies in, or a negative number if the object is no entry. */
  tableOfEntry(object: number): number {
    return Math.floor((object - this.#entries) / this.#tableEntries);
  }

  /** `table 3 [17]`, to show. */
  describe(object: number): string {
    const names: readonly (readonly [number, string])[] = [
      [this.#frames, 'frame'],
      [this.#callbacks, 'RCU callbacks of CPU'],
      [this.#tlbs, 'TLB of CPU'],
      [this.#cpus, 'CPU'],
      [this.#vmaSequences, 'sequence of VMA'],
      [this.#vmaReferences, 'lock of VMA'],
      [this.#cpuMasks, 'CPU mask of mm'],
      [this.#trees, 'VMA tree of mm'],
      [this.#sequences, 'sequence of mm'],
      [this.#tables, 'lock of table'],
      [1 + this.#mms, 'page_table_lock of mm'],
      [1, 'mmap_lock of mm'],
    ];
    if (object >= this.#entries) {
      return `table ${this.tableOfEntry(object)} [${(object - this.#entries) % this.#tableEntries}]`;
    }
    if (object >= this.#tablePages) return `table ${this.tableOf(object)}`;
    const found = names.find(([base]) => object >= base);
    return found === undefined ? 'zone lock' : `${found[1]} ${object - found[0]}`;
  }
}
