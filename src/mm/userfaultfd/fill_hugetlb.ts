/**
 * Filling huge pages.
 *
 * As a fault does, under the fault mutex of the page and the lock of the VMA, so that nobody else makes
 * the same page, and the table stays. Where pages may be mapped in pieces, UFFDIO_CONTINUE leaves it to
 * the design how; all else is whole pages there, too.
 *
 * @source mm/userfaultfd.c mfill_atomic_hugetlb(); mm/hugetlb.c hugetlb_mfill_atomic_pte()
 *         (Linux 6.18)
 * @omits  the copy of a huge page that is kept while the locks are dropped: small pages are
 */
import { DIRTY } from '../../arch/index.ts';
import { EEXIST, EFAULT, EINVAL, EIO, ENOMEM } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import { faultMutexLock, faultMutexUnlock } from '../hugetlb/fault_mutex.ts';
import { addHugetlb, findLockHugetlb } from '../hugetlb/filemap.ts';
import { type Granular, granularOf } from '../hugetlb/granular.ts';
import { hstateOf, hugeIndexAt } from '../hugetlb/hstate.ts';
import { hugePteLock } from '../hugetlb/huge_pte.ts';
import { leafFlags } from '../hugetlb/leaf_flags.ts';
import { arePoisoned } from '../hugetlb/poison.ts';
import { dequeue, hugetlbLock, hugetlbUnlock, isAvailable } from '../hugetlb/pool.ts';
import { allocHugetlbFolio, restoreReserve } from '../hugetlb/reserve.ts';
import { countMap, mapNewAnonymousFolio } from '../hugetlb/rmap.ts';
import { hugePteAlloc } from '../hugetlb/share.ts';
import { vmaLockRead, vmaUnlockRead } from '../hugetlb/vma_lock.ts';
import { unlockFolio } from '../page/folio_lock.ts';
import { putFrame } from '../page/frame.ts';
import { setMapped } from '../table/mapped_entry.ts';
import { isNoneAt } from '../table/pgtable.ts';
import { isNoneMostlyAt, Marker, SoftKind, setSoftEntry } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { pgoffAt, VM, type Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import {
  contentOf,
  dropTemporary,
  type Fill,
  type Filling,
  newFilling,
  SOURCE_MISSING,
} from './filling.ts';
import type { PageRange } from './range.ts';
import { flagsOfWp, WpChange } from './wp_change.ts';

/** Where a page is to go. */
interface Place {
  readonly vma: Vma;
  readonly page: number;
  readonly index: number;
  readonly slot: number;
}

/** @returns 0 at the end, a negative errno, or `SOURCE_MISSING` */
export function* fillHugetlb(task: Task, vma: Vma, filling: Filling): Op<number> {
  const { range, fill } = filling;
  const { pages } = hstateOf(vma);
  if (fill.kind === 'zeropage') return EINVAL;
  const granular = fill.kind === 'continue' ? granularOf(task.machine, vma) : undefined;
  if (granular !== undefined) return yield* continuePieces(task, granular, vma, filling);
  if (range.start % pages > 0 || (range.end - range.start) % pages > 0) return EINVAL;
  filling.step = pages;
  while (range.start + filling.done < range.end) {
    const result = yield* fillHugePage(task, vma, range.start + filling.done, filling);
    if (result !== 0) return result;
    filling.done += pages;
  }
  return 0;
}

/** Pieces are younger than the mode that write-protects: EINVAL. */
function* continuePieces(task: Task, granular: Granular, vma: Vma, filling: Filling): Op<number> {
  const { range, fill } = filling;
  if (fill.isWp) return EINVAL;
  const mapped = yield* granular.fillRange(task, vma, range.start, range.end);
  if (mapped < 0) return mapped;
  filling.done = mapped;
  return 0;
}

/**
 * UFFDIO_CONTINUE of `range`, which lies in `vma`, whoever is told of its faults.
 *
 * Called under the mmap lock or the lock of the VMA, for reading.
 *
 * @returns how many pages were mapped before something was in the way; if none was, EINVAL for a range
 *          of another alignment, EEXIST, EFAULT if the file has no page there, EIO or ENOMEM
 */
export function* hugetlbContinue(task: Task, vma: Vma, range: PageRange): Op<number> {
  const filling = newFilling({ kind: 'continue', isWp: false }, range);
  const error = yield* fillHugetlb(task, vma, filling);
  return filling.done > 0 ? filling.done : error;
}

function* fillHugePage(task: Task, vma: Vma, page: number, filling: Filling): Op<number> {
  const { inode } = vma.file!;
  const index = hugeIndexAt(vma, page);
  // Faults count in huge pages.
  const hashed = task.machine.bugs.fillMutexBySmallPage === true ? pgoffAt(vma, page) : index;
  yield* faultMutexLock(task, inode, hashed);
  yield* vmaLockRead(task, vma);
  const slot = yield* hugePteAlloc(task, task.mm, vma, page);
  const result =
    slot === NONE ? ENOMEM : yield* fillEntry(task, { vma, page, index, slot }, filling);
  yield* vmaUnlockRead(task, vma);
  yield* faultMutexUnlock(task, inode, hashed);
  return result;
}

function* fillEntry(task: Task, place: Place, filling: Filling): Op<number> {
  const { machine } = task;
  const { fill } = filling;
  yield reading(machine.objects.entry(place.slot));
  if (fill.kind !== 'continue' && !isNoneMostlyAt(machine, place.slot)) return EEXIST;
  if (fill.kind === 'poison') return yield* poison(task, place);
  if (fill.kind === 'continue') return yield* continueHugetlb(task, place, fill.isWp);
  return yield* copy(task, place, filling);
}

function* poison(task: Task, { vma, slot }: Place): Op<number> {
  const { machine, cpu, mm } = task;
  const guard = hugePteLock(machine, mm, slot, hstateOf(vma));
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isNone = isNoneAt(machine, slot);
  if (isNone) setSoftEntry(machine, slot, SoftKind.MARKER, Marker.POISONED);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isNone ? 0 : EEXIST;
}

/** Maps the page that the file has, whole. */
function* continueHugetlb(task: Task, place: Place, isWp: boolean): Op<number> {
  const { machine, cpu } = task;
  const { vma, index } = place;
  const head = yield* findLockHugetlb(task, vma.file!.inode, index);
  if (head === NONE) return EFAULT;
  const mapping = { isCached: true, isContinued: true, isWp };
  const isPoisoned = arePoisoned(machine, head, hstateOf(vma).pages);
  const result = isPoisoned ? EIO : yield* mapHuge(task, place, head, mapping);
  yield* unlockFolio(machine, cpu, head);
  if (result < 0) yield* putFrame(machine, cpu, head);
  return result;
}

/** Fills a page of the pool with small pages of the source, and maps it. */
function* copy(task: Task, place: Place, filling: Filling): Op<number> {
  const { machine, cpu } = task;
  const { vma, page, index } = place;
  const { inode } = vma.file!;
  const isShared = (vma.flags & VM.SHARED) !== 0;
  const { pages } = hstateOf(vma);
  yield reading(machine.objects.pages(inode.id));
  if (isShared && inode.pages.get(index * pages) !== NONE) return EEXIST;
  const head = yield* allocHugetlbFolio(task, vma, page);
  yield* dropTemporary(task, filling);
  // The entry that was just looked up is taken for a page that another one has made.
  if (head < 0) return filling.copied.size === 0 ? EEXIST : ENOMEM;
  const isCopied = yield* copyPages(filling, task, head, pages);
  yield reading(machine.objects.pages(inode.id));
  const isBehind = isShared && index >= Math.floor(inode.bytes / PAGE_BYTES / pages);
  let result: number = 0;
  if (!isCopied) result = SOURCE_MISSING;
  else if (isBehind) result = EFAULT;
  else if (isShared) result = (yield* addHugetlb(task, inode, index, head)) ? 0 : EEXIST;
  if (result !== 0) {
    yield* restoreReserve(task, vma, page, head);
    yield* putFrame(machine, cpu, head);
    if (!isCopied) filling.temporary = yield* takeTemporary(task, vma);
    return result;
  }
  const { isWp } = filling.fill;
  result = yield* mapHuge(task, place, head, { isCached: isShared, isContinued: false, isWp });
  if (isShared) yield* unlockFolio(machine, cpu, head);
  if (result < 0) {
    if (!isShared) yield* restoreReserve(task, vma, page, head);
    yield* putFrame(machine, cpu, head);
  }
  return result;
}

/**
 * A page to copy to without locks: one that the pool has promised to nobody, which is then one less for
 * the page that is to be filled; or one of the buddy system, which is not told here.
 *
 * @source mm/hugetlb.c alloc_hugetlb_folio_vma() (Linux 6.18)
 */
function* takeTemporary(task: Task, vma: Vma): Op<number> {
  const hstate = hstateOf(vma);
  let head: number = NONE;
  yield* hugetlbLock(task);
  if (isAvailable(hstate)) head = yield* dequeue(task, hstate);
  yield* hugetlbUnlock(task);
  return head;
}

/** @returns whether all small pages of the source were there */
function* copyPages(
  { fill, done, copied }: { readonly fill: Fill } & Pick<Filling, 'done' | 'copied'>,
  { machine }: Task,
  head: number,
  pages: number,
): Op<boolean> {
  for (let at = 0; at < pages; at++) {
    const word = yield* contentOf(fill, done + at, copied);
    if (word === undefined) return false;
    if (machine.size.contents) machine.frameData[head + at] = word;
  }
  return true;
}

/** Maps a folio, whose reference the entry takes over, where nothing is, or a marker. */
function* mapHuge(
  task: Task,
  { vma, page, slot }: Place,
  head: number,
  {
    isCached,
    isContinued,
    isWp,
  }: { readonly isCached: boolean; readonly isContinued: boolean; readonly isWp: boolean },
): Op<number> {
  const { machine, cpu, mm } = task;
  const { level, pages } = hstateOf(vma);
  const guard = hugePteLock(machine, mm, slot, hstateOf(vma));
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isNone = isNoneMostlyAt(machine, slot);
  if (isNone) {
    yield writing(machine.objects.frame(head));
    if (isCached) countMap(machine, head, 1);
    else mapNewAnonymousFolio(machine, head, vma.anonVma!, vma.pgoff + page - vma.start);
    // What a private mapping has of the file is not written to in place.
    const isOwn = !isContinued || (vma.flags & VM.SHARED) !== 0;
    const mayWrite = isOwn && !isWp;
    const flags = leafFlags(vma, mayWrite) | DIRTY;
    yield setting(machine.objects.entry(slot));
    setMapped(machine, slot, head, isWp ? flagsOfWp(flags, WpChange.PROTECT) : flags, level);
    mm.hugetlbPages += pages;
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  return isNone ? 0 : EEXIST;
}
