/**
 * Counts what an engine does instead of writing it down: what an operation costs, and who is charged.
 *
 * A machine that nobody watches counts nothing and pays nothing for it. Counting allocates nothing.
 *
 * Who is charged for a table or a page is who ran when it was allocated, as the kernel charges the
 * memory cgroup of the current task (GFP_PGTABLE_USER, mem_cgroup_charge()).
 */
import { assert } from '../base/assert.ts';
import type { Witness } from './witness.ts';

/** Places in `Tally.counters`. */
export const Count = {
  faults: 0,
  /** A CPU flushes: a range, or all that it holds. */
  flushes: 1,
  fullFlushes: 2,
  ipis: 3,
  locks: 4,
  /** Of page tables. */
  entriesWritten: 5,
  tablesMade: 6,
} as const;
export type Count = (typeof Count)[keyof typeof Count];
const COUNTS = 7;
const {
  faults: FAULTS,
  flushes: FLUSHES,
  fullFlushes: FULL_FLUSHES,
  ipis: IPIS,
  locks: LOCKS,
  entriesWritten: ENTRIES_WRITTEN,
  tablesMade: TABLES_MADE,
} = Count;

/** How many things are counted apart. */
export interface TallySize {
  readonly tables: number;
  readonly frames: number;
  /** Who may be charged: cgroups. */
  readonly payers: number;
}

export class Tally implements Witness {
  time = 0;
  cpu = 0;
  actor = 0;
  /** Nobody asks: locks are counted together. */
  lockName: Witness['lockName'];
  /** Whose memory cgroup is that of the current task. Set by whoever runs operations. */
  payer = 0;

  /** See `Count`. */
  readonly counters = new Float64Array(COUNTS);
  /** By payer: page tables and pages that it is charged for now. */
  readonly tablesCharged: Float64Array;
  readonly pagesCharged: Float64Array;
  readonly #tablePayer: Int32Array;
  readonly #framePayer: Int32Array;

  constructor({ tables, frames, payers }: TallySize) {
    this.tablesCharged = new Float64Array(payers);
    this.pagesCharged = new Float64Array(payers);
    this.#tablePayer = new Int32Array(tables);
    this.#framePayer = new Int32Array(frames);
  }

  lockAcquired(): void {
    this.counters[LOCKS]!++;
  }

  entryWrite(): void {
    this.counters[ENTRIES_WRITTEN]!++;
  }

  tableAlloc(table: number): void {
    assert(this.payer < this.tablesCharged.length, 'who pays is known');
    this.counters[TABLES_MADE]!++;
    this.tablesCharged[this.payer]!++;
    this.#tablePayer[table] = this.payer;
  }

  tableFree(table: number): void {
    this.tablesCharged[this.#tablePayer[table]!]!--;
  }

  folioAlloc(frame: number, order: number): void {
    this.pagesCharged[this.payer]! += 1 << order;
    this.#framePayer[frame] = this.payer;
  }

  folioFree(frame: number, order: number): void {
    this.pagesCharged[this.#framePayer[frame]!]! -= 1 << order;
  }

  flush(_scope: number, mm: number, _start: number, end: number): void {
    this.counters[FLUSHES]!++;
    if (mm < 0 || end >= Number.MAX_SAFE_INTEGER) this.counters[FULL_FLUSHES]!++;
  }

  ipiSent(): void {
    this.counters[IPIS]!++;
  }

  faultBegin(): void {
    this.counters[FAULTS]!++;
  }

  lockBusy(): void {}
  lockReleased(): void {}
  lockDowngraded(): void {}
  tableLink(): void {}
  tableUnlink(): void {}
  ipiHandled(): void {}
  ipiAcknowledged(): void {}
  faultEnd(): void {}
  gracePeriodBegin(): void {}
  gracePeriodEnd(): void {}
  obligationOpened(): void {}
  obligationDischarged(): void {}
  violation(): void {}
}
