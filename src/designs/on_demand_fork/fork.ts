/**
 * Sharing at fork(): parent and child have one PTE table, which neither may write below.
 *
 * The tables above are made for the child at once. The table itself stays as it is, with entries that
 * say writable: the entry above it takes that right from both.
 *
 * @source On-demand-fork, EuroSys 2021, ch. 3
 * @omits  huge pages, whose entries are copied; pages of files; tables that several VMAs have a part in
 */
import {
  isTableAt,
  isWriteDenied,
  lockOf,
  setTableWrites,
  tableAt,
  walk,
} from '../../mm/table/pgtable.ts';
import { linkShared } from '../../mm/table/shared_table.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import { VM, type Vma } from '../../mm/vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { clearing, reading, setting, writing } from '../../mm/world/point.ts';
import { countOwner, countPages, isCounted } from './counters.ts';
import type { Options } from './options.ts';

/** Whether the table for the pages `[start, end)`, some of `vma`, is one to share. */
function isForSharing({ machine, mm }: Task, vma: Vma, start: number, end: number): boolean {
  if (vma.file !== undefined || (vma.flags & (VM.SHARED | VM.MAYBE_GUARD)) !== 0) return false;
  // Who has pinned a page must keep it, whoever writes first: such pages are copied at once.
  return !mm.hasPinned && end - start === machine.format.entryPages[1]!;
}

/**
 * Called under both mmap locks; the flush at the end of fork() makes true that nobody writes.
 *
 * @returns whether the table is shared now
 * @locks   the lock of the parent's entry, then that of the table
 */
export function* shareTable(
  task: Task,
  child: Mm,
  vma: Vma,
  slot: number,
  start: number,
  end: number,
  options: Options,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  yield reading(machine.objects.entry(slot));
  // What is shared already has no guards, and no pages that are pinned.
  const isAlready = isTableAt(machine, slot, 1) && isWriteDenied(machine, slot);
  if (!isAlready && !isForSharing(task, vma, start, end)) return false;
  const to = yield* walk(machine, child, start, 1);
  const outer = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  const isTable = isTableAt(machine, slot, 1);
  if (isTable) {
    const table = tableAt(machine, slot, 1);
    const inner = machine.objects.tableLock(table);
    yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
    yield* denyWrites(task, slot, table, start, end, options);
    yield setting(machine.objects.entry(to));
    linkShared(machine, child, start, to, table, 1, options.counts === 'each');
    setTableWrites(machine, to, 1, false);
    yield writing(machine.objects.table(table));
    machine.tableShares[table]!++;
    if (isCounted(child, table, options)) countPages(machine, child, table, 1);
    yield* unlockNested(machine, cpu, inner);
  }
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return isTable;
}

/** Called under both locks. */
function* denyWrites(
  { machine, mm }: Task,
  slot: number,
  table: number,
  start: number,
  end: number,
  { counts }: Options,
): Op<void> {
  if (isWriteDenied(machine, slot)) return;
  yield clearing(machine.objects.entry(slot));
  setTableWrites(machine, slot, 1, false);
  machine.ledger.openProtected(machine.mmCpus[mm.id]!, mm.id, start, end);
  yield* countOwner(machine, mm, table, false);
  if (counts === 'owner') mm.ownedTables.add(table);
}
