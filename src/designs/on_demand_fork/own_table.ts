/**
 * A table of one's own in place of one that is shared: a copy, or the table itself, if all others have
 * left.
 *
 * As long as a table is shared nobody changes it, but for the rights that a copy takes from its pages:
 * those are common from then on. Reads of pages that are there go on in the shared one.
 *
 * @source On-demand-fork, EuroSys 2021, ch. 3; COW-PTE v4, mm/memory.c break_cow_pte(), and for the
 *         reverse map PVMW_BREAK_COW_PTE
 */
import { assert } from '../../base/assert.ts';
import {
  clearTable,
  isNoneAt,
  isTableAt,
  isWriteDenied,
  lockOf,
  setTable,
  setTableWrites,
  tableAt,
  walk,
} from '../../mm/table/pgtable.ts';
import { isShared } from '../../mm/table/shared_table.ts';
import type { Task } from '../../mm/task.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading, setting, writing } from '../../mm/world/point.ts';
import { allocTable, freeTable } from '../../mm/world/table_page.ts';
import { flushTlbMmRange } from '../../mm/world/tlb.ts';
import { NONE } from '../../mm/world/world.ts';
import { copyEntry } from './copy_entry.ts';
import { countOwner, countPages, isCounted } from './counters.ts';
import type { Options } from './options.ts';

/** What an attempt has come to. */
const DONE = 0;
const COPIED = 1;
const NEEDS_TABLE = 2;

/**
 * Makes the table for `page` the own one of `task.mm`, if there is one.
 *
 * Called under the mmap lock, the VMA lock, or locks of rmap.
 *
 * @returns false if memory for a copy is exhausted
 * @locks   the lock of the entry above, then that of the table
 */
export function* ownTable(task: Task, page: number, options: Options): Op<boolean> {
  const { machine, cpu, mm } = task;
  const slot = yield* walk(machine, mm, page, 1);
  if (slot === NONE) return true;
  let fresh = NONE;
  for (;;) {
    const result = yield* tryOwn(task, page, slot, fresh, options);
    if (result === COPIED) return true;
    if (result === DONE) {
      if (fresh !== NONE) yield* freeTable(machine, cpu, fresh);
      return true;
    }
    fresh = yield* allocTable(machine, cpu);
    if (fresh === NONE) return false;
  }
}

function* tryOwn(
  task: Task,
  page: number,
  slot: number,
  fresh: number,
  options: Options,
): Op<number> {
  const { machine, cpu, mm } = task;
  yield reading(machine.objects.entry(slot));
  if (!isTableAt(machine, slot, 1) || !isWriteDenied(machine, slot)) return DONE;
  const outer = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  let result = DONE;
  if (isTableAt(machine, slot, 1) && isWriteDenied(machine, slot)) {
    const table = tableAt(machine, slot, 1);
    const inner = machine.objects.tableLock(table);
    yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
    yield reading(machine.objects.table(table));
    if (!isShared(machine, table)) yield* takeOver(task, slot, table, options);
    else if (fresh === NONE) result = NEEDS_TABLE;
    else {
      yield* replace(task, page, slot, fresh, options);
      result = COPIED;
    }
    yield* unlockNested(machine, cpu, inner);
  }
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return result;
}

/**
 * The last one has the table alone. Rights are added: there is nothing to flush. Called under both
 * locks.
 */
export function* takeOver(
  { machine, mm }: Task,
  slot: number,
  table: number,
  options: Options,
): Op<void> {
  yield setting(machine.objects.entry(slot));
  setTableWrites(machine, slot, 1, true);
  yield* countOwner(machine, mm, table, true);
  if (isCounted(mm, table, options)) {
    mm.ownedTables.delete(table);
    return;
  }
  machine.tableCharged[table] = 1;
  mm.tables++;
  countPages(machine, mm, table, 1);
}

/** Links `fresh`, with copies of the entries, in place of the table at `slot`; under both locks. */
function* replace(
  task: Task,
  page: number,
  slot: number,
  fresh: number,
  options: Options,
): Op<void> {
  const { machine, cpu, mm } = task;
  const table = tableAt(machine, slot, 1);
  const span = machine.format.entryPages[1]!;
  const start = Math.floor(page / span) * span;
  const first = table * machine.tableEntries;
  for (let index = 0; index < span; index++) {
    if (isNoneAt(machine, first + index)) continue;
    yield* copyEntry(task, first + index, fresh * machine.tableEntries + index);
  }
  yield clearing(machine.objects.entry(slot));
  const wasCounted = isCounted(mm, table, options);
  clearTable(machine, mm, start, slot, 1);
  machine.ledger.openTable(machine.mmCpus[mm.id]!, mm.id, start, start + span, table);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, start + span);
  yield setting(machine.objects.entry(slot));
  setTable(machine, mm, start, slot, fresh, 1);
  mm.ownedTables.delete(table);
  if (!wasCounted) {
    mm.tables++;
    countPages(machine, mm, fresh, 1);
  }
  yield writing(machine.objects.table(table));
  assert(machine.tableShares[table]! > 0, 'a table that is copied is shared');
  machine.tableShares[table]!--;
}
