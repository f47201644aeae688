/**
 * Moving pages to other addresses: whole tables where both ends allow it, else entry by entry.
 *
 * @source mm/mremap.c move_page_tables(), move_ptes(), move_normal_pmd(), try_realign_addr()
 *         (Linux 6.18)
 * @omits  soft-dirty tracking
 */

import { moveHugePage } from '../huge/huge_move.ts';
import { hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import type { Task } from '../task.ts';
import { losesWpByMove } from '../userfaultfd/events.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { isMappedAt } from './mapped_entry.ts';
import { movePtes } from './move_ptes.ts';
import { moveTable } from './move_table.ts';
import { isNoneAt, isTableAt, walk, walkAllocating } from './pgtable.ts';

/** What is moved: `pages` pages of `from`, at `start`, to `target` in `to`. */
export interface TableMove {
  readonly from: Vma;
  readonly to: Vma;
  readonly start: number;
  readonly target: number;
  readonly pages: number;
  /** Whether a walk of rmap may meet the new place before the old one, and so miss a page. */
  readonly needsRmapLocks: boolean;
}

/** Where a move has come to. */
interface Cursor {
  at: number;
  target: number;
  readonly end: number;
}

/**
 * Takes all entries along. Both places are quiet: the source is write-locked, the target new.
 *
 * Called under the mmap write lock.
 *
 * @returns how many pages were done with: fewer than `pages` if memory for tables is exhausted
 * @locks   i_mmap_rwsem and the lock of the anon_vma for whole tables, and for entries if
 *          `needsRmapLocks`; then both page-table locks
 */
export function* movePageTables(task: Task, move: TableMove): Op<number> {
  if (move.pages === 0) return 0;
  const cursor = startOf(task, move);
  const { at: start, end } = cursor;
  yield* invalidateRangeStart(task, task.mm, start, end, Notify.UNMAP);
  yield* moveWithin(task, move, cursor);
  yield* invalidateRangeEnd(task, task.mm, start, end, Notify.UNMAP);
  return Math.max(0, cursor.at - move.start);
}

/** Moves `cursor` on to the end, or to where memory for tables is exhausted. */
function* moveWithin(task: Task, move: TableMove, cursor: Cursor): Op<void> {
  const { machine } = task;
  const spanPmd = machine.format.entryPages[1]!;
  const spanPud = machine.format.entryPages[2]!;
  while (cursor.at < cursor.end) {
    let extent = extentOf(cursor, spanPud);
    let isDone = yield* moveUpper(task, move, cursor, 2, extent === spanPud);
    if (isDone === undefined) break;
    if (!isDone) {
      extent = extentOf(cursor, spanPmd);
      isDone = yield* moveUpper(task, move, cursor, 1, extent === spanPmd);
      if (isDone === undefined) break;
      const isMoved = isDone || (yield* moveEntries(task, move, cursor, extent));
      if (!isMoved) break;
    }
    cursor.at += extent;
    cursor.target += extent;
  }
}

/** How far both ends stay in one entry of `span`. */
function extentOf({ at, target, end }: Cursor, span: number): number {
  return Math.min(end - at, span - (at % span), span - (target % span));
}

/**
 * Deals with the entries of `level`: nothing is there, or a table that can be moved as it is.
 *
 * @returns false if what is below has to be looked at, `undefined` if memory is exhausted
 */
function* moveUpper(
  task: Task,
  move: TableMove,
  { at, target }: Cursor,
  level: number,
  isWhole: boolean,
): Op<boolean | undefined> {
  const { machine, mm } = task;
  const slot = yield* walk(machine, mm, at, level);
  if (slot === NONE) return true;
  yield reading(machine.objects.entry(slot));
  if (isNoneAt(machine, slot)) return true;
  const targetSlot = yield* walkAllocating(task, mm, target, level);
  if (targetSlot === NONE) return undefined;
  if (level === 1 && isMappedAt(machine, slot, 1)) {
    const isMoved = isWhole && (yield* moveHugePage(task, move, at, slot, targetSlot));
    if (!isMoved) yield* splitHugeEntry(task, mm, hugeStart(machine, at), slot);
    return isMoved;
  }
  if (!isWhole || !isTableAt(machine, slot, level) || losesWpByMove(move.from)) return false;
  return yield* moveTable(
    task,
    move.from,
    level,
    { page: at, slot },
    { page: target, slot: targetSlot },
  );
}

/** @returns false if memory is exhausted */
function* moveEntries(
  task: Task,
  move: TableMove,
  { at, target }: Cursor,
  extent: number,
): Op<boolean> {
  const { machine, mm } = task;
  for (;;) {
    const upper = yield* walk(machine, mm, at, 1);
    yield reading(machine.objects.entry(upper));
    if (isNoneAt(machine, upper)) return true;
    const slot = yield* walkAllocating(task, mm, target);
    if (slot === NONE) return false;
    const isMoved = yield* movePtes(task, move, at, target, extent);
    if (isMoved) return true;
  }
}

/**
 * Starts earlier, at a multiple of what a table spans, if both ends can: nothing is there, but the
 * whole table can be moved.
 */
function startOf({ machine, mm }: Task, move: TableMove): Cursor {
  const { from, to, start, target, pages } = move;
  const span = machine.format.entryPages[1]!;
  const offset = start % span;
  const isFree = (vma: Vma, first: number): boolean =>
    vma.start === first && mm.vmas.within(first - offset, first).length === 0;
  const isRealigned =
    offset > 0 &&
    offset === target % span &&
    pages >= span - offset &&
    isFree(from, start) &&
    isFree(to, target);
  const back = isRealigned ? offset : 0;
  return { at: start - back, target: target - back, end: start + pages };
}
