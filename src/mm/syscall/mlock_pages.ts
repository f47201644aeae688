/**
 * Mlocking, or munlocking, the pages that are there.
 *
 * @source mm/mlock.c mlock_vma_pages_range(), mlock_pte_range() (Linux 6.18)
 */

import { isHugeZero } from '../huge/huge_memory.ts';
import { headOf, orderOf } from '../page/frame.ts';
import { mlockFolio, munlockFolio } from '../rmap/mlock.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { type Look, leafOps } from '../walk/leaf_walk.ts';
import { walkPageRangeVma } from '../walk/page_walk.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import type { World } from '../world/world.ts';

/** What is walked: the pages `[start, end)`, to be mlocked or munlocked. */
interface Range {
  readonly start: number;
  readonly end: number;
  readonly isLocked: boolean;
}

/**
 * Of `[start, end)` of `vma`, which has got VM_LOCKED, or lost it. Large folios are mlocked only if all
 * of them is mapped here.
 *
 * Called under the mmap write lock, with the VMA write-locked.
 *
 * @locks a page-table lock for each table
 */
export function* mlockPages(task: Task, vma: Vma, start: number, end: number): Op<void> {
  const isLocked = (vma.flags & VM.LOCKED) !== 0;
  // Migration must not mlock what it brings back meanwhile: the walk will, once.
  if (isLocked) vma.flags |= VM.IO;
  yield* walkPageRangeVma(task, vma, start, end, OPS, { start, end, isLocked });
  if (isLocked) vma.flags &= ~VM.IO;
}

const look: Look<Range> = function* visit({ task, state }, slot, level, page) {
  const { machine } = task;
  if (!isMappedAt(machine, slot, level)) return;
  const frame = mappedFrameAt(machine, slot, level);
  const head = headOf(machine, frame);
  if (isHugeZero(machine, head)) return;
  const isSmall = level > 0 || orderOf(machine, head) === 0;
  const { isLocked } = state;
  const isMet = isLocked ? mapsWhole : startsRun;
  if (!isSmall && !isMet(machine, state, slot, page, frame)) return;
  yield writing(machine.objects.frame(head));
  if (isLocked) mlockFolio(machine, head);
  else munlockFolio(machine, head);
};

/** Whether the entries from `slot` on map all of a large folio. */
function mapsWhole(
  world: World,
  { end }: Range,
  slot: number,
  page: number,
  frame: number,
): boolean {
  const pages = 2 ** orderOf(world, headOf(world, frame));
  const isHere = page + pages <= end && (slot % world.tableEntries) + pages <= world.tableEntries;
  if (headOf(world, frame) !== frame || !isHere) return false;
  for (let index = 1; index < pages; index++) {
    if (!mapsFrame(world, slot + index, frame + index)) return false;
  }
  return true;
}

/** Whether the entry before `slot` does not map the frame before: runs of a large folio count once. */
function startsRun(
  world: World,
  { start }: Range,
  slot: number,
  page: number,
  frame: number,
): boolean {
  const isFirst = page === start || slot % world.tableEntries === 0;
  return isFirst || headOf(world, frame) === frame || !mapsFrame(world, slot - 1, frame - 1);
}

const mapsFrame = (world: World, slot: number, frame: number): boolean =>
  isMappedAt(world, slot) && mappedFrameAt(world, slot) === frame;

const OPS = leafOps(look);
