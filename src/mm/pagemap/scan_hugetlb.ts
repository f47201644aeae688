/**
 * What a scan of pages does with huge pages of hugetlb.
 *
 * The walk holds the lock of the VMA for reading, which a change of rights takes for writing: entries are
 * changed here, under i_mmap_rwsem and the lock of their table. No table is shared where userfaultfd
 * write-protects.
 *
 * @source fs/proc/task_mmu.c pagemap_scan_hugetlb_entry(), pagemap_scan_hugetlb_hole_wp()
 *         (Linux 6.18.44)
 * @omits  reading entries without the lock of their table, as Linux does where none is protected
 */
import { ENOMEM, ENOSPC } from '../../uapi/errno.ts';
import { PageIs } from '../../uapi/pagemap.ts';
import { type Hstate, hstateOf } from '../hugetlb/hstate.ts';
import { hugePteLock } from '../hugetlb/huge_pte.ts';
import { hugePteAlloc } from '../hugetlb/share.ts';
import { headOf } from '../page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { walk as walkTo } from '../table/pgtable.ts';
import { SoftKind, softKindAt } from '../table/soft_entry.ts';
import type { MmWalk } from '../walk/mm_walk.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { makeUffdWp } from './make_uffd_wp.ts';
import { hugetlbCategories } from './page_categories.ts';
import type { PmScanState } from './scan_state.ts';

export type ScanWalk = MmWalk<PmScanState>;

/** Tells of the pages `[page, end)` of the huge page at `slot`. @returns 0 or ENOSPC */
export function* scanHugetlb(walk: ScanWalk, slot: number, page: number, end: number): Op<number> {
  const { task, vma, state } = walk;
  const { machine } = task;
  const hstate = hstateOf(vma!);
  yield* lockEntry(walk, slot);
  yield reading(machine.objects.entry(slot));
  if (isMappedAt(machine, slot, hstate.level)) {
    const frame = mappedFrameAt(machine, slot, hstate.level);
    yield reading(machine.objects.frame(headOf(machine, frame)));
  }
  const categories = state.vmaCategories | hugetlbCategories(machine, slot, hstate.level);
  const isFound = state.matches(categories);
  const last = isFound ? state.output(categories, page, end) : end;
  let result = last < end ? ENOSPC : 0;
  const isWritten = state.isProtecting && (categories & PageIs.WRITTEN) !== 0;
  if (isFound && isWritten && last > page) {
    if (last - page === hstate.pages) yield* protect(walk, slot, page, hstate);
    else {
      // A part of a huge page cannot be protected.
      state.backOut(page, last);
      state.walkEnd = page;
      result = 0;
    }
  }
  yield* unlockEntry(walk, slot);
  return result;
}

/** Huge pages that are mapped by runs of entries of level 0, in `[page, end)` of one table. */
export function* scanRuns(walk: ScanWalk, page: number, end: number): Op<number> {
  const { task, vma } = walk;
  const { pages } = hstateOf(vma!);
  let result = 0;
  for (let at = page; at < end && result === 0; ) {
    const head = at - (at % pages);
    const next = Math.min(end, head + pages);
    const slot = yield* walkTo(task.machine, task.mm, head, 0);
    result = yield* scanHugetlb(walk, slot, at, next);
    at = next;
  }
  return result;
}

/** Notes write protection where there is no table yet. @returns 0 or ENOMEM */
export function* protectHugetlbHole(walk: ScanWalk, start: number, end: number): Op<number> {
  const { task, vma } = walk;
  const hstate = hstateOf(vma!);
  for (let page = start - (start % hstate.pages); page < end; page += hstate.pages) {
    const slot = yield* hugePteAlloc(task, task.mm, vma!, page);
    if (slot === NONE) return ENOMEM;
    yield* lockEntry(walk, slot);
    yield reading(task.machine.objects.entry(slot));
    yield* protect(walk, slot, page, hstate);
    yield* unlockEntry(walk, slot);
  }
  return 0;
}

/** Called under the lock of the table. */
function* protect({ task }: ScanWalk, slot: number, page: number, hstate: Hstate): Op<void> {
  const { machine, cpu, mm } = task;
  // What is a marker stays as it is, and failed memory too.
  if (softKindAt(machine, slot) === SoftKind.MARKER) return;
  yield* makeUffdWp(task, slot, page, hstate);
  yield* flushTlbMmRange(machine, cpu, mm.id, page, page + hstate.pages, false);
}

/** @locks i_mmap_rwsem (write) if entries may change; the lock of the table */
function* lockEntry({ task, vma, state }: ScanWalk, slot: number): Op<void> {
  const { machine, cpu, mm } = task;
  if (state.isProtecting) {
    yield* lock(machine, cpu, machine.objects.iMmapLock(vma!.file!.inode.id), Rank.I_MMAP);
  }
  const guard = hugePteLock(machine, mm, slot, hstateOf(vma!));
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
}

function* unlockEntry({ task, vma, state }: ScanWalk, slot: number): Op<void> {
  const { machine, cpu, mm } = task;
  const guard = hugePteLock(machine, mm, slot, hstateOf(vma!));
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (state.isProtecting) {
    yield* unlock(machine, cpu, machine.objects.iMmapLock(vma!.file!.inode.id), Rank.I_MMAP);
  }
}
