/** Pieces of huge pages: mapped, and the folio that they are of. */
import type { LeafFlags } from '../../arch/index.ts';
import { addHugetlb, findLockHugetlb } from '../../mm/hugetlb/filemap.ts';
import { hstateOf, hugeIndexAt } from '../../mm/hugetlb/hstate.ts';
import { setHugePte } from '../../mm/hugetlb/huge_pte.ts';
import { allocHugetlbFolio, restoreReserve } from '../../mm/hugetlb/reserve.ts';
import { unlockFolio } from '../../mm/page/folio_lock.ts';
import { putFrame } from '../../mm/page/frame.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import { pgoffAt, type Vma } from '../../mm/vma/vma.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading, setting, writing } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';
import { EFAULT } from '../../uapi/errno.ts';
import { countPiece } from './counting.ts';
import { firstOf, type HugetlbPte } from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';

/** The frame of the folio `head` that belongs at `page`. @source hugetlb_find_subpage() */
export function subpageAt(vma: Vma, head: number, page: number): number {
  return head + (pgoffAt(vma, page) % hstateOf(vma).pages);
}

/**
 * Maps the piece of the folio `head` that belongs where `at` is, which is for `page`. The caller's
 * reference goes to the entry. Called under the lock of the entry, which is empty.
 */
export function* mapPiece(
  { machine }: Task,
  mm: Mm,
  vma: Vma,
  page: number,
  at: HugetlbPte,
  head: number,
  flags: LeafFlags,
  isTop: boolean,
  { counting }: HgmOptions,
): Op<void> {
  const frame = subpageAt(vma, head, firstOf(at, page));
  yield writing(machine.objects.frame(head));
  countPiece(machine, counting, frame, at.pages, 1, isTop);
  yield setting(machine.objects.entry(at.slot));
  setHugePte(machine, at.slot, at, frame, flags);
  mm.hugetlbPages += at.pages;
}

/**
 * The folio that the page cache has for `page`, locked, with a reference.
 *
 * Each entry has a reference, and so many small ones can overflow their count: 2^13 mappings of a page
 * of 1 GiB are enough. Then nobody gets another one.
 *
 * @returns `NONE` if there is none, or EFAULT
 * @source  HGM v2, mm/hugetlb.c hugetlb_try_find_lock_folio()
 */
export function* findFolio(task: Task, vma: Vma, page: number): Op<number> {
  const { machine, cpu } = task;
  const head = yield* findLockHugetlb(task, vma.file!.inode, hugeIndexAt(vma, page));
  if (head === NONE) return NONE;
  yield reading(machine.objects.frame(head));
  if (machine.frameReferences[head]! > 0) return head;
  // As posted, the caller forgets both.
  if (machine.bugs.guardKeepsFolio === true) return EFAULT;
  yield* unlockFolio(machine, cpu, head);
  yield writing(machine.objects.frame(head));
  machine.frameReferences[head]!--;
  return EFAULT;
}

/**
 * A folio for `page` that the page cache did not have, locked, with a reference. Called under the fault
 * mutex.
 *
 * @returns `NONE` if there is no page to be had
 */
export function* makeFolio(task: Task, vma: Vma, page: number): Op<number> {
  const start = page - (page % hstateOf(vma).pages);
  const made = yield* allocHugetlbFolio(task, vma, start);
  if (made < 0) return NONE;
  const isOnly = yield* addHugetlb(task, vma.file!.inode, hugeIndexAt(vma, page), made);
  if (isOnly) return made;
  yield* restoreReserve(task, vma, start, made);
  yield* putFrame(task.machine, task.cpu, made);
  return NONE;
}
