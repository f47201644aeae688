/**
 * UFFDIO_CONTINUE of a part of a huge page: the only call that makes smaller pieces.
 *
 * Each step maps the largest piece that begins where it has come to and fits what is left. What is
 * mapped already, by this size or another one, ends it.
 *
 * @source HGM v2, mm/userfaultfd.c __mcopy_atomic_hugetlb(), mm/hugetlb.c hugetlb_alloc_largest_pte(),
 *         hugetlb_mcopy_atomic_pte()
 */
import { faultMutexLock, faultMutexUnlock } from '../../mm/hugetlb/fault_mutex.ts';
import { hstateOf, hugeIndexAt } from '../../mm/hugetlb/hstate.ts';
import { leafFlags } from '../../mm/hugetlb/leaf_flags.ts';
import { arePoisoned } from '../../mm/hugetlb/poison.ts';
import { vmaLockRead, vmaUnlockRead } from '../../mm/hugetlb/vma_lock.ts';
import { unlockFolio } from '../../mm/page/folio_lock.ts';
import { putFrame } from '../../mm/page/frame.ts';
import type { Task } from '../../mm/task.ts';
import { VM, type Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { EEXIST, EFAULT, EIO } from '../../uapi/errno.ts';
import { type HugetlbPte, isEmptyAt, lockOfPiece, newHugetlbPte } from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { findFolio, mapPiece, subpageAt } from './piece.ts';
import { largestSize } from './sizes.ts';
import { countNewTop, isTopEmpty } from './top.ts';
import { fullWalkAlloc } from './walk.ts';
import { walkLock, walkUnlock } from './walk_lock.ts';

/**
 * Maps what the file has for `[start, end)`. Called under the mmap lock or the lock of the VMA.
 *
 * @returns how many small pages were mapped before something was in the way, or, if none was: EEXIST,
 *          EFAULT if the file has no page there or it has too many references, EIO if it is poisoned,
 *          ENOMEM
 * @locks   the fault mutex, the lock of the VMA, (i_mmap_rwsem,) the folio lock, page-table locks
 */
export function* fillPieces(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  options: HgmOptions,
): Op<number> {
  let page = start;
  while (page < end) {
    const size = yield* fillPiece(task, vma, page, end, options);
    if (size < 0) return page > start ? page - start : size;
    page += size;
  }
  return page - start;
}

function* fillPiece(
  task: Task,
  vma: Vma,
  page: number,
  end: number,
  options: HgmOptions,
): Op<number> {
  const { inode } = vma.file!;
  const index = hugeIndexAt(vma, page);
  yield* faultMutexLock(task, inode, index);
  yield* vmaLockRead(task, vma);
  const size = largestSize(task.machine, hstateOf(vma), page, end);
  const error =
    options.walkLock === 'none'
      ? yield* fillAfterWalk(task, vma, page, size, options)
      : yield* fillBeforeWalk(task, vma, page, size, options);
  yield* vmaUnlockRead(task, vma);
  yield* faultMutexUnlock(task, inode, index);
  return error < 0 ? error : size;
}

/** The tables come first, and stay if there is no page. @returns 0 or a negative errno */
function* fillAfterWalk(
  task: Task,
  vma: Vma,
  page: number,
  size: number,
  options: HgmOptions,
): Op<number> {
  const at = newHugetlbPte();
  const error = yield* placeFor(task, vma, page, size, at, options);
  if (error < 0) return error;
  const head = yield* folioAt(task, vma, page, at);
  if (head < 0) return head;
  return yield* mapOrDrop(task, vma, page, at, head, options);
}

/** i_mmap_rwsem, which keeps the tables, comes after the folio lock. @returns 0 or a negative errno */
function* fillBeforeWalk(
  task: Task,
  vma: Vma,
  page: number,
  size: number,
  options: HgmOptions,
): Op<number> {
  const { machine, cpu } = task;
  const at = newHugetlbPte();
  at.pages = size;
  const head = yield* folioAt(task, vma, page, at);
  if (head < 0) return head;
  yield* walkLock(task, vma, options);
  const isTop = yield* isTopEmpty(task, task.mm, vma, page);
  let result = yield* placeFor(task, vma, page, size, at, options);
  if (isTop) yield* countNewTop(task, task.mm, vma, page, head);
  if (result === 0) result = yield* mapOrDrop(task, vma, page, at, head, options);
  else {
    yield* unlockFolio(machine, cpu, head);
    yield* putFrame(machine, cpu, head);
  }
  yield* walkUnlock(task, vma, options);
  return result;
}

/** @returns 0, ENOMEM, or EEXIST below a larger piece */
function* placeFor(
  task: Task,
  vma: Vma,
  page: number,
  size: number,
  at: HugetlbPte,
  { splitsMarkers }: HgmOptions,
): Op<number> {
  const error = yield* fullWalkAlloc(task, task.mm, vma, page, size, at, splitsMarkers);
  if (error < 0) return error;
  return at.pages > size ? EEXIST : 0;
}

/** The folio, locked, with a reference; or EFAULT or EIO. */
function* folioAt(task: Task, vma: Vma, page: number, at: HugetlbPte): Op<number> {
  const { machine, cpu } = task;
  const head = yield* findFolio(task, vma, page);
  if (head < 0) return EFAULT;
  if (!arePoisoned(machine, subpageAt(vma, head, page), at.pages)) return head;
  yield* unlockFolio(machine, cpu, head);
  yield* putFrame(machine, cpu, head);
  return EIO;
}

/** @returns 0 or EEXIST; the folio is unlocked */
function* mapOrDrop(
  task: Task,
  vma: Vma,
  page: number,
  at: HugetlbPte,
  head: number,
  options: HgmOptions,
): Op<number> {
  const { machine, cpu, mm } = task;
  const guard = lockOfPiece(machine, mm, at);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(at.slot));
  const isFree = isEmptyAt(machine, at);
  if (isFree) {
    const flags = leafFlags(vma, (vma.flags & VM.SHARED) !== 0);
    const isTop = at.pages === hstateOf(vma).pages;
    yield* mapPiece(task, mm, vma, page, at, head, flags, isTop, options);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield* unlockFolio(machine, cpu, head);
  if (!isFree) yield* putFrame(machine, cpu, head);
  return isFree ? 0 : EEXIST;
}
