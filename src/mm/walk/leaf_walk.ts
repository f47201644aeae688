/**
 * Walks that look at what is mapped, of whatever size it is: each entry under its own lock.
 *
 * @source fs/proc/task_mmu.c smaps_pte_range(), pagemap_pmd_range(); mm/mincore.c mincore_pte_range();
 *         include/linux/huge_mm.h pmd_trans_huge_lock() (Linux 6.18)
 */
import { hstateOf } from '../hugetlb/hstate.ts';
import { hugePteLock } from '../hugetlb/huge_pte.ts';
import { isNoneAt, isTableAt, lockOf } from '../table/pgtable.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { type MmWalk, type MmWalkOps, WalkAction, WalkLock } from './mm_walk.ts';

/**
 * An entry of `level` at `slot`, for the pages `[page, end)`; also an empty one, if it is of a small
 * page or of hugetlb. Called under the lock of its table.
 */
export type Look<State> = (
  walk: MmWalk<State>,
  slot: number,
  level: number,
  page: number,
  end: number,
) => Op<void>;

/** Calls for walks under the mmap lock, of either form, that show every leaf to `look`. */
export function leafOps<State>(
  look: Look<State>,
  pteHole?: MmWalkOps<State>['pteHole'],
): MmWalkOps<State> {
  return {
    walkLock: WalkLock.RDLOCK,
    *pudEntry(walk, slot, page, end) {
      yield* lookAtLeaf(walk, look, slot, 2, page, end);
      return 0;
    },
    *pmdEntry(walk, slot, page, end) {
      yield* lookAtLeaf(walk, look, slot, 1, page, end);
      return 0;
    },
    *pteEntry(walk, slot, page, end) {
      yield* look(walk, slot, 0, page, end);
      return 0;
    },
    *hugetlbEntry(walk, slot, page, end) {
      const { machine, cpu, mm } = walk.task;
      const hstate = hstateOf(walk.vma!);
      const guard = hugePteLock(machine, mm, slot, hstate);
      const isLocked = machine.bugs.hugetlbSeenUnlocked !== true;
      if (isLocked) yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
      yield reading(machine.objects.entry(slot));
      yield* look(walk, slot, hstate.level, page, end);
      if (isLocked) yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
      return 0;
    },
    ...(pteHole !== undefined && { pteHole }),
  };
}

/** What is a table by now, or nothing, is left to the walk. */
function* lookAtLeaf<State>(
  walk: MmWalk<State>,
  look: Look<State>,
  slot: number,
  kind: number,
  page: number,
  end: number,
): Op<void> {
  const { machine, cpu, mm } = walk.task;
  const level = Math.min(kind, machine.format.levels - 1);
  yield reading(machine.objects.entry(slot));
  if (isTableAt(machine, slot, level)) return;
  const guard = lockOf(machine, mm, slot, level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  if (isNoneAt(machine, slot)) walk.action = WalkAction.AGAIN;
  else if (!isTableAt(machine, slot, level)) {
    walk.action = WalkAction.CONTINUE;
    yield* look(walk, slot, level, page, end);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}
