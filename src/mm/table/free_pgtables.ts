/**
 * Taking tables out of an address space.
 *
 * @source mm/memory.c free_pgtables(), free_pgd_range() (Linux 6.18)
 */
import { giveUpTable, keepsTable } from '../design/seams.ts';
import type { Task } from '../task.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading } from '../world/point.ts';
import { isGatherFull, tlbFlushMmu, tlbRemoveTable } from './mmu_gather.ts';
import { clearTable, isLeafAt, isPresentAt, slotIn, tableAt } from './pgtable.ts';
import { wasSharedAt } from './shared_table.ts';

/** What is free around an unmapped range: from the end of the VMA before to the start of the next. */
export interface Hole {
  readonly floor: number;
  readonly ceiling: number;
}

/**
 * Unlinks the tables that span nothing but free address space, among those of `[start, end)`.
 *
 * Those are the tables that lie within the hole; so a neighbour in the same span keeps an empty table
 * alive. Called under the mmap lock, when the pages of `[start, end)` are unmapped.
 */
export function* freePgtables(task: Task, start: number, end: number, hole: Hole): Op<void> {
  const { machine, mm } = task;
  yield* freeBelow(task, mm.root, machine.format.levels - 1, start, end, hole);
}

function* freeBelow(
  task: Task,
  table: number,
  level: number,
  start: number,
  end: number,
  hole: Hole,
): Op<void> {
  const { machine, cpu, mm } = task;
  const span = machine.format.entryPages[level]!;
  for (let at = Math.floor(start / span) * span; at < end; at += span) {
    const slot = slotIn(machine, table, at, level);
    yield reading(machine.objects.entry(slot));
    if (!isPresentAt(machine, slot) || isLeafAt(machine, slot, level)) continue;
    if (wasSharedAt(machine, slot, level)) {
      const isGone = yield* giveUpTable(task, at, slot, level, true);
      if (isGone) continue;
    }
    const below = tableAt(machine, slot, level);
    if (level > 1) {
      yield* freeBelow(task, below, level - 1, Math.max(start, at), Math.min(end, at + span), hole);
    }
    const isOutside = at < hole.floor || at + span > hole.ceiling;
    if (isOutside || (yield* keepsTable(task, slot, level))) continue;
    yield clearing(machine.objects.entry(slot));
    clearTable(machine, mm, at, slot, level);
    mm.tables--;
    machine.ledger.openTable(machine.mmCpus[mm.id]!, mm.id, at, at + span, below);
    tlbRemoveTable(machine, cpu, at, at + span, below);
    if (isGatherFull(machine, cpu)) yield* tlbFlushMmu(machine, cpu, mm.id);
  }
}
