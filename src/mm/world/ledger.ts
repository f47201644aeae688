/**
 * The flush ledger: which translations TLBs may still hold.
 *
 * A TLB may hold any translation that could be walked since it was last flushed, so correctness must
 * not depend on what a certain TLB happened to hold. An entry that loses rights or changes its target
 * opens an *obligation*: these CPUs may still use it. A flush by a CPU discharges that CPU's part.
 * A frame or table that is freed with an open obligation is a violation, whatever the TLBs held.
 *
 * Walk caches are checked at the free only: no access goes through an unlinked table.
 */
import { assert } from '../base/assert.ts';
import type { MachineSize } from './machine_size.ts';

export class Ledger {
  /** CPUs that may still use the translation; 0 in a place that is free. */
  readonly #cpus: Int32Array;
  readonly #mm: Int32Array;
  readonly #start: Float64Array;
  readonly #end: Float64Array;
  /** The frame that was mapped, or -1 - table for a table that was linked. */
  readonly #target: Int32Array;
  readonly #writable: Int32Array;
  /** One past the last place in use. */
  readonly #length: Int32Array;
  readonly #openOnFrame: Int32Array;
  readonly #openOnTable: Int32Array;

  constructor(
    words: (count: number) => Int32Array,
    pages: (count: number) => Float64Array,
    { cpus, frames, tables, gather }: MachineSize,
  ) {
    // Every CPU may have a gather full of pages and one of tables that are not flushed yet.
    const obligations = cpus * 2 * gather;
    this.#cpus = words(obligations);
    this.#mm = words(obligations);
    this.#start = pages(obligations);
    this.#end = pages(obligations);
    this.#target = words(obligations);
    this.#writable = words(obligations);
    this.#length = words(1);
    this.#openOnFrame = words(frames);
    this.#openOnTable = words(tables);
  }

  /** A page that mapped `frame` has lost it, or the right to write to it. */
  openPage(cpus: number, mm: number, page: number, frame: number, writable: boolean): void {
    this.#open(cpus, mm, page, page + 1, frame, writable);
    this.#openOnFrame[frame]!++;
  }

  /** `table`, which was linked for the pages `[start, end)`, is no longer. */
  openTable(cpus: number, mm: number, start: number, end: number, table: number): void {
    this.#open(cpus, mm, start, end, -1 - table, true);
    this.#openOnTable[table]!++;
  }

  #open(
    cpus: number,
    mm: number,
    start: number,
    end: number,
    target: number,
    writable: boolean,
  ): void {
    assert(cpus !== 0, 'an obligation has a debtor');
    const at = this.#length[0]!;
    assert(at < this.#cpus.length, 'the ledger has room');
    this.#cpus[at] = cpus;
    this.#mm[at] = mm;
    this.#start[at] = start;
    this.#end[at] = end;
    this.#target[at] = target;
    this.#writable[at] = writable ? 1 : 0;
    this.#length[0] = at + 1;
  }

  /** `cpu` has flushed the pages `[start, end)` of `mm`, with the walk caches for them. */
  discharge(cpu: number, mm: number, start: number, end: number): void {
    for (let at = 0; at < this.#length[0]!; at++) {
      if (this.#mm[at] !== mm) continue;
      if (this.#start[at]! < start || this.#end[at]! > end) continue;
      if ((this.#cpus[at]! & (1 << cpu)) === 0) continue;
      this.#cpus[at]! &= ~(1 << cpu);
      if (this.#cpus[at] === 0) this.#close(at);
    }
    while (this.#length[0]! > 0 && this.#cpus[this.#length[0]! - 1] === 0) this.#length[0]!--;
  }

  #close(at: number): void {
    const target = this.#target[at]!;
    if (target >= 0) this.#openOnFrame[target]!--;
    else this.#openOnTable[-1 - target]!--;
  }

  holdsFrame(frame: number): boolean {
    return this.#openOnFrame[frame]! > 0;
  }

  holdsTable(table: number): boolean {
    return this.#openOnTable[table]! > 0;
  }

  /** How many frames `cpu` may reach through stale translations of `page`. */
  countStale(cpu: number, mm: number, page: number): number {
    let count = 0;
    for (let last = -1; ; count++) {
      last = this.#nextStale(cpu, mm, page, last);
      if (last < 0) return count;
    }
  }

  /**
   * The frame behind the stale translation number `which`, or -1 if it does not allow `write`.
   * They are numbered by frame, so that the order in which they became stale does not show.
   */
  stale(cpu: number, mm: number, page: number, which: number, write: boolean): number {
    let frame = -1;
    for (let count = 0; count <= which; count++) frame = this.#nextStale(cpu, mm, page, frame);
    assert(frame >= 0, 'a stale translation that was chosen exists');
    for (let at = 0; at < this.#length[0]!; at++) {
      if (!this.#covers(at, cpu, mm, page) || this.#target[at] !== frame) continue;
      if (!write || this.#writable[at] === 1) return frame;
    }
    return -1;
  }

  #nextStale(cpu: number, mm: number, page: number, above: number): number {
    let next = -1;
    for (let at = 0; at < this.#length[0]!; at++) {
      const target = this.#target[at]!;
      if (target <= above || target < 0 || !this.#covers(at, cpu, mm, page)) continue;
      if (next < 0 || target < next) next = target;
    }
    return next;
  }

  #covers(at: number, cpu: number, mm: number, page: number): boolean {
    if ((this.#cpus[at]! & (1 << cpu)) === 0 || this.#mm[at] !== mm) return false;
    return this.#start[at]! <= page && page < this.#end[at]!;
  }
}
