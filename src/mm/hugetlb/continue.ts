/**
 * UFFDIO_CONTINUE of hugetlb: maps what the file has already.
 *
 * @source mm/userfaultfd.c mfill_atomic_hugetlb(), mm/hugetlb.c hugetlb_mfill_atomic_pte() (Linux 6.18)
 */
import { unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import { checkTable, isNoneAt, lockOf } from '../table/pgtable.ts';
import { Marker, SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { PAGE_BYTES } from '../vma/pages.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { EEXIST, EFAULT, EINVAL, EIO, ENOMEM } from '../world/errno.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { NONE, type World } from '../world/world.ts';
import { faultMutexLock, faultMutexUnlock } from './fault_mutex.ts';
import { findLockHugetlb } from './filemap.ts';
import { granularOf } from './granular.ts';
import { hstateOf, hugeIndexAt } from './hstate.ts';
import { setHugePte } from './huge_pte.ts';
import { leafFlags } from './leaf_flags.ts';
import { arePoisoned } from './poison.ts';
import { countMap } from './rmap.ts';
import { hugePteAlloc } from './share.ts';
import { vmaLockRead, vmaUnlockRead } from './vma_lock.ts';

/**
 * Maps the bytes `[address, address + length)` of `vma`, which has them all: whole huge pages, or, where
 * they may be mapped in pieces, small ones.
 *
 * Called under the mmap lock or the lock of the VMA, for reading.
 *
 * @param writeProtects whether what is mapped cannot be written to yet (UFFDIO_CONTINUE_MODE_WP); pieces
 *                      always can, the mode is newer than they are
 * @returns how many bytes were mapped before something was in the way; if none was, EINVAL for a range
 *          of another alignment, EEXIST, EFAULT if the file has no page there, EIO or ENOMEM
 * @locks   the fault mutex, the lock of the VMA, the folio lock, the lock of the table
 */
export function* hugetlbContinue(
  task: Task,
  vma: Vma,
  address: number,
  length: number,
  writeProtects = false,
): Op<number> {
  const granular = granularOf(task.machine, vma);
  const { pages } = hstateOf(vma);
  const unit = (granular === undefined ? pages : 1) * PAGE_BYTES;
  if (address % unit !== 0 || length % unit !== 0) return EINVAL;
  const [start, end] = [address / PAGE_BYTES, (address + length) / PAGE_BYTES];
  if (granular !== undefined) {
    const filled = yield* granular.fillRange(task, vma, start, end);
    return filled < 0 ? filled : filled * PAGE_BYTES;
  }
  for (let page = start; page < end; page += pages) {
    const error = yield* continuePage(task, vma, page, writeProtects);
    if (error < 0) return page > start ? (page - start) * PAGE_BYTES : error;
  }
  return length;
}

/** @returns 0 or a negative errno */
function* continuePage(task: Task, vma: Vma, page: number, writeProtects: boolean): Op<number> {
  const { inode } = vma.file!;
  const index = hugeIndexAt(vma, page);
  yield* faultMutexLock(task, inode, index);
  yield* vmaLockRead(task, vma);
  const slot = yield* hugePteAlloc(task, task.mm, vma, page);
  let result = ENOMEM;
  if (slot !== NONE) {
    const head = yield* findLockHugetlb(task, inode, index);
    if (head === NONE) result = EFAULT;
    else if (arePoisoned(task.machine, head, hstateOf(vma).pages)) {
      yield* unlockFolio(task.machine, task.cpu, head);
      yield* putFrame(task.machine, task.cpu, head);
      result = EIO;
    } else result = yield* mapCached(task, vma, slot, head, writeProtects);
  }
  yield* vmaUnlockRead(task, vma);
  yield* faultMutexUnlock(task, inode, index);
  return result;
}

/** Maps the folio, which is locked, with a reference. @returns 0 or EEXIST */
function* mapCached(
  { machine, cpu, mm }: Task,
  vma: Vma,
  slot: number,
  head: number,
  writeProtects: boolean,
): Op<number> {
  const hstate = hstateOf(vma);
  const guard = lockOf(machine, mm, slot, hstate.level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield reading(machine.objects.entry(slot));
  const isFree = checkTable(machine, slot) && isNoneOrMarker(machine, slot);
  if (isFree) {
    yield writing(machine.objects.frame(head));
    countMap(machine, head, 1);
    yield setting(machine.objects.entry(slot));
    const mayWrite = (vma.flags & VM.SHARED) !== 0 && !writeProtects;
    setHugePte(machine, slot, hstate, head, leafFlags(vma, mayWrite));
    mm.hugetlbPages += hstate.pages;
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield* unlockFolio(machine, cpu, head);
  if (!isFree) yield* putFrame(machine, cpu, head);
  return isFree ? 0 : EEXIST;
}

/** @source include/linux/hugetlb.h huge_pte_none_mostly() */
function isNoneOrMarker(world: World, slot: number): boolean {
  if (isNoneAt(world, slot)) return true;
  return softKindAt(world, slot) === SoftKind.MARKER && softValueAt(world, slot) === Marker.UFFD_WP;
}
