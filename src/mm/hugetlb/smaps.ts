/**
 * What smaps says of huge pages of hugetlb.
 *
 * @source fs/proc/task_mmu.c smaps_hugetlb_range() (Linux 6.18)
 */
import { headOf } from '../page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import { leafOps } from '../walk/leaf_walk.ts';
import type { WalkForm } from '../walk/mm_walk.ts';
import { walkPageRangeVma } from '../walk/page_walk.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { hugetlbMapcount } from './rmap.ts';
import { isPmdShared } from './share.ts';

/** Shared_Hugetlb and Private_Hugetlb, in small pages. */
export interface HugetlbShares {
  shared: number;
  private: number;
}

/**
 * How much of a VMA of hugetlb is mapped, and how much of that others may have, too. Called under the
 * mmap lock.
 *
 * @locks the lock of the VMA of hugetlb (read), then that of each entry
 */
export function* hugetlbShares(task: Task, vma: Vma, form?: WalkForm): Op<HugetlbShares> {
  const shares = { shared: 0, private: 0 };
  yield* walkPageRangeVma(task, vma, vma.start, vma.end, OPS, shares, form);
  return shares;
}

const OPS = leafOps<HugetlbShares>(function* look({ task, state }, slot, level, page, end) {
  const { machine } = task;
  const isMapped = isMappedAt(machine, slot, level);
  if (!isMapped && softKindAt(machine, slot) !== SoftKind.MIGRATION) return;
  const frame = isMapped ? mappedFrameAt(machine, slot, level) : softValueAt(machine, slot);
  const head = headOf(machine, frame);
  yield reading(machine.objects.frame(head));
  // An entry keeps its page, as does whoever moves it, who freezes its references for a moment.
  const isFree = machine.frameReferences[head] === 0 && machine.frameMapping[head] === 0;
  if (isFree) violate(machine, 'P-UAF-PAGE');
  // What is on the move may be shared.
  const isCounted = !isMapped || hugetlbMapcount(machine, head) > 1;
  const isShared = isCounted || (yield* isPmdShared(task, slot));
  if (isShared) state.shared += end - page;
  else state.private += end - page;
});
