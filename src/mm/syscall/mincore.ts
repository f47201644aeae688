/** mincore(2). @source mm/mincore.c (Linux 6.18) */
import { EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { granularOf } from '../hugetlb/granular.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { headOf, putFrame } from '../page/frame.ts';
import { swapCacheGet } from '../swap/swap_cache.ts';
import { isNoneMostlyAt, SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { isPageAligned, pageOf, pagesOf, wrap } from '../vma/pages.ts';
import { pgoffAt, type Vma } from '../vma/vma.ts';
import { leafOps } from '../walk/leaf_walk.ts';
import { LEVEL_UNKNOWN, type MmWalk, type MmWalkOps, WalkForm } from '../walk/mm_walk.ts';
import { walkPageRange } from '../walk/page_walk.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';

/** Pages that are looked at before the mmap lock is dropped for others. */
const CHUNK = 4096;

/**
 * Notes in `resident` which pages would not have to be read first: 1, or 0. Pages before a hole are
 * noted. Nothing is faulted in.
 *
 * @param resident one byte a page, enough for all
 * @param form     how tables of hugetlb are walked
 * @returns 0 or a negative errno
 * @locks   mmap (read), then a page-table lock for each table
 * @omits   files that the process may not write to, of which nothing is told
 */
export function* mincore(
  task: Task,
  address: number,
  length: number,
  resident: Uint8Array,
  form: WalkForm = WalkForm.LEGACY,
): Op<number> {
  if (!isPageAligned(address)) return EINVAL;
  const { machine, cpu, mm } = task;
  const start = pageOf(address);
  const end = wrap(start + pagesOf(length));
  const isUserSpace = length >= 0 && end >= start && end <= mm.layout.taskSize;
  if (!isUserSpace) return ENOMEM;
  for (let at = start; at < end; ) {
    yield* mmapReadLock(machine, cpu, mm.id);
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.at(at);
    const next = vma === undefined ? at : Math.min(end, vma.end, at + CHUNK);
    const granular = vma === undefined ? undefined : granularOf(machine, vma);
    if (granular !== undefined) {
      yield* granular.look(task, vma!, at, next, resident.subarray(at - start));
    } else if (vma !== undefined) {
      yield* walkPageRange(task, at, next, OPS, { start, resident }, form);
    }
    yield* mmapReadUnlock(machine, cpu, mm.id);
    if (vma === undefined) return ENOMEM;
    at = next;
  }
  return 0;
}

interface Vector {
  readonly start: number;
  readonly resident: Uint8Array;
}

const OPS: MmWalkOps<Vector> = leafOps(look, lookIntoHole);

/** @source mincore_pte_range(), mincore_hugetlb() */
function* look(
  { task, vma, state }: MmWalk<Vector>,
  slot: number,
  level: number,
  page: number,
  end: number,
): Op<void> {
  const { machine } = task;
  const resident = state.resident.subarray(page - state.start, end - state.start);
  if (isNoneMostlyAt(machine, slot)) {
    // Of a huge page that could be mapped here, the page cache is not asked.
    if (isHugetlb(vma!)) resident.fill(0);
    else yield* lookIntoFile(task, vma!, page, end, resident);
  } else if (level === 0 && softKindAt(machine, slot) === SoftKind.SWAP) {
    const isCached = yield* isInSwapCache(task, softValueAt(machine, slot));
    resident[0] = isCached ? 1 : 0;
    // What is being moved is there.
  } else resident.fill(1);
}

/** @source mincore_unmapped_range() */
function* lookIntoHole(
  { task, vma, state }: MmWalk<Vector>,
  page: number,
  end: number,
  level: number,
): Op<number> {
  const resident = state.resident.subarray(page - state.start, end - state.start);
  const isEntry = level !== LEVEL_UNKNOWN && isHugetlb(vma!) && level <= hstateOf(vma!).level;
  // Where a huge page could be mapped there is an entry, though it is empty: see `look()`.
  if (isEntry) resident.fill(0);
  else yield* lookIntoFile(task, vma!, page, end, resident);
  return 0;
}

/** Whether what was swapped out is in memory, too. @source mincore_swap() */
function* isInSwapCache({ machine, cpu }: Task, slot: number): Op<boolean> {
  const head = yield* swapCacheGet(machine, cpu, slot);
  if (head === NONE) return false;
  yield reading(machine.objects.frame(head));
  const isUptodate = (machine.frameFlags[head]! & FrameFlag.UPTODATE) !== 0;
  yield* putFrame(machine, cpu, head);
  return isUptodate;
}

/** What is not mapped may be in the page cache. */
function* lookIntoFile(
  { machine }: Task,
  vma: Vma,
  start: number,
  end: number,
  resident: Uint8Array,
): Op<void> {
  if (vma.file === undefined) {
    resident.fill(0, 0, end - start);
    return;
  }
  const { inode } = vma.file;
  const step = isHugetlb(vma) ? hstateOf(vma).pages : 1;
  for (let page = start; page < end; page++) {
    yield reading(machine.objects.pages(inode.id));
    const pgoff = pgoffAt(vma, page);
    const frame = inode.pages.get(pgoff - (pgoff % step));
    if (frame !== NONE) yield reading(machine.objects.frame(headOf(machine, frame)));
    const flags = frame === NONE ? 0 : machine.frameFlags[headOf(machine, frame)]!;
    resident[page - start] = (flags & FrameFlag.UPTODATE) === 0 ? 0 : 1;
  }
}
