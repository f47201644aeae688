/**
 * Moving huge pages to other addresses.
 *
 * Entries of a table that nobody shares come into one that nobody shares. Linux looks for one to share
 * where its mapping has all that a table spans (1 GiB), and never returns (`hugetlbMoveShares`).
 *
 * @source mm/hugetlb.c move_hugetlb_page_tables(), move_huge_pte() (Linux 6.18)
 * @omits  that Linux hangs where the new place could share a table: it gets its own
 */
import { W } from '../../arch/index.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isNoneAt, isPresentAt, setEntry, walk, walkAllocating } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { losesWpByMove } from '../userfaultfd/events.ts';
import { setWithoutWp } from '../userfaultfd/without_wp.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { granularOf } from './granular.ts';
import { hstateOf } from './hstate.ts';
import { clearHugePte, hugePteLock } from './huge_pte.ts';
import { hugePteAlloc } from './share.ts';
import {
  flushUnshared,
  hugePmdUnshare,
  nothingUnshared,
  notifiedRange,
  type Unshared,
} from './unshare.ts';
import { vmaLockWrite, vmaUnlockWrite } from './vma_lock.ts';

/**
 * Moves the entries of `pages` pages of `vma` from `start` to `target`. Shared tables are given up, not
 * moved: faults find their pages again. Flushed before anybody may unmap the pages at their new place.
 *
 * Called under the mmap write lock.
 *
 * @returns whether memory for tables was enough
 * @locks   the lock of the VMA, i_mmap_rwsem, both for writing; two page-table locks
 */
export function* moveHugetlbPageTables(
  task: Task,
  vma: Vma,
  start: number,
  target: number,
  pages: number,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const span = machine.format.entryPages[hstate.level + 1] ?? Number.POSITIVE_INFINITY;
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  const unshared = nothingUnshared();
  const [first, last] = notifiedRange(task, vma, start, start + pages);
  yield* invalidateRangeStart(task, mm, first, last, Notify.CLEAR);
  yield* vmaLockWrite(task, vma);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  const granular = granularOf(machine, vma);
  let isEnough = true;
  let to = target;
  if (granular !== undefined) isEnough = yield* granular.move(task, vma, start, target, pages);
  for (let at = granular === undefined ? start : start + pages; at < start + pages && isEnough; ) {
    const slot = yield* walk(machine, mm, at, hstate.level);
    const isGone = slot === NONE || (yield* giveUp(task, vma, at, slot, unshared));
    if (!isGone) isEnough = yield* moveEntry(task, vma, at, to, slot);
    // Both places advance alike, though they may lie differently in their tables.
    const step = isGone ? span - (at % span) : hstate.pages;
    at += step;
    to += isGone && machine.bugs.hugetlbMoveRoundsBoth === true ? span - (to % span) : step;
  }
  yield* flushUnshared(task, unshared);
  const isLate = machine.bugs.hugetlbMoveUnlockedBeforeFlush === true;
  if (!isLate) yield* flushTlbMmRange(machine, cpu, mm.id, start, start + pages);
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  yield* vmaUnlockWrite(task, vma);
  if (isLate) yield* flushTlbMmRange(machine, cpu, mm.id, start, start + pages);
  yield* invalidateRangeEnd(task, mm, first, last, Notify.CLEAR);
  return isEnough;
}

/** Gives the table up if something is there, and it is shared. */
function* giveUp(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  unshared: Unshared,
): Op<boolean> {
  yield reading(task.machine.objects.entry(slot));
  if (isNoneAt(task.machine, slot)) return false;
  return yield* hugePmdUnshare(task, vma, page, slot, unshared);
}

/** @returns false if memory for a table is exhausted */
function* moveEntry(task: Task, vma: Vma, page: number, target: number, slot: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const { level, pages, entries } = hstate;
  if (isNoneAt(machine, slot)) return true;
  const its = machine.bugs.hugetlbMoveShares === true ? mm.vmas.at(target) : undefined;
  const to = yield* its
    ? hugePteAlloc(task, mm, its, target)
    : walkAllocating(task, mm, target, level);
  if (to === NONE) return false;
  const outer = hugePteLock(machine, mm, to, hstate);
  const inner = hugePteLock(machine, mm, slot, hstate);
  yield* lock(machine, cpu, outer, Rank.PAGE_TABLE);
  if (inner !== outer) yield* lockNested(machine, cpu, inner, Rank.PAGE_TABLE);
  yield clearing(machine.objects.entry(slot));
  if (isMappedAt(machine, slot, level) && isPresentAt(machine, slot)) {
    const isWritable = (mappedFlagsAt(machine, slot) & W) !== 0;
    const head = mappedFrameAt(machine, slot, level);
    const cpus = machine.mmCpus[mm.id]!;
    machine.ledger.openFolio(cpus, mm.id, page, page + pages, head, isWritable);
  }
  yield setting(machine.objects.entry(to));
  for (let at = 0; at < entries; at++) {
    const low = machine.lanes[(slot + at) * 2]!;
    const high = machine.lanes[(slot + at) * 2 + 1]!;
    if (losesWpByMove(vma)) setWithoutWp(machine, to + at, low, high, level);
    else setEntry(machine, to + at, low, high);
  }
  clearHugePte(machine, slot, hstate);
  if (inner !== outer) yield* unlockNested(machine, cpu, inner);
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return true;
}
