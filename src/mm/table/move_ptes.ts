/** Moving the entries of one table into another. */
import { lockLinks, unlockLinks } from '../rmap/links.ts';
import { flushTlbBatchedPending } from '../swap/unmap_flush.ts';
import type { Task } from '../task.ts';
import { losesWpByMove } from '../userfaultfd/events.ts';
import { setWithoutWp } from '../userfaultfd/without_wp.ts';
import type { Vma } from '../vma/vma.ts';
import { lockNested, Rank, unlockNested } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { clearing, setting } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import {
  clearEntry,
  frameAt,
  isNoneAt,
  isPresentAt,
  isWritableAt,
  lockOf,
  setEntry,
  walk,
} from './pgtable.ts';
import { lockPte, unlockPte } from './pte_table.ts';

/**
 * Moves `pages` entries from `start` on, all in one table, to `target`, all in one table too.
 *
 * If any of them was present, the old place is flushed before the locks are dropped: the lock of the
 * new place is all that keeps the pages from being unmapped there and freed.
 *
 * @returns false if a table has gone meanwhile
 * @locks   i_mmap_rwsem and the lock of the anon_vma if `needsRmapLocks`, then the locks of both
 *          tables
 * @source  mm/mremap.c move_ptes() (Linux 6.18)
 */
export function* movePtes(
  task: Task,
  { from, needsRmapLocks }: { readonly from: Vma; readonly needsRmapLocks: boolean },
  start: number,
  target: number,
  pages: number,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  if (needsRmapLocks) yield* lockLinks(task, from);
  const slot = yield* lockPte(task, mm, start);
  const targetSlot = slot === NONE ? NONE : yield* walk(machine, mm, target);
  if (targetSlot !== NONE) {
    const guard = lockOf(machine, mm, targetSlot, 0);
    const isOther = guard !== lockOf(machine, mm, slot, 0);
    if (isOther) yield* lockNested(machine, cpu, guard, Rank.PAGE_TABLE);
    const isFlushed = yield* moveLocked(task, slot, targetSlot, start, pages, losesWpByMove(from));
    const isLate = machine.bugs.moveUnlockedBeforeFlush === true;
    if (isFlushed && !isLate) yield* flushTlbMmRange(machine, cpu, mm.id, start, start + pages);
    if (isOther) yield* unlockNested(machine, cpu, guard);
    yield* unlockPte(task, mm, slot);
    if (isFlushed && isLate) yield* flushTlbMmRange(machine, cpu, mm.id, start, start + pages);
  } else if (slot !== NONE) yield* unlockPte(task, mm, slot);
  if (needsRmapLocks) yield* unlockLinks(task, from);
  return targetSlot !== NONE;
}

/** @returns whether there are translations to flush */
function* moveLocked(
  task: Task,
  first: number,
  firstTarget: number,
  start: number,
  pages: number,
  losesWp: boolean,
): Op<boolean> {
  const { machine, cpu, mm } = task;
  const { lanes, objects } = machine;
  yield* flushTlbBatchedPending(machine, cpu, mm);
  let isPresent = false;
  for (let offset = 0; offset < pages; offset++) {
    const slot = first + offset;
    const target = firstTarget + offset;
    yield clearing(objects.entry(slot));
    if (isNoneAt(machine, slot)) continue;
    const low = lanes[slot * 2]!;
    const high = lanes[slot * 2 + 1]!;
    if (isPresentAt(machine, slot)) {
      isPresent = true;
      const frame = frameAt(machine, slot);
      const isWritable = isWritableAt(machine, slot);
      machine.ledger.openPage(machine.mmCpus[mm.id]!, mm.id, start + offset, frame, isWritable);
    }
    clearEntry(machine, slot);
    if (losesWp && machine.bugs.moveKeepsUffdWp !== true) {
      yield setting(objects.entry(target));
      setWithoutWp(machine, target, low, high);
      continue;
    }
    yield setting(objects.entry(target));
    setEntry(machine, target, low, high);
  }
  return isPresent;
}
