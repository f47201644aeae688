/**
 * The legacy walk of hugetlb, huge page by huge page.
 *
 * @source mm/pagewalk.c walk_hugetlb_range() (Linux 6.18)
 */
import { hstateOf } from '../hugetlb/hstate.ts';
import { walk as walkTo } from '../table/pgtable.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { NONE } from '../world/world.ts';
import { LEVEL_UNKNOWN, type MmWalk } from './mm_walk.ts';

/** Called between `vmaPgtableWalkBegin()` and `vmaPgtableWalkEnd()`. */
export function* walkHugetlbRange<State>(
  walk: MmWalk<State>,
  vma: Vma,
  start: number,
  end: number,
): Op<number> {
  if (walk.ops.hugetlbEntry === undefined) return 0;
  const { pages } = hstateOf(vma);
  let result = 0;
  for (let page = start; page < end && result === 0; ) {
    const head = Math.floor(page / pages) * pages;
    const next = Math.min(end, head + pages);
    result = yield* walkHugePage(walk, vma, head, page, next);
    page = next;
  }
  return result;
}

function* walkHugePage<State>(
  walk: MmWalk<State>,
  vma: Vma,
  head: number,
  page: number,
  end: number,
): Op<number> {
  const { task, ops } = walk;
  const slot = yield* walkTo(task.machine, task.mm, head, hstateOf(vma).level);
  if (slot !== NONE) return yield* ops.hugetlbEntry!(walk, slot, page, end);
  return ops.pteHole === undefined ? 0 : yield* ops.pteHole(walk, page, end, LEVEL_UNKNOWN);
}
