/**
 * MADV_COLLAPSE: pieces become larger ones, up to the whole page, or what of it is asked for.
 *
 * What is mapped below is taken away, the tables are freed, and one entry takes their place, with the
 * rights of the VMA. So holes are filled as if they had been asked for, and pages that userfaultfd-wp
 * had protected are protected no more. Freeing tables is safe only while nobody walks them: that is what
 * the locks of the four versions are about (`HgmOptions.collapseLock`).
 *
 * @source HGM v2, mm/hugetlb.c hugetlb_collapse(), __hugetlb_collapse(), mm/madvise.c madvise_collapse()
 * @omits  MMU notifiers
 */
import { findGetFrame } from '../../mm/file/filemap.ts';
import { faultMutexLock, faultMutexUnlock } from '../../mm/hugetlb/fault_mutex.ts';
import { HugetlbFlag, hugetlbFlags } from '../../mm/hugetlb/folio.ts';
import { hstateOf, hugeIndexAt, isHugetlb } from '../../mm/hugetlb/hstate.ts';
import { leafFlags } from '../../mm/hugetlb/leaf_flags.ts';
import { arePoisoned } from '../../mm/hugetlb/poison.ts';
import { vmaLockWrite, vmaUnlockWrite } from '../../mm/hugetlb/vma_lock.ts';
import { putFrame } from '../../mm/page/frame.ts';
import { freePgtables } from '../../mm/table/free_pgtables.ts';
import { tlbFinishMmu, tlbGatherMmu } from '../../mm/table/mmu_gather.ts';
import { checkTable } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import { pgoffAt, VM, type Vma } from '../../mm/vma/vma.ts';
import { vmaStartWrite } from '../../mm/vma/vma_lock.ts';
import {
  lock,
  mmapReadLock,
  mmapReadUnlock,
  mmapWriteLock,
  mmapWriteUnlock,
  Rank,
  unlock,
} from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';
import { EBUSY, EEXIST, EHWPOISON, EINVAL } from '../../uapi/errno.ts';
import { Held, type HugetlbPte, heldAt, lockOfPiece, newHugetlbPte } from './hugetlb_pte.ts';
import type { HgmOptions } from './options.ts';
import { mapPiece } from './piece.ts';
import { largestSize } from './sizes.ts';
import { isTopEmpty } from './top.ts';
import { fullWalkAlloc } from './walk.ts';
import { unmapPieces } from './zap.ts';

/** Which of the versions hold each lock for writing. */
const MMAP_LOCKED: readonly CollapseLock[] = ['mmap', 'all'];
const VMA_LOCKED: readonly CollapseLock[] = ['vma', 'vma and i_mmap', 'all'];
const I_MMAP_LOCKED: readonly CollapseLock[] = ['i_mmap', 'vma and i_mmap', 'all'];
type CollapseLock = HgmOptions['collapseLock'];

/**
 * Collapses what is mapped of `[start, end)` of `vma`, and of VMAs behind it. Called under the mmap
 * lock, for reading, which v2 drops and takes again.
 *
 * @returns 0; EINVAL of a VMA that is not shared, or a range with memory of another kind; EEXIST inside
 *          a larger piece; EBUSY if a page is just being moved; in v1, EHWPOISON if one was passed over
 */
export function* collapseGranular(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  options: HgmOptions,
): Op<number> {
  const { machine, cpu, mm } = task;
  if (!MMAP_LOCKED.includes(options.collapseLock))
    return yield* collapseVma(task, vma, start, end, options);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  yield* mmapWriteLock(machine, cpu, mm.id);
  const result = yield* collapseVmas(task, start, end, options);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  yield* mmapReadLock(machine, cpu, mm.id);
  return result;
}

/** Called under the mmap lock, for writing. */
function* collapseVmas(task: Task, start: number, end: number, options: HgmOptions): Op<number> {
  const { machine, mm } = task;
  let result = 0;
  let page = start;
  while (page < end || (result < 0 && machine.bugs.collapseErrorForgotten === true)) {
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.find(page);
    if (vma === undefined || !isHugetlb(vma)) return EINVAL;
    // Faults under the lock of the VMA do not see the mmap lock.
    yield* vmaStartWrite(machine, mm, vma);
    result = yield* collapseVma(task, vma, page, Math.min(end, vma.end), options);
    if (result < 0 && machine.bugs.collapseErrorForgotten !== true) return result;
    page = vma.end;
  }
  return result;
}

