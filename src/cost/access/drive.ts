/**
 * Recorded accesses through the TLB and walk caches of a CPU, under designs.
 *
 * Processes take turns on one CPU. An access goes to the MMU at once; only one that faults comes to the
 * kernel, and is tried again, as the hardware does: it misses twice.
 */
import type { EntryIndex, Vpn } from '../../arch/index.ts';
import { assert } from '../../base/assert.ts';
import { type Mmu, MmuCount, SKYLAKE, WalkCount } from '../../mmu/index.ts';
import { Count } from '../../trace/index.ts';
import { explainHost } from '../../twin/explain.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { DESIGNS, evaluateDesigns } from '../../whatif/evaluate.ts';
import { populationOf, refusalOf } from '../population.ts';
import { ENGINE_DESIGNS, type Engine } from '../setup.ts';
import { Stage } from '../stage.ts';
import type { AccessLog } from './access_log.ts';
import { type Common, hostOfLogs } from './log_host.ts';

/** What accesses have met, of one size of page. */
export interface SizeCost {
  readonly pageBytes: number;
  /** Hits of translations held for that size, by level of the TLB, fastest first. */
  readonly hits: number[];
  /** Walks that have found such a page. */
  readonly fills: number;
}

export interface AccessCost {
  readonly id: string;
  readonly accesses: number;
  readonly misses: number;
  readonly sizes: SizeCost[];
  /** Entries of tables that walks have read, and walks that a walk cache has made shorter. */
  readonly walkReferences: number;
  readonly walkCacheHits: number;
  readonly faults: number;
  /** What the translations in each level of the TLB span in the end. */
  readonly reachBytes: number[];
  /** User tables in the end, roots included. */
  readonly tableBytes: number;
}

/** Accesses of a process before it is the turn of the next one. */
const TURN = 100_000;

/** @returns why a design is not run, in place of its cost, if it is not */
export function driveDesigns(
  mm: Engine,
  logs: readonly AccessLog[],
  ids: readonly string[],
  common: Common,
): (AccessCost | { readonly id: string; readonly why: string })[] {
  const host = hostOfLogs(logs, common);
  // Every identical table once is no kernel that could be run.
  const wanted = DESIGNS.filter(
    ({ id }) => ids.includes(id) && ENGINE_DESIGNS.includes(id) && id !== 'identical',
  );
  return evaluateDesigns(explainHost(host), wanted).map(({ design, outcome }) => {
    const why = refusalOf(outcome.snapshot);
    if (why !== undefined) return { id: design.id, why };
    const stage = new Stage(mm, populationOf(outcome.snapshot), design.id, host, {
      cpus: 1,
      tlb: SKYLAKE,
    });
    stage.map();
    return drive(stage, design.id, logs);
  });
}

function drive(stage: Stage, id: string, logs: readonly AccessLog[]): AccessCost {
  const { machine, tally } = stage;
  const mmu = machine.mmus[0]!;
  const before = tally.counters[Count.faults]!;
  // What came before, as huge pages being made, is not of the trace.
  mmu.counters.fill(0);
  mmu.walker.counters.fill(0);
  mmu.tlb.hits.fill(0);
  mmu.tlb.fills.fill(0);
  const runners = logs.map((log, index) => new Runner(stage, index, log));
  for (let isGoingOn = true; isGoingOn; ) {
    isGoingOn = false;
    for (const runner of runners) {
      if (runner.turn(TURN)) isGoingOn = true;
    }
  }
  const faults = tally.counters[Count.faults]! - before;
  const levels = mmu.tlb.hits.length / mmu.tlb.sizes.length;
  return {
    id,
    accesses: logs.reduce((sum, { accesses }) => sum + accesses, 0),
    misses: mmu.counters[MmuCount.misses]!,
    sizes: sizesOf(mmu),
    walkReferences: mmu.walker.counters[WalkCount.entriesRead]!,
    walkCacheHits: mmu.counters[MmuCount.walkCacheHits]!,
    faults,
    reachBytes: Array.from({ length: levels }, (_, level) => mmu.tlb.reach(level) * PAGE_BYTES),
    tableBytes: machine.tableUsed.reduce((sum, used) => sum + used, 0) * PAGE_BYTES,
  };
}

/** Hits of the array that is searched first are not counted one by one: they are what is left. */
export function sizesOf({ tlb, counters }: Mmu): SizeCost[] {
  const { sizes, hits, fills } = tlb;
  const first = tlb.first();
  const atOnce = counters[MmuCount.accesses]! - counters[MmuCount.slowAccesses]!;
  return sizes.map((pages, size) => ({
    pageBytes: pages * PAGE_BYTES,
    hits: Array.from(
      { length: hits.length / sizes.length },
      (_, level) =>
        hits[level * sizes.length + size]! + (level === 0 && size === first.size ? atOnce : 0),
    ),
    fills: fills[size]!,
  }));
}

/** One process, as far as it has come. */
class Runner {
  readonly #stage: Stage;
  readonly #index: number;
  readonly #log: AccessLog;
  /** Where the pages of the log are under the design. */
  readonly #pages: Float64Array;
  #chunk = 0;
  #at = 0;

  constructor(stage: Stage, index: number, log: AccessLog) {
    this.#stage = stage;
    this.#index = index;
    this.#log = log;
    this.#pages = log.pages.map((page) => stage.placeOf(index, page));
  }

  /** @returns whether there is more */
  turn(accesses: number): boolean {
    const { machine } = this.#stage;
    const { mm, cpu } = this.#stage.as(this.#index);
    const mmu = machine.mmus[cpu]!;
    const root = (machine.size.frames + mm.root) * machine.tableEntries;
    mmu.switchTo(mm.id, root as EntryIndex);
    for (let left = accesses; left > 0; ) {
      const records = this.#log.chunks[this.#chunk];
      if (records === undefined) return false;
      const end = Math.min(records.length, this.#at + left);
      const stopped = mmu.accessAll(this.#pages, records, this.#at, end);
      left -= stopped - this.#at;
      this.#at = stopped;
      if (stopped < end) this.#fault(records[stopped]!);
      else if (end === records.length) {
        this.#chunk++;
        this.#at = 0;
      }
    }
    return this.#chunk < this.#log.chunks.length;
  }

  #fault(record: number): void {
    const { mm, machine } = this.#stage;
    const task = this.#stage.as(this.#index);
    const page = this.#pages[record >>> 1]!;
    const access = (record & 1) !== 0 ? mm.Access.WRITE : mm.Access.READ;
    const result = mm.run(mm.handleUserFault(task, page, access));
    assert(result === mm.Fault.DONE, 'an access of a recorded program is served');
    machine.mmus[task.cpu]!.invalidatePage(page as Vpn, task.mm.id);
  }
}
