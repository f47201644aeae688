/**
 * Filling pages that faults wait for: the loop of UFFDIO_COPY, ZEROPAGE, CONTINUE and POISON.
 *
 * Pages are filled one by one, under the lock of the one VMA that has to have them all. What is copied
 * has to be there: if it is not, the locks are dropped, it is faulted in, and the VMA looked up anew.
 *
 * @source mm/userfaultfd.c mfill_atomic(), uffd_mfill_lock(), validate_dst_vma() (Linux 6.18)
 */
import { EAGAIN, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM } from '../../uapi/errno.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { anonVmaPrepare } from '../rmap/anon_vma_prepare.ts';
import { isMappedAt } from '../table/mapped_entry.ts';
import { walk, walkAllocating } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { isAnonymous, VM, type Vma } from '../vma/vma.ts';
import { lockVmaUnderRcu, vmaEndRead } from '../vma/vma_lock.ts';
import { lockShared, mmapReadLock, mmapReadUnlock, Rank, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import type { Userfaultfd } from './context.ts';
import { fillHugetlb } from './fill_hugetlb.ts';
import { fillPage } from './fill_page.ts';
import {
  contentOf,
  copySource,
  dropTemporary,
  type Fill,
  type Filling,
  newFilling,
  SOURCE_MISSING,
} from './filling.ts';
import type { PageRange } from './range.ts';
import { isShmem } from './register.ts';

/**
 * Fills `range` of `task.mm`.
 *
 * @returns how many pages were filled, or a negative errno if it was none
 * @locks   the VMA lock or mmap (both read), map_changing_lock (read), then what a page needs
 */
export function* fillRange(
  task: Task,
  uffd: Userfaultfd,
  fill: Fill,
  range: PageRange,
): Op<number> {
  const filling = newFilling(fill, range);
  for (;;) {
    const stopped = yield* fillLocked(task, uffd, filling);
    if (stopped === SOURCE_MISSING) {
      const isThere = yield* copySource(filling);
      if (isThere) continue;
    }
    yield* dropTemporary(task, filling);
    const error = stopped === SOURCE_MISSING ? EFAULT : stopped;
    return filling.done > 0 ? filling.done : error;
  }
}

/** @returns 0 at the end, a negative errno, or `SOURCE_MISSING` */
function* fillLocked(task: Task, uffd: Userfaultfd, filling: Filling): Op<number> {
  const { machine, cpu, mm } = task;
  const { range } = filling;
  const found = yield* lockForFill(task, range.start);
  if (found === undefined) return ENOENT;
  const { vma, isVmaLocked } = found;
  const isFit = range.end <= vma.end && vma.userfaultfd !== undefined;
  const result = isFit ? yield* fillStable(task, uffd, vma, filling) : ENOENT;
  if (isVmaLocked) yield* vmaEndRead(machine, cpu, vma);
  else yield* mmapReadUnlock(machine, cpu, mm.id);
  return result;
}

/** The VMA of `page`, locked. What is private gets its anon_vma, whatever comes of the call. */
function* lockForFill(
  task: Task,
  page: number,
): Op<{ readonly vma: Vma; readonly isVmaLocked: boolean } | undefined> {
  const { machine, cpu, mm } = task;
  const locked = yield* lockVmaUnderRcu(task, page);
  if (locked !== undefined) {
    if (!needsAnonVma(locked)) return { vma: locked, isVmaLocked: true };
    yield* vmaEndRead(machine, cpu, locked);
  }
  yield* mmapReadLock(machine, cpu, mm.id);
  yield reading(machine.objects.tree(mm.id));
  const vma = mm.vmas.at(page);
  if (vma === undefined) {
    yield* mmapReadUnlock(machine, cpu, mm.id);
    return undefined;
  }
  if (needsAnonVma(vma)) yield* anonVmaPrepare(task, vma);
  return { vma, isVmaLocked: false };
}

const needsAnonVma = ({ flags, anonVma }: Vma): boolean =>
  (flags & VM.SHARED) === 0 && anonVma === undefined;

/** As `fillLocked()`, under the lock of the VMA, while nothing changes the address space. */
function* fillStable(task: Task, uffd: Userfaultfd, vma: Vma, filling: Filling): Op<number> {
  const { machine, cpu } = task;
  const guard = machine.objects.mapChangingLock(uffd.id);
  yield* lockShared(machine, cpu, guard, Rank.MAP_CHANGING);
  yield reading(machine.objects.userfaults(uffd.id));
  const error = uffd.mmapChanging > 0 ? EAGAIN : refusal(vma, filling.fill);
  const result = error < 0 ? error : yield* fillVma(task, vma, filling);
  yield* unlockShared(machine, cpu, guard, Rank.MAP_CHANGING);
  return result;
}

function refusal(vma: Vma, { kind, isWp }: Fill): number {
  if (isWp && (vma.flags & VM.UFFD_WP) === 0) return EINVAL;
  if (isHugetlb(vma)) return 0;
  if (!isAnonymous(vma) && !isShmem(vma)) return EINVAL;
  return kind === 'continue' && !isShmem(vma) ? EINVAL : 0;
}

function* fillVma(task: Task, vma: Vma, filling: Filling): Op<number> {
  if (isHugetlb(vma)) return yield* fillHugetlb(task, vma, filling);
  const { range, fill, copied } = filling;
  while (range.start + filling.done < range.end) {
    const page = range.start + filling.done;
    const error = yield* linkTables(task, page);
    if (error < 0) return error;
    const content = yield* contentOf(fill, filling.done, copied);
    if (content === undefined) return SOURCE_MISSING;
    const result = yield* fillPage(task, vma, page, fill, content);
    if (result < 0) return result;
    filling.done++;
  }
  return 0;
}

/** @returns 0 or a negative errno: EEXIST if a huge page is mapped */
function* linkTables(task: Task, page: number): Op<number> {
  const { machine, mm } = task;
  const slot = yield* walkAllocating(task, mm, page);
  if (slot !== NONE) return 0;
  const above = yield* walk(machine, mm, page, 1);
  if (above === NONE) return ENOMEM;
  yield reading(machine.objects.entry(above));
  return isMappedAt(machine, above, 1) ? EEXIST : ENOMEM;
}
