/**
 * Freeing a table of level 0 that MADV_DONTNEED has emptied, at once.
 *
 * Faults, walks of rmap and lockless walkers may be about to use it: the first two look after they
 * have its lock whether it is still linked, the last are waited for before it is freed.
 *
 * @source mm/pt_reclaim.c (Linux 6.18)
 */
import type { Task } from '../task.ts';
import { lock, lockNested, Rank, tryLockNested, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { tlbRemoveTable } from './mmu_gather.ts';
import { clearTable, isNoneAt, isTableAt, lockOf, tableAt, walk } from './pgtable.ts';

/**
 * Unlinks the table of `slot`, whose entries, from the page `start` on, are all known to be empty.
 * Called under its lock.
 *
 * @returns false if the lock of the entry above is not to be had
 * @locks   that lock, which is only tried
 * @source  mm/pt_reclaim.c try_get_and_clear_pmd()
 */
export function* tryUnlinkTable(task: Task, start: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const upper = yield* walk(machine, mm, start, 1);
  const guard = lockOf(machine, mm, upper, 1);
  const isLocked = yield* tryLockNested(machine, cpu, guard);
  if (!isLocked) return false;
  yield* unlinkTable(task, upper, start);
  yield* unlockNested(machine, cpu, guard);
  return true;
}

/**
 * Unlinks the table for the pages from `start` on, unless somebody has filled it again. Called
 * without its lock.
 *
 * @locks  the lock of the entry above, then that of the table
 * @source mm/pt_reclaim.c try_to_free_pte()
 */
export function* tryFreeTable(task: Task, start: number): Op<void> {
  const { machine, cpu, mm } = task;
  const upper = yield* walk(machine, mm, start, 1);
  if (upper === NONE) return;
  const guard = lockOf(machine, mm, upper, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(upper));
  if (isTableAt(machine, upper, 1)) {
    const table = tableAt(machine, upper, 1);
    const inner = machine.objects.tableLock(table);
    yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
    const isEmpty = yield* isTableEmpty(task, table);
    if (isEmpty) yield* unlinkTable(task, upper, start);
    yield* unlockNested(machine, cpu, inner);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}

/** Called under the lock of the table. */
function* isTableEmpty({ machine }: Task, table: number): Op<boolean> {
  const first = table * machine.tableEntries;
  for (let slot = first; slot < first + 2 ** machine.format.indexBits[0]!; slot++) {
    yield reading(machine.objects.entry(slot));
    if (!isNoneAt(machine, slot)) return false;
  }
  return true;
}

/** Called under both locks: the table is collected in the gather of the CPU. */
function* unlinkTable({ machine, cpu, mm }: Task, upper: number, start: number): Op<void> {
  yield clearing(machine.objects.entry(upper));
  const table = tableAt(machine, upper, 1);
  const end = start + machine.format.entryPages[1]!;
  clearTable(machine, mm, start, upper, 1);
  mm.tables--;
  machine.ledger.openTable(machine.mmCpus[mm.id]!, mm.id, start, end, table);
  tlbRemoveTable(machine, cpu, start, end, table);
}
