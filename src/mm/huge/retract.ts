/**
 * Freeing the tables of those who map a part of a file that is a huge page now: they are empty, and
 * faults map it as one.
 *
 * @source mm/khugepaged.c retract_page_tables() (Linux 6.18)
 */
import { giveUpTable } from '../design/seams.ts';
import type { Place } from '../file/filemap.ts';
import type { Inode } from '../file/inode.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { clearTable, isTableAt, lockOf, tableAt, walk } from '../table/pgtable.ts';
import { isSharedAt } from '../table/shared_table.ts';
import type { Mm } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { deliverCallbacks } from '../world/delivery.ts';
import {
  lock,
  lockNested,
  lockShared,
  Rank,
  unlock,
  unlockNested,
  unlockShared,
} from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading } from '../world/point.ts';
import { callRcu } from '../world/rcu.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';

/**
 * Called under the lock of the huge folio whose first page is `first`, so that no fault maps small
 * pages meanwhile.
 *
 * @locks i_mmap_rwsem (read), then the lock of each entry of level 1, and that of its table
 */
export function* retractPageTables(place: Place, inode: Inode, first: number): Op<void> {
  const { machine, cpu } = place;
  const pages = machine.format.entryPages[1]!;
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.I_MMAP);
  for (const [vma, mm] of inode.mappings) {
    const start = vma.start + first - vma.pgoff;
    if (start < vma.start || start + pages > vma.end || start % pages !== 0) continue;
    yield reading(machine.objects.anonVmaOf(vma.id));
    if (!isRetractable(vma)) continue;
    const slot = yield* walk(machine, mm, start, 1);
    if (slot !== NONE) yield* retract(place, mm, vma, start, slot);
  }
  yield* unlockShared(machine, cpu, guard, Rank.I_MMAP);
}

/** Private copies, or guards, may be in the tables. */
function isRetractable(vma: Vma): boolean {
  return vma.anonVma === undefined && (vma.flags & (VM.MAYBE_GUARD | VM.UFFD_WP)) === 0;
}

function* retract(place: Place, mm: Mm, vma: Vma, start: number, slot: number): Op<void> {
  const { machine, cpu } = place;
  yield reading(machine.objects.entry(slot));
  if (!isTableAt(machine, slot, 1)) return;
  if (isSharedAt(machine, slot, 1)) {
    const isGone = yield* giveUpTable({ machine, cpu, mm }, start, slot, 1);
    if (isGone) return;
  }
  const end = start + machine.format.entryPages[1]!;
  yield* invalidateRangeStart(place, mm, start, end, Notify.CLEAR);
  const outer = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  if (isTableAt(machine, slot, 1)) {
    const inner = machine.objects.tableLock(tableAt(machine, slot, 1));
    yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
    yield reading(machine.objects.anonVmaOf(vma.id));
    // The mmap lock is not held: userfaultfd may have filled what nobody else could.
    const isEmpty = isRetractable(vma) || machine.bugs.retractWithoutRecheck === true;
    const table = isEmpty ? yield* unlinkEmptyTable(place, mm, start, slot) : NONE;
    yield* unlockNested(machine, cpu, inner);
    if (table !== NONE) yield* callRcu(machine, cpu, table);
  }
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  yield* invalidateRangeEnd(place, mm, start, end, Notify.CLEAR);
  deliverCallbacks(machine, cpu);
}

/**
 * Unlinks the table below the entry of level 1 at `slot`, for the pages from `start` on, and flushes.
 * Called under the locks of both.
 *
 * @returns the table, which lockless walkers may still use
 * @source  mm/pgtable-generic.c pmdp_collapse_flush()
 */
export function* unlinkEmptyTable(
  { machine, cpu }: Place,
  mm: Mm,
  start: number,
  slot: number,
): Op<number> {
  const end = start + machine.format.entryPages[1]!;
  yield clearing(machine.objects.entry(slot));
  const table = tableAt(machine, slot, 1);
  clearTable(machine, mm, start, slot, 1);
  mm.tables--;
  machine.ledger.openTable(machine.mmCpus[mm.id]!, mm.id, start, end, table);
  const freedTables = machine.bugs.collapseFlushesLeavesOnly !== true;
  yield* flushTlbMmRange(machine, cpu, mm.id, start, end, freedTables);
  return table;
}
