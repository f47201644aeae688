/** mincore(2). @source mm/mincore.c (Linux 6.18) */
import { isHugetlb } from '../hugetlb/hstate.ts';
import { lookAtHugetlb } from '../hugetlb/mincore.ts';
import { headOf, putFrame } from '../page/frame.ts';
import { swapCacheGet } from '../swap/swap_cache.ts';
import { isMappedAt } from '../table/mapped_entry.ts';
import { findMapped, isNoneAt, walk } from '../table/pgtable.ts';
import { lockPte, tableEnd, unlockPte } from '../table/pte_table.ts';
import { SoftKind, softKindAt, softValueAt } from '../table/soft_entry.ts';
import type { Task } from '../task.ts';
import { isPageAligned, pageOf, pagesOf, wrap } from '../vma/pages.ts';
import { pgoffAt, type Vma } from '../vma/vma.ts';
import { EINVAL, ENOMEM } from '../world/errno.ts';
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
 * @returns 0 or a negative errno
 * @locks   mmap (read), then a page-table lock for each table
 * @omits   files that the process may not write to, of which nothing is told
 */
export function* mincore(
  task: Task,
  address: number,
  length: number,
  resident: Uint8Array,
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
    if (vma !== undefined && isHugetlb(vma)) {
      yield* lookAtHugetlb(task, vma, at, next, resident.subarray(at - start));
    } else if (vma !== undefined) yield* lookAt(task, vma, at, next, resident.subarray(at - start));
    yield* mmapReadUnlock(machine, cpu, mm.id);
    if (vma === undefined) return ENOMEM;
    at = next;
  }
  return 0;
}

/** Called under the mmap lock. */
function* lookAt(task: Task, vma: Vma, start: number, end: number, resident: Uint8Array): Op<void> {
  const { machine, mm } = task;
  for (let at = start; at < end; ) {
    const mapped = yield* findMapped(machine, mm, at, end);
    yield* lookIntoFile(task, vma, at, mapped, resident.subarray(at - start));
    if (mapped === end) return;
    at = tableEnd(machine, mapped, end);
    const isHuge = yield* isHugeAt(task, mapped);
    if (isHuge) resident.fill(1, mapped - start, at - start);
    else yield* lookIntoTable(task, vma, mapped, at, resident.subarray(mapped - start));
  }
}

function* isHugeAt({ machine, mm }: Task, page: number): Op<boolean> {
  const slot = yield* walk(machine, mm, page, 1);
  if (slot === NONE) return false;
  yield reading(machine.objects.entry(slot));
  return isMappedAt(machine, slot, 1);
}

function* lookIntoTable(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  resident: Uint8Array,
): Op<void> {
  const { machine, mm } = task;
  const first = yield* lockPte(task, mm, start);
  for (let page = start; page < end; page++) {
    const slot = first + page - start;
    if (first !== NONE) yield reading(machine.objects.entry(slot));
    const kind = first === NONE ? SoftKind.MARKER : softKindAt(machine, slot);
    const isNone = kind === SoftKind.MARKER || isNoneAt(machine, slot);
    if (isNone) yield* lookIntoFile(task, vma, page, page + 1, resident.subarray(page - start));
    else if (kind === SoftKind.SWAP) {
      const isCached = yield* isInSwapCache(task, softValueAt(machine, slot));
      resident[page - start] = isCached ? 1 : 0;
      // What is being moved is there.
    } else
      resident[page - start] = isMappedAt(machine, slot) || kind === SoftKind.MIGRATION ? 1 : 0;
  }
  if (first !== NONE) yield* unlockPte(task, mm, first);
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
  for (let page = start; page < end; page++) {
    yield reading(machine.objects.pages(inode.id));
    const frame = inode.pages.get(pgoffAt(vma, page));
    if (frame !== NONE) yield reading(machine.objects.frame(headOf(machine, frame)));
    const flags = frame === NONE ? 0 : machine.frameFlags[headOf(machine, frame)]!;
    resident[page - start] = (flags & FrameFlag.UPTODATE) === 0 ? 0 : 1;
  }
}
