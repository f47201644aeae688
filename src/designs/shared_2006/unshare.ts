/**
 * Leaving a table that others have: the entry is cleared, and what was there is faulted in again.
 *
 * Nothing is copied. The count says for how many others the table stays; who counts itself out must
 * be flushed by then, since the last one left takes the table for its own, and flushes nobody else.
 *
 * @source pt_check_unshare_pte(), pt_unshare_range() of May 2006; the order: its review
 */
import { findMapped, isTableAt, lockOf, tableAt, walk } from '../../mm/table/pgtable.ts';
import { isShared, isSharedAt, unlinkShared } from '../../mm/table/shared_table.ts';
import type { Task } from '../../mm/task.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading } from '../../mm/world/point.ts';
import { flushTlbMmRange } from '../../mm/world/tlb.ts';
import { NONE } from '../../mm/world/world.ts';
import type { Options } from './options.ts';
import { count, spanOf } from './share.ts';
import type { Span } from './shareable.ts';

/**
 * Leaves the table below the entry of `level` at `slot`, for `page`, unless nobody else has it.
 *
 * @returns whether the entry is empty now
 * @locks   the lock of the entry, then that of the table
 */
export function* leaveTable(
  task: Task,
  page: number,
  slot: number,
  level: number,
  { mistakes }: Options,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const outer = lockOf(machine, mm, slot, level);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  if (!isTableAt(machine, slot, level)) {
    yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
    return true;
  }
  const table = tableAt(machine, slot, level);
  const inner = machine.objects.tableLock(table);
  yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
  yield reading(machine.objects.table(table));
  const isLeft = isShared(machine, table) || mistakes.detachesWithoutRecheck === true;
  const isEarly = isLeft && mistakes.unlocksBeforeFlush === true;
  if (isEarly) yield* count(machine, table, -1);
  if (isEarly) yield* unlockNested(machine, cpu, inner);
  if (isLeft) yield* clearAndFlush(task, page, slot, level);
  if (isLeft && !isEarly) yield* count(machine, table, -1);
  if (!isEarly) yield* unlockNested(machine, cpu, inner);
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return isLeft;
}

/** Called under the lock of the entry. */
function* clearAndFlush(task: Task, page: number, slot: number, level: number): Op<void> {
  const { machine, cpu, mm } = task;
  const { start, end } = spanOf(machine, page, level - 1);
  yield clearing(machine.objects.entry(slot));
  yield* unlinkShared(task, mm, page, slot, level);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, end);
}

/** Leaves all tables that others have, too, and that are for any page of `[start, end)`. */
export function* leaveTables(task: Task, span: Span, options: Options): Op<void> {
  for (let level = options.highest; level >= options.lowest; level--) {
    yield* leaveLevel(task, span, level, options);
  }
}

function* leaveLevel(task: Task, { start, end }: Span, level: number, options: Options): Op<void> {
  const { machine, mm } = task;
  for (let at = yield* findMapped(machine, mm, start, end, level + 1); at < end; ) {
    const slot = yield* walk(machine, mm, at, level + 1);
    if (slot !== NONE) yield* leaveIfShared(task, at, slot, level + 1, options);
    const next = spanOf(machine, at, level).end;
    at = yield* findMapped(machine, mm, Math.min(next, end), end, level + 1);
  }
}

function* leaveIfShared(
  task: Task,
  page: number,
  slot: number,
  level: number,
  options: Options,
): Op<void> {
  const { machine } = task;
  yield reading(machine.objects.entry(slot));
  if (!isTableAt(machine, slot, level)) return;
  yield reading(machine.objects.table(tableAt(machine, slot, level)));
  if (isSharedAt(machine, slot, level)) yield* leaveTable(task, page, slot, level, options);
}
