/** Leaving a shared table without a copy: all that it maps is unmapped. */
import { isTableAt, isWriteDenied, lockOf, tableAt } from '../../mm/table/pgtable.ts';
import { isShared, unlinkShared } from '../../mm/table/shared_table.ts';
import type { Task } from '../../mm/task.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading, writing } from '../../mm/world/point.ts';
import { flushTlbMmRange } from '../../mm/world/tlb.ts';
import { countPages, isCounted } from './counters.ts';
import type { Options } from './options.ts';
import { takeOver } from './own_table.ts';

/**
 * Takes the table below the entry of level 1 at `slot`, for `page`, out of the address space, unless it
 * has it alone.
 *
 * @returns whether the entry is empty now
 * @locks   the lock of the entry, then that of the table
 */
export function* leaveTable(task: Task, page: number, slot: number, options: Options): Op<boolean> {
  const { machine, cpu, mm } = task;
  const outer = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  let isLeft = !isTableAt(machine, slot, 1);
  if (!isLeft) {
    const table = tableAt(machine, slot, 1);
    const inner = machine.objects.tableLock(table);
    yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
    yield reading(machine.objects.table(table));
    isLeft = isShared(machine, table);
    if (isLeft) yield* clearAndCount(task, page, slot, table, options);
    else if (isWriteDenied(machine, slot)) yield* takeOver(task, slot, table, options);
    yield* unlockNested(machine, cpu, inner);
  }
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return isLeft;
}

/** Called under both locks. The flush comes before the count: the last one flushes itself only. */
function* clearAndCount(
  task: Task,
  page: number,
  slot: number,
  table: number,
  options: Options,
): Op<void> {
  const { machine, cpu, mm } = task;
  const span = machine.format.entryPages[1]!;
  const start = Math.floor(page / span) * span;
  const wasCounted = isCounted(mm, table, options);
  yield clearing(machine.objects.entry(slot));
  yield* unlinkShared(task, mm, page, slot, 1, wasCounted);
  if (wasCounted) countPages(machine, mm, table, -1);
  mm.ownedTables.delete(table);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, start + span);
  yield writing(machine.objects.table(table));
  machine.tableShares[table]!--;
}
