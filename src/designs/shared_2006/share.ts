/**
 * Sharing a table at a fault: from a process that maps the same part of a file in the same way at the
 * same address.
 *
 * The lock of the file's list of VMAs is held from the search until the table is linked and counted:
 * nobody who has the table frees it, or takes it for its own, meanwhile. Whoever wants to do that
 * publishes a transition range under this lock first, or holds it all the time (truncation).
 *
 * @source pt_share_pte(), pt_share_pmd(), next_shareable_vma() of May 2006; the lock across the
 *         linking: Hugh Dickins's review
 * @omits  trylock of the donor's mmap_sem, as the review had it: transition ranges say the same of
 *         those who hold it, and of those that only read-lock it today
 * @omits  PTE tables below a PMD table that could be shared, but is the process's own
 */
import type { Machine } from '../../mm/machine.ts';
import {
  isNoneAt,
  isTableAt,
  lockOf,
  tableAt,
  walk,
  walkAllocating,
} from '../../mm/table/pgtable.ts';
import { linkShared } from '../../mm/table/shared_table.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading, setting, writing } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';
import type { Options } from './options.ts';
import { isDonor, isShareable, type Span } from './shareable.ts';
import { isInTransition } from './transition.ts';

/** What a table of `level` spans around `page`. */
export function spanOf({ format }: Machine, page: number, level: number): Span {
  const pages = format.entryPages[level + 1]!;
  const start = Math.floor(page / pages) * pages;
  return { start, end: start + pages };
}

/**
 * Links a table for `page` that another process has, of the highest level that `vma` can share there,
 * if this one has none yet. Called under the VMA lock or the mmap lock, for reading.
 *
 * @locks i_mmap_rwsem (write), then the lock of the entry
 */
export function* shareAt(task: Task, vma: Vma, page: number, options: Options): Op<void> {
  yield reading(task.machine.objects.anonVmaOf(vma.id));
  for (let level = options.highest; level >= options.lowest; level--) {
    const span = spanOf(task.machine, page, level);
    if (!isShareable(vma, span, options)) continue;
    yield* shareTable(task, vma, span, level, options);
    return;
  }
}

function* shareTable(task: Task, vma: Vma, span: Span, level: number, options: Options): Op<void> {
  const { machine, cpu, mm } = task;
  const slot = yield* walk(machine, mm, span.start, level + 1);
  if (slot !== NONE) {
    yield reading(machine.objects.entry(slot));
    if (!isNoneAt(machine, slot)) return;
  }
  const isCountedFirst = options.mistakes.countsBeforeLinking === true;
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  const table = yield* findDonor(task, vma, span, level, options);
  if (table !== NONE && !isCountedFirst) yield* linkAndCount(task, span, level, table);
  if (table !== NONE && isCountedFirst) yield* count(machine, table, 1);
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  if (table === NONE || !isCountedFirst) return;
  const isLinked = yield* link(task, span, level, table);
  if (!isLinked) yield* count(machine, table, -1);
}

export function* count(machine: Machine, table: number, by: number): Op<void> {
  yield writing(machine.objects.table(table));
  machine.tableShares[table]! += by;
}

/** The table that a donor has for `span`, or `NONE`. Called under the lock of the list. */
function* findDonor(
  { machine, mm: own }: Task,
  vma: Vma,
  span: Span,
  level: number,
  options: Options,
): Op<number> {
  const isOpen = yield* isFree(machine, own, vma, span, options);
  if (!isOpen) return NONE;
  for (const [other, mm] of vma.file!.inode.mappings) {
    if (other.start !== vma.start || other === vma) continue;
    const isOffered = yield* isFree(machine, mm, other, span, options);
    if (!isOffered || !isDonor(vma, other, span, options)) continue;
    const slot = yield* walk(machine, mm, span.start, level + 1);
    if (slot === NONE) continue;
    yield reading(machine.objects.entry(slot));
    if (isTableAt(machine, slot, level + 1)) return tableAt(machine, slot, level + 1);
  }
  return NONE;
}

/** Whether a VMA may share, as it is now, and is not about to change. */
function* isFree(machine: Machine, mm: Mm, vma: Vma, span: Span, options: Options): Op<boolean> {
  yield reading(machine.objects.transitions(mm.id));
  if (isInTransition(mm, span)) return false;
  yield reading(machine.objects.tree(mm.id));
  yield reading(machine.objects.anonVmaOf(vma.id));
  return isShareable(vma, span, options);
}

/** Called under the lock of the list. */
export function* linkAndCount(task: Task, span: Span, level: number, table: number): Op<void> {
  const isLinked = yield* link(task, span, level, table);
  if (isLinked) yield* count(task.machine, table, 1);
}

/** @returns false if something is there by now, or memory for the tables above is exhausted */
function* link(task: Task, { start }: Span, level: number, table: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const slot = yield* walkAllocating(task, mm, start, level + 1);
  if (slot === NONE) return false;
  const guard = lockOf(machine, mm, slot, level + 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isFirst = isNoneAt(machine, slot);
  if (isFirst) linkShared(machine, mm, start, slot, table, level + 1);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isFirst;
}
