/**
 * Moving huge pages to other addresses.
 *
 * @source mm/hugetlb.c move_hugetlb_page_tables(), move_huge_pte() (Linux 6.18)
 * @omits  that the new place may share a table at once, too: it gets its own; userfaultfd
 */
import { W } from '../../arch/index.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isNoneAt, isPresentAt, lockOf, setEntry, walk, walkAllocating } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, lockNested, Rank, unlock, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, reading, setting } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { granularOf } from './granular.ts';
import { hstateOf } from './hstate.ts';
import { clearHugePte } from './huge_pte.ts';
import { flushUnshared, hugePmdUnshare, nothingUnshared, type Unshared } from './unshare.ts';
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
  yield* vmaLockWrite(task, vma);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  const granular = granularOf(machine, vma);
  let isEnough = true;
  if (granular !== undefined) isEnough = yield* granular.move(task, vma, start, target, pages);
  for (let offset = granular === undefined ? 0 : pages; offset < pages && isEnough; ) {
    const slot = yield* walk(machine, mm, start + offset, hstate.level);
    const isGone = slot === NONE || (yield* giveUp(task, vma, start + offset, slot, unshared));
    if (isGone) {
      // Both places advance alike, though they may lie differently in their tables.
      offset += span - ((start + offset) % span);
      continue;
    }
    isEnough = yield* moveEntry(task, vma, start + offset, target + offset, slot);
    offset += hstate.pages;
  }
  yield* flushUnshared(task, unshared);
  yield* flushTlbMmRange(machine, cpu, mm.id, start, start + pages);
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  yield* vmaUnlockWrite(task, vma);
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
  const to = yield* walkAllocating(task, mm, target, level);
  if (to === NONE) return false;
  const outer = lockOf(machine, mm, to, level);
  const inner = lockOf(machine, mm, slot, level);
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
  const { lanes } = machine;
  for (let at = 0; at < entries; at++) {
    setEntry(machine, to + at, lanes[(slot + at) * 2]!, lanes[(slot + at) * 2 + 1]!);
  }
  clearHugePte(machine, slot, hstate);
  if (inner !== outer) yield* unlockNested(machine, cpu, inner);
  yield* unlock(machine, cpu, outer, Rank.PAGE_TABLE);
  return true;
}
