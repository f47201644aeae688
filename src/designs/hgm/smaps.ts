/**
 * What smaps says of a VMA of hugetlb: how much of it is mapped by entries of each level, and how much
 * of that others have, too.
 *
 * @source HGM v2, fs/proc/task_mmu.c smaps_hugetlb_range(), smap_add_hugetlb_hgm_stats()
 */

import { hstateOf, nextBlock } from '../../mm/hugetlb/hstate.ts';
import { hugetlbMapcount } from '../../mm/hugetlb/rmap.ts';
import { isPmdShared } from '../../mm/hugetlb/share.ts';
import { headOf } from '../../mm/page/frame.ts';
import { checkTable } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { firstOf, frameOf, Held, heldAt, newHugetlbPte } from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { fullWalk } from './walk.ts';

/** In small pages. */
export interface HugetlbSmaps {
  /** HugetlbPteMapped, HugetlbPmdMapped, HugetlbPudMapped: by the level of the entries. */
  readonly mappedByLevel: number[];
  /** Shared_Hugetlb and Private_Hugetlb. */
  shared: number;
  private: number;
}

/** Called under the mmap lock, and the lock of the VMA for reading. */
export function* smapsOfHugetlb(task: Task, vma: Vma, { counting }: HgmOptions): Op<HugetlbSmaps> {
  const { machine, mm } = task;
  const found: HugetlbSmaps = { mappedByLevel: [0, 0, 0], shared: 0, private: 0 };
  const at = newHugetlbPte();
  for (let page = vma.start; page < vma.end; ) {
    const isThere = yield* fullWalk(machine, mm, vma, page, at);
    if (!isThere) {
      page = nextBlock(machine, hstateOf(vma), page);
      continue;
    }
    yield reading(machine.objects.entry(at.slot));
    if (checkTable(machine, at.slot) && heldAt(machine, at) === Held.LEAF) {
      found.mappedByLevel[at.level]! += at.pages;
      const frame = frameOf(machine, at);
      const head = headOf(machine, frame);
      yield reading(machine.objects.frame(head));
      // As for other large folios: by the first small page of the piece.
      const own = counting === 'subpages' ? machine.frameMapcount[frame]! : 0;
      const isShared =
        own + hugetlbMapcount(machine, head) > 1 || (yield* isPmdShared(task, at.slot));
      if (isShared) found.shared += at.pages;
      else found.private += at.pages;
    }
    page = firstOf(at, page) + at.pages;
  }
  return found;
}
