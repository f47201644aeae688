/**
 * Filling pages that faults wait for: the loop of UFFDIO_COPY, ZEROPAGE, CONTINUE and POISON.
 *
 * Pages are filled one by one, under the lock of the one VMA that has to have them all. What is copied
 * has to be there: if it is not, the locks are dropped, it is faulted in, and the VMA looked up anew.
 *
 * @source mm/userfaultfd.c mfill_atomic(), uffd_mfill_lock(), validate_dst_vma() (Linux 6.18)
 */
import { load, tryLoad } from '../fault/access.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { putFrame } from '../page/frame.ts';
import { anonVmaPrepare } from '../rmap/anon_vma_prepare.ts';
import { isMappedAt } from '../table/mapped_entry.ts';
import { walk, walkAllocating } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { isAnonymous, VM, type Vma } from '../vma/vma.ts';
import { lockVmaUnderRcu, vmaEndRead } from '../vma/vma_lock.ts';
import { EAGAIN, EEXIST, EFAULT, EINVAL, ENOENT, ENOMEM } from '../world/errno.ts';
import { lockShared, mmapReadLock, mmapReadUnlock, Rank, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import type { Userfaultfd } from './context.ts';
import { fillHugetlb } from './fill_hugetlb.ts';
import { fillPage } from './fill_page.ts';
import type { PageRange } from './range.ts';
import { isShmem } from './register.ts';

/** What pages are filled with. */
export interface Fill {
  readonly kind: 'copy' | 'zeropage' | 'continue' | 'poison';
  /** Whether what is mapped is write-protected at once. */
  readonly isWp: boolean;
  /** Of a copy: the task that asks for it, from which of its pages on, and whether from within that. */
  readonly from?: { readonly task: Task; readonly page: number; readonly isWithin: boolean };
}

/** A page of the source is not there: it is to be faulted in without locks. No errno. */
export const SOURCE_MISSING = 1;

/** What is under way. */
export interface Filling {
  readonly fill: Fill;
  readonly range: PageRange;
  /** Pages that are done. */
  done: number;
  /** What was copied without locks, by page of the source. */
  readonly copied: Map<number, number>;
  /** Pages that are filled at once. */
  step: number;
  /** Of hugetlb, the page of the pool that it was copied to, or `NONE`. */
  temporary: number;
}

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
  const filling: Filling = { fill, range, done: 0, copied: new Map(), step: 1, temporary: NONE };
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

export function* dropTemporary({ machine, cpu }: Task, filling: Filling): Op<void> {
  const { temporary } = filling;
  filling.temporary = NONE;
  if (temporary !== NONE) yield* putFrame(machine, cpu, temporary);
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

/**
 * The word of the page that is `index` pages behind the first; `undefined` if it is not there. Of a
 * page that is copied from two, it is that of the first.
 */
export function* contentOf(
  { from }: Fill,
  index: number,
  copied: ReadonlyMap<number, number>,
): Op<number | undefined> {
  if (from === undefined) return 0;
  const page = from.page + index;
  const word = copied.get(page) ?? (yield* tryLoad(from.task, page));
  if (!from.isWithin || copied.has(page + 1)) return word;
  const rest = yield* tryLoad(from.task, page + 1);
  return rest === undefined ? undefined : word;
}

/**
 * Copies without locks what is filled next, of hugetlb all of a huge page, and so faults it in.
 *
 * @returns whether the program may read it
 */
function* copySource({ fill, range, done, copied, step }: Filling): Op<boolean> {
  const { task, page, isWithin } = fill.from!;
  const pages = range.end - range.start + (isWithin ? 1 : 0);
  let left = step;
  for (let index = done; index < pages && left > 0; index++) {
    if (copied.has(page + index)) continue;
    const present = yield* tryLoad(task, page + index);
    if (present !== undefined && step === 1) continue;
    const word = present ?? (yield* load(task, page + index));
    if (word < 0) return false;
    copied.set(page + index, word);
    left--;
  }
  return true;
}
