/** Moving a whole table to another place. */
import { lockLinks, unlockLinks } from '../rmap/links.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting } from '../world/point.ts';
import { noteMove } from '../world/table_page.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { clearTable, isNoneAt, isTableAt, lockOf, setTable, tableAt } from './pgtable.ts';
import { openPagesBelow } from './shared_table.ts';

/** An entry, and the first page that it is for. */
interface Place {
  readonly page: number;
  readonly slot: number;
}

/**
 * Links the table of the entry of `level` at `from` at the entry `to` instead.
 *
 * All translations of the old place are flushed before the locks are dropped. The locks of rmap let
 * a walk of it see all pages of the table at one of the two places.
 *
 * @returns whether that could be done: something may be at the target, or the table may have gone
 * @locks   i_mmap_rwsem and the lock of the anon_vma of `vma`, the locks of both entries
 * @source  mm/mremap.c move_normal_pmd(), move_normal_pud() (Linux 6.18)
 */
export function* moveTable(
  task: Task,
  vma: Vma,
  level: number,
  from: Place,
  to: Place,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const isLocking = machine.bugs.moveTableWithoutRmapLocks !== true;
  if (isLocking) yield* lockLinks(task, vma);
  yield reading(machine.objects.entry(to.slot));
  let isMoved = false;
  if (isNoneAt(machine, to.slot)) {
    const guard = lockOf(machine, mm, from.slot, level);
    const targetGuard = lockOf(machine, mm, to.slot, level);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    if (targetGuard !== guard) {
      yield* lockNested(machine, cpu, targetGuard, Rank.PAGE_TABLE);
    }
    isMoved = yield* relink(task, level, from, to);
    if (targetGuard !== guard) yield* unlockNested(machine, cpu, targetGuard);
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  }
  if (isLocking) yield* unlockLinks(task, vma);
  return isMoved;
}

function* relink(task: Task, level: number, from: Place, to: Place): Op<boolean> {
  const { machine, cpu, mm } = task;
  const { page: start, slot } = from;
  yield clearing(machine.objects.entry(slot));
  // A collapse may have been faster: what is taken for a table is then any page, or page 0.
  const isChecked = machine.bugs.moveTableWithoutRecheck !== true;
  if (isChecked && !isTableAt(machine, slot, level)) return false;
  const table = tableAt(machine, slot, level);
  const span = machine.format.entryPages[level]!;
  clearTable(machine, mm, start, slot, level);
  machine.ledger.openTable(machine.mmCpus[mm.id]!, mm.id, start, start + span, table);
  yield* openPagesBelow(task, table, level - 1, start);
  yield setting(machine.objects.entry(to.slot));
  setTable(machine, mm, to.page, to.slot, table, level);
  noteMove(machine, table, level - 1, { mm: mm.id, start, end: start + span }, to.page);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, start + span);
  return true;
}
