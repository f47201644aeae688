/**
 * Finding and locking the tables of the lowest level, which may come and go.
 *
 * Who holds the mmap lock or a VMA lock, for reading, keeps the upper tables where they are, but not
 * those of level 0: MADV_DONTNEED frees them. A table that was found is the right one if it is still
 * linked after its lock was taken.
 */
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE, type World } from '../world/world.ts';
import {
  checkTable,
  isNoneAt,
  isSameAt,
  isTableAt,
  lockOf,
  slotIn,
  tableAt,
  tableOf,
  walk,
} from './pgtable.ts';

/** Who locks: on behalf of any address space. */
type Place = Pick<Task, 'machine' | 'cpu'>;

/** Where the table, or the large page, of level 1 ends that spans `page`. */
export function tableEnd(world: World, page: number, end: number): number {
  const span = world.format.entryPages[1]!;
  return Math.min(end, (Math.floor(page / span) + 1) * span);
}

/**
 * Locks the table of the entry for `page`.
 *
 * @returns its slot, or `NONE` without a lock if there is no table: nothing, or a large page
 * @locks   the lock of the table, for the caller to drop by `unlockPte()`
 * @source  mm/pgtable-generic.c pte_offset_map_lock() (Linux 6.18)
 */
export function* lockPte({ machine, cpu }: Place, mm: Mm, page: number): Op<number> {
  const upper = yield* walk(machine, mm, page, 1);
  if (upper === NONE) return NONE;
  for (;;) {
    yield reading(machine.objects.entry(upper));
    if (!checkTable(machine, upper)) return NONE;
    const isTaken = machine.bugs.walkWithoutSnapshot === true && !isNoneAt(machine, upper);
    if (!isTaken && !isTableAt(machine, upper, 1)) return NONE;
    const table = tableAt(machine, upper, 1);
    const slot = slotIn(machine, table, page, 0);
    if (!checkTable(machine, slot)) return NONE;
    const guard = lockOf(machine, mm, slot, 0);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    yield reading(machine.objects.entry(upper));
    if (isTableAt(machine, upper, 1) && tableAt(machine, upper, 1) === table) return slot;
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  }
}

/**
 * Locks the table of the entry for `page`, if that is still at `slot` and has these lanes; false
 * without a lock if something has changed since they were read.
 */
export function* lockIfSame(
  task: Task,
  page: number,
  slot: number,
  low: number,
  high: number,
): Op<boolean> {
  const { machine, mm } = task;
  const locked = yield* lockPte(task, mm, page);
  if (locked === NONE) return false;
  yield reading(machine.objects.entry(locked));
  if (locked === slot && isSameAt(machine, slot, low, high)) return true;
  yield* unlockPte(task, mm, locked);
  return false;
}

/** Drops the lock of the table that `slot` lies in. */
export function* unlockPte({ machine, cpu }: Place, mm: Mm, slot: number): Op<void> {
  yield* unlock(machine, cpu, lockOf(machine, mm, slot, 0), Rank.PAGE_TABLE);
}

/**
 * Locks the table of `slot`, which the entry of level 1 at `above` referred to before.
 *
 * @returns false, without a lock, if it no longer does
 */
export function* lockBelow(
  { machine, cpu }: Place,
  mm: Mm,
  above: number,
  slot: number,
): Op<boolean> {
  const guard = lockOf(machine, mm, slot, 0);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(above));
  const isLinked = isTableAt(machine, above, 1);
  if (isLinked && tableAt(machine, above, 1) === tableOf(machine, slot)) return true;
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return false;
}

/**
 * Locks the table of `slot`, which was found for `page` before.
 *
 * @returns false, without a lock, if the table is no longer linked there
 */
export function* relockPte(
  { machine, cpu }: Place,
  mm: Mm,
  page: number,
  slot: number,
): Op<boolean> {
  const guard = lockOf(machine, mm, slot, 0);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  const upper = yield* walk(machine, mm, page, 1);
  if (upper !== NONE) {
    yield reading(machine.objects.entry(upper));
    const isTable = isTableAt(machine, upper, 1);
    if (isTable && slotIn(machine, tableAt(machine, upper, 1), page, 0) === slot) return true;
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return false;
}
