/**
 * Giving up a shared table: the process forgets it, and faults its pages in again from the file.
 *
 * As long as i_mmap_rwsem is held for writing, nobody else can give the table up. So before that is
 * dropped everything has to be over that leads from this process into the table: translations are
 * flushed, and lockless walkers have left. When the last one but one has gone, who is left may free
 * the table, or use it for other memory.
 *
 * Linux 6.18 waits for lockless walkers once for each table. Linux 6.19 waits once for all, and only
 * if a table is shared by nobody any more.
 *
 * @source mm/hugetlb.c huge_pmd_unshare(), hugetlb_unshare_pmds(); include/asm-generic/tlb.h
 *         tlb_unshare_pmd_ptdesc(), tlb_flush_unshared_tables() (Linux 6.18, 6.19)
 */
import { assert } from '../../base/assert.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { isNoneAt, isTableAt, lockOf, walk } from '../table/pgtable.ts';
import { isShared, unlinkShared } from '../table/shared_table.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, writing } from '../world/point.ts';
import { tlbRemoveTableSyncOne } from '../world/sync.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { hstateOf } from './hstate.ts';
import { blockOf } from './share.ts';
import { vmaLockWrite, vmaUnlockWrite } from './vma_lock.ts';

/**
 * Whom to tell of a change of `[start, end)`: a shared table goes as a whole, whatever part is meant.
 *
 * @source mm/hugetlb.c adjust_range_if_pmd_sharing_possible()
 */
export function notifiedRange(
  { machine }: Pick<Task, 'machine'>,
  vma: Vma,
  start: number,
  end: number,
): readonly [start: number, end: number] {
  const span = machine.format.entryPages[2]!;
  const [first, last] = [Math.ceil(vma.start / span) * span, Math.floor(vma.end / span) * span];
  const isPossible = (vma.flags & VM.MAYSHARE) !== 0 && first < last;
  if (!isPossible || end <= first || start >= last) return [start, end];
  return [
    start > first ? Math.floor(start / span) * span : start,
    end < last ? Math.ceil(end / span) * span : end,
  ];
}

/** What an operation has given up, to be flushed before it drops i_mmap_rwsem. */
export interface Unshared {
  start: number;
  end: number;
  /** Whether a table is shared by nobody any more. */
  isExclusive: boolean;
}

export function nothingUnshared(): Unshared {
  return { start: Number.POSITIVE_INFINITY, end: 0, isExclusive: false };
}

/**
 * Gives up the table that has the entry at `slot`, of `task.mm`, for `page`, if others have it, too.
 *
 * Called under i_mmap_rwsem and the lock of the VMA, both for writing, and the lock of the table.
 *
 * @returns whether it was shared: nothing of its span is mapped any more
 */
export function* hugePmdUnshare(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  unshared: Unshared,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  if (hstateOf(vma).level !== 1) return false;
  const table = Math.floor(slot / machine.tableEntries);
  yield reading(machine.objects.table(table));
  if (!isShared(machine, table)) return false;
  const isHeld = machine.lockHolder[machine.objects.iMmapLock(vma.file!.inode.id)] === cpu;
  assert(isHeld || machine.bugs.unshareBeforeSplit === true, 'i_mmap is held for unsharing');
  const above = yield* walk(machine, mm, page, 2);
  yield clearing(machine.objects.entry(above));
  yield* unlinkShared(task, mm, page, above, 2);
  const [start, end] = blockOf(task, page);
  unshared.start = Math.min(unshared.start, start);
  unshared.end = Math.max(unshared.end, end);
  const isAtOnce = machine.size.hugetlbUnshare === '6.18';
  if (isAtOnce && machine.bugs.unshareWithoutSync !== true) {
    yield* tlbRemoveTableSyncOne(machine, cpu);
  }
  yield writing(machine.objects.table(table));
  machine.tableShares[table]!--;
  const last = machine.bugs.unshareSyncOffByOne === true ? 1 : 0;
  if (machine.tableShares[table] === last) unshared.isExclusive = true;
  return true;
}

/** Lets nothing lead into what was given up. Called before i_mmap_rwsem is dropped. */
export function* flushUnshared({ machine, cpu, mm }: Task, unshared: Unshared): Op<void> {
  if (unshared.end === 0) return;
  const freedTables = machine.bugs.unshareFlushesLeavesOnly !== true;
  yield* flushTlbMmRange(machine, cpu, mm.id, unshared.start, unshared.end, freedTables);
  const isLater = machine.size.hugetlbUnshare === '6.19' && unshared.isExclusive;
  if (isLater) yield* tlbRemoveTableSyncOne(machine, cpu);
}

/**
 * A VMA is about to be divided at `page`: the table that spans it may no longer be one of others.
 *
 * Called under the mmap lock, the lock of the VMA and i_mmap_rwsem, all for writing.
 *
 * @source mm/hugetlb.c hugetlb_split() (Linux 6.18)
 */
export function* hugetlbSplit(task: Task, vma: Vma, page: number): Op<void> {
  const { mm } = task;
  const [start, end] = blockOf(task, page);
  if (page === start || start < vma.start || end > vma.end) return;
  if ((vma.flags & VM.MAYSHARE) === 0) return;
  yield* invalidateRangeStart(task, mm, start, end, Notify.CLEAR);
  if (hstateOf(vma).level === 1) yield* unshareBlock(task, vma, start);
  yield* invalidateRangeEnd(task, mm, start, end, Notify.CLEAR);
}

/** Gives up the table for the pages from `start` on, if it is shared. Called as `hugetlbSplit()`. */
export function* unshareBlock(task: Task, vma: Vma, start: number): Op<void> {
  const { machine, cpu, mm } = task;
  const above = yield* walk(machine, mm, start, 2);
  if (above === NONE) return;
  yield reading(machine.objects.entry(above));
  if (isNoneAt(machine, above) || !isTableAt(machine, above, 2)) return;
  const slot = yield* walk(machine, mm, start, 1);
  const guard = lockOf(machine, mm, slot, 1);
  const unshared = nothingUnshared();
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield* hugePmdUnshare(task, vma, start, slot, unshared);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield* flushUnshared(task, unshared);
}

/**
 * Gives up all tables of `vma` that others have, too, before its faults are told one by one.
 *
 * Called under the mmap lock and that of the VMA, for writing.
 *
 * @source mm/hugetlb.c hugetlb_unshare_all_pmds(), hugetlb_unshare_pmds() (Linux 6.18)
 * @locks  the lock of the VMA of hugetlb, i_mmap_rwsem, both for writing; page-table locks
 */
export function* hugetlbUnshareAll(task: Task, vma: Vma): Op<void> {
  const { machine, cpu, mm } = task;
  if ((vma.flags & VM.MAYSHARE) === 0 || hstateOf(vma).level !== 1) return;
  const span = machine.format.entryPages[2]!;
  const end = Math.floor(vma.end / span) * span;
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  const unshared = nothingUnshared();
  yield* vmaLockWrite(task, vma);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  for (let page = Math.ceil(vma.start / span) * span; page < end; page += span) {
    const slot = yield* walk(machine, mm, page, 1);
    if (slot === NONE) continue;
    const tableLock = lockOf(machine, mm, slot, 1);
    yield* lock(machine, cpu, tableLock, Rank.PAGE_TABLE);
    yield* hugePmdUnshare(task, vma, page, slot, unshared);
    yield* unlock(machine, cpu, tableLock, Rank.PAGE_TABLE);
  }
  yield* flushUnshared(task, unshared);
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  yield* vmaUnlockWrite(task, vma);
}
