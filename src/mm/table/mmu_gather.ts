/**
 * Unmapping in batches: pages and tables that were taken out of the tables are freed only after
 * every CPU has flushed them, and tables only after every lockless walker has left too.
 *
 * The gather of an operation is its CPU's own data.
 *
 * @source mm/mmu_gather.c tlb_gather_mmu(), tlb_flush_mmu(), tlb_finish_mmu() (Linux 6.18)
 * @omits  nested flushes of parallel unmappings, delayed rmap, swap
 */
import { deliverCallbacks } from './delivery.ts';
import { putFrame } from './frame.ts';
import type { Machine } from './machine.ts';
import type { Op } from './op.ts';
import { freeTable } from './pgtable.ts';
import { callRcu } from './rcu.ts';
import { flushTlbMmRange } from './tlb.ts';

export function tlbGatherMmu(machine: Machine, cpu: number): void {
  machine.gatherFrameCount[cpu] = 0;
  machine.gatherTableCount[cpu] = 0;
  machine.gatherStart[cpu] = Number.POSITIVE_INFINITY;
  machine.gatherEnd[cpu] = 0;
}

/** Whether the gather has room for another page and another table. */
export function isGatherFull(machine: Machine, cpu: number): boolean {
  const { gather } = machine.size;
  return machine.gatherFrameCount[cpu] === gather || machine.gatherTableCount[cpu] === gather;
}

export function tlbRemovePage(machine: Machine, cpu: number, page: number, frame: number): void {
  machine.gatherFrames[cpu * machine.size.gather + machine.gatherFrameCount[cpu]!++] = frame;
  widen(machine, cpu, page, page + 1);
}

/** `table` was linked for the pages `[start, end)`. */
export function tlbRemoveTable(
  machine: Machine,
  cpu: number,
  start: number,
  end: number,
  table: number,
): void {
  machine.gatherTables[cpu * machine.size.gather + machine.gatherTableCount[cpu]!++] = table;
  widen(machine, cpu, start, end);
}

function widen(machine: Machine, cpu: number, start: number, end: number): void {
  if (start < machine.gatherStart[cpu]!) machine.gatherStart[cpu] = start;
  if (end > machine.gatherEnd[cpu]!) machine.gatherEnd[cpu] = end;
}

/** Flushes, then frees the pages, and the tables after a grace period. */
export function* tlbFlushMmu(machine: Machine, cpu: number, mm: number): Op<void> {
  if (machine.gatherEnd[cpu] === 0) return;
  if (machine.bugs.pagesFreedBeforeFlush === true) yield* freeFrames(machine, cpu);
  yield* flushTlbMmRange(machine, cpu, mm, machine.gatherStart[cpu]!, machine.gatherEnd[cpu]!);
  yield* freeFrames(machine, cpu);
  for (let at = 0; at < machine.gatherTableCount[cpu]!; at++) {
    const table = machine.gatherTables[cpu * machine.size.gather + at]!;
    if (machine.bugs.tablesFreedAtOnce === true) yield* freeTable(machine, cpu, table);
    else yield* callRcu(machine, cpu, table);
  }
  if (machine.gatherTableCount[cpu]! > 0) deliverCallbacks(machine, cpu);
  tlbGatherMmu(machine, cpu);
}

function* freeFrames(machine: Machine, cpu: number): Op<void> {
  for (let at = 0; at < machine.gatherFrameCount[cpu]!; at++) {
    yield* putFrame(machine, cpu, machine.gatherFrames[cpu * machine.size.gather + at]!);
  }
  machine.gatherFrameCount[cpu] = 0;
}
