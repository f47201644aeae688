/**
 * Sharing the tables that map 2 MiB pages of hugetlbfs.
 *
 * Two processes that map the same GiB of a file, at addresses that are congruent modulo 1 GiB, with
 * the same flags, use one table for it: the second one that faults there finds that of the first in
 * the list of the file's VMAs. The count comes first, the link second:
 *
 *     i_mmap (read)   count++   page_table_lock   link, or count-- if another was faster   unlock
 *
 * so that whoever takes it from somebody, under i_mmap (write), knows of everyone who has it.
 *
 * @source mm/hugetlb.c want_pmd_share(), page_table_shareable(), huge_pmd_share(), huge_pte_alloc()
 *         (Linux 6.18)
 */
import {
  isNoneAt,
  isPresentAt,
  isTableAt,
  lockOf,
  slotIn,
  tableAt,
  walk,
  walkAllocating,
} from '../table/pgtable.ts';
import { linkShared } from '../table/shared_table.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { isWriteLocked } from '../vma/vma_lock.ts';
import { lock, lockShared, Rank, unlock, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { hstateOf } from './hstate.ts';
import { mappingsInOrder } from './i_mmap.ts';

/** What does not keep two mappings from sharing tables. */
const IGNORED = VM.LOCKED | VM.LOCKONFAULT;

/**
 * The slot of the entry for `page`, of the level of `vma`'s pages, with the tables above it.
 *
 * Called under the lock of the VMA, for reading.
 *
 * @returns `NONE` if memory is exhausted
 * @locks   i_mmap_rwsem (read), page_table_lock
 */
export function* hugePteAlloc(task: Task, mm: Mm, vma: Vma, page: number): Op<number> {
  const { machine } = task;
  const { level, entries } = hstateOf(vma);
  if (level === 1 && entries === 1) {
    const above = yield* walkAllocating(task, mm, page, 2);
    if (above === NONE) return NONE;
    yield reading(machine.objects.entry(above));
    if (isNoneAt(machine, above) && wantsPmdShare(task, vma, page)) {
      return yield* hugePmdShare(task, mm, vma, page, above);
    }
  }
  return yield* walkAllocating(task, mm, page, level);
}

/** The first page of the table that maps `page`, and the first page behind it. */
export function blockOf({ machine }: Pick<Task, 'machine'>, page: number): [number, number] {
  const span = machine.format.entryPages[2]!;
  const start = Math.floor(page / span) * span;
  return [start, start + span];
}

/** Whether a table of `vma` for `page` may be one of others, too. */
export function wantsPmdShare(place: Pick<Task, 'machine'>, vma: Vma, page: number): boolean {
  if ((vma.flags & (VM.UFFD_WP | VM.UFFD_MINOR)) !== 0) return false;
  if (vma.hugetlb?.isGranular === true) return false;
  if ((vma.flags & VM.MAYSHARE) === 0 || vma.hugetlb?.lock === undefined) return false;
  const [start, end] = blockOf(place, page);
  return vma.start <= start && end <= vma.end;
}

/** Links the table of another process, if there is one, or else a new one. */
function* hugePmdShare(task: Task, mm: Mm, vma: Vma, page: number, above: number): Op<number> {
  const { machine, cpu } = task;
  const { inode } = vma.file!;
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lockShared(machine, cpu, guard, Rank.I_MMAP);
  const table = yield* findDonor(task, vma, page);
  if (table !== NONE) yield* linkOrLeave(task, mm, page, above, table);
  const slot = yield* walkAllocating(task, mm, page, 1);
  yield* unlockShared(machine, cpu, guard, Rank.I_MMAP);
  return slot;
}

/** A table of another VMA that can be shared, counted; or `NONE`. Called under i_mmap_rwsem. */
function* findDonor(task: Task, vma: Vma, page: number): Op<number> {
  const { machine } = task;
  const pgoff = vma.pgoff + page - vma.start;
  for (const [other, mm] of mappingsInOrder(vma.file!.inode)) {
    const place = other.start + pgoff - other.pgoff;
    if (other === vma || place < other.start || place >= other.end) continue;
    if (!isShareable(task, other, place, vma, page)) continue;
    // Its entries may not say yet what it says.
    const isChanging = yield* isWriteLocked(machine, mm, other.id);
    if (isChanging && machine.bugs.shareWhileRightsChange !== true) continue;
    const slot = yield* walk(machine, mm, place, 1);
    if (slot === NONE) continue;
    const table = Math.floor(slot / machine.tableEntries);
    yield writing(machine.objects.table(table));
    machine.tableShares[table]!++;
    return table;
  }
  return NONE;
}

function isShareable(
  task: Pick<Task, 'machine'>,
  other: Vma,
  place: number,
  vma: Vma,
  page: number,
): boolean {
  const span = task.machine.format.entryPages[2]!;
  if (place % span !== page % span) return false;
  if (((other.flags ^ vma.flags) & ~IGNORED) !== 0 || other.hugetlb?.lock === undefined)
    return false;
  if (other.hugetlb.isGranular) return false;
  const [start, end] = blockOf(task, place);
  return other.start <= start && end <= other.end;
}

function* linkOrLeave(task: Task, mm: Mm, page: number, above: number, table: number): Op<void> {
  const { machine, cpu } = task;
  const isOther = machine.bugs.shareUnderTableLock === true;
  const guard = isOther ? machine.objects.tableLock(table) : lockOf(machine, mm, above, 2);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(above));
  const isFirst = isNoneAt(machine, above);
  yield setting(machine.objects.entry(above));
  if (isFirst) linkShared(machine, mm, page, above, table, 2);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (isFirst) return;
  yield writing(machine.objects.table(table));
  machine.tableShares[table]!--;
}

/**
 * Whether others have the table of the entry at `slot`, too.
 *
 * @source include/linux/hugetlb.h hugetlb_pmd_shared() (Linux 6.18)
 */
export function* isPmdShared({ machine }: Pick<Task, 'machine'>, slot: number): Op<boolean> {
  // It asked for the references of the table's page, of which there is one since they are counted.
  if (machine.bugs.sharedTestedByReferences === true) return false;
  const table = Math.floor(slot / machine.tableEntries);
  yield reading(machine.objects.table(table));
  return machine.tableShares[table]! > 0;
}

/**
 * Who looks at all pages of memory one by one takes a reference to each for a while, tables included
 * (split_huge_pages of debugfs).
 *
 * @source mm/huge_memory.c split_huge_pages_all() (Linux 6.18)
 */
export function* getTableByFrame({ machine }: Pick<Task, 'machine'>, table: number): Op<void> {
  yield writing(machine.objects.table(table));
  if (machine.bugs.sharesCountedByReferences === true) machine.tableShares[table]!++;
}

/** Drops what `getTableByFrame()` got. */
export function* putTableByFrame({ machine }: Pick<Task, 'machine'>, table: number): Op<void> {
  yield writing(machine.objects.table(table));
  if (machine.bugs.sharesCountedByReferences === true) machine.tableShares[table]!--;
}

/** The table of level 1 that maps `page` in `mm`, or `NONE`. Called when nothing is under way. */
export function tableOfBlock({ machine }: Pick<Task, 'machine'>, mm: Mm, page: number): number {
  let table = mm.root;
  for (let level = machine.format.levels - 1; level > 1; level--) {
    const slot = slotIn(machine, table, page, level);
    if (!isPresentAt(machine, slot) || !isTableAt(machine, slot, level)) return NONE;
    table = tableAt(machine, slot, level);
  }
  return table;
}