function* collapseVma(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  options: HgmOptions,
): Op<number> {
  if ((vma.flags & VM.MAYSHARE) === 0) return EINVAL;
  if (vma.hugetlb?.isGranular !== true) return 0;
  if (!options.collapseHoldsMutex) return yield* collapseLocked(task, vma, start, end, options);
  const { inode } = vma.file!;
  const { pages } = hstateOf(vma);
  let result = 0;
  for (let page = start; page < end && result === 0; page += pages - (page % pages)) {
    const next = Math.min(end, page - (page % pages) + pages);
    const index = hugeIndexAt(vma, page);
    yield* faultMutexLock(task, inode, index);
    result = yield* collapseLocked(task, vma, page, next, options);
    yield* faultMutexUnlock(task, inode, index);
  }
  return result;
}

function* collapseLocked(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  options: HgmOptions,
): Op<number> {
  const { machine, cpu, mm } = task;
  yield* tlbGatherMmu(machine, cpu, mm.id);
  yield* collapseBegin(task, vma, options);
  const result = yield* collapseRange(task, vma, start, end, options);
  yield* collapseEnd(task, vma, options);
  yield* tlbFinishMmu(machine, cpu, mm.id);
  return result;
}

function* collapseBegin(task: Task, vma: Vma, { collapseLock }: HgmOptions): Op<void> {
  const { machine, cpu } = task;
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  if (VMA_LOCKED.includes(collapseLock)) yield* vmaLockWrite(task, vma);
  if (I_MMAP_LOCKED.includes(collapseLock)) {
    yield* lock(machine, cpu, guard, Rank.I_MMAP);
  }
}

function* collapseEnd(task: Task, vma: Vma, { collapseLock }: HgmOptions): Op<void> {
  const { machine, cpu } = task;
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  if (I_MMAP_LOCKED.includes(collapseLock)) {
    yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  }
  if (VMA_LOCKED.includes(collapseLock)) yield* vmaUnlockWrite(task, vma);
}

function* collapseRange(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  options: HgmOptions,
): Op<number> {
  const hstate = hstateOf(vma);
  const at = newHugetlbPte();
  let result = 0;
  for (let page = start; page < end; ) {
    // Where the entry of the page is counted, no tables are made for nothing.
    if (options.counting === 'top' && (yield* isTopEmpty(task, task.mm, vma, page))) {
      page = page - (page % hstate.pages) + hstate.pages;
      continue;
    }
    const size = largestSize(task.machine, hstate, page, end);
    const { splitsMarkers } = options;
    const error = yield* fullWalkAlloc(task, task.mm, vma, page, size, at, splitsMarkers);
    if (error < 0) return error;
    if (at.pages > size) return EEXIST;
    const done = yield* collapseAt(task, vma, page, at, options);
    if (done === EBUSY) return done;
    if (done === EHWPOISON) {
      if (options.poisonIsError) result = EHWPOISON;
      page = page - (page % hstate.pages) + hstate.pages;
    } else page += size;
  }
  return result;
}

/** @returns 0, EBUSY, or EHWPOISON of a page that stays as it is */
function* collapseAt(
  task: Task,
  vma: Vma,
  page: number,
  at: HugetlbPte,
  options: HgmOptions,
): Op<number> {
  const { machine, cpu } = task;
  yield reading(machine.objects.entry(at.slot));
  if (!checkTable(machine, at.slot) || heldAt(machine, at) !== Held.FINER) return 0;
  const { pages } = hstateOf(vma);
  const { inode } = vma.file!;
  const pgoff = pgoffAt(vma, page);
  const head = yield* findGetFrame(task, inode, pgoff - (pgoff % pages));
  if (head !== NONE) {
    const refused = refusal(task, head, pages);
    if (refused < 0) {
      yield* putFrame(machine, cpu, head);
      return refused;
    }
  }
  yield* unmapPieces(task, vma, page, page + at.pages, options);
  yield* freeTablesBelow(task, page, at);
  if (head !== NONE) yield* mapWhole(task, vma, page, at, head, options);
  return 0;
}

/** A poisoned page cannot be moved, either: that is asked first. */
function refusal({ machine }: Task, head: number, pages: number): number {
  if (arePoisoned(machine, head, pages)) return EHWPOISON;
  return (hugetlbFlags(machine, head) & HugetlbFlag.ISOLATED) === 0 ? 0 : EBUSY;
}

/** The entries of a run have no table of their own. */
function* freeTablesBelow(task: Task, page: number, at: HugetlbPte): Op<void> {
  const [start, end] = [page, page + at.pages];
  if (at.entries === 1 && at.level > 0) {
    yield* freePgtables(task, start, end, { floor: start, ceiling: end });
  }
}

/** Maps the piece by one entry, with the reference that the caller has. */
function* mapWhole(
  task: Task,
  vma: Vma,
  page: number,
  at: HugetlbPte,
  head: number,
  options: HgmOptions,
): Op<void> {
  const { machine, cpu, mm } = task;
  const guard = lockOfPiece(machine, mm, at);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  // Where the entry of the page is counted, it was never empty.
  yield* mapPiece(task, mm, vma, page, at, head, leafFlags(vma, true), false, options);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
}
