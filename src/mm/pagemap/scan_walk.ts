/**
 * The calls of a walk that tells what pages are, and write-protects those that it tells of.
 *
 * Legacy, huge pages of hugetlb come by `hugetlb_entry`, and what has no table as holes. Unified, they
 * come as entries of their level, and an empty one as a hole: there the entry is looked for.
 *
 * @source fs/proc/task_mmu.c pagemap_scan_test_walk(), pagemap_scan_pmd_entry(),
 *         pagemap_scan_thp_entry(), pagemap_scan_pte_hole() (Linux 6.18)
 * @omits  write protection of pages that runs of entries of level 1 map, in the unified form
 */
import { ENOSPC, EPERM } from '../../uapi/errno.ts';
import { PageIs, PmScan } from '../../uapi/pagemap.ts';
import { UffdFeature } from '../../uapi/userfaultfd.ts';
import { hugePages, hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { headOf } from '../page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isNoneAt, isTableAt, lockOf, walk as walkTo } from '../table/pgtable.ts';
import { lockPte, unlockPte } from '../table/pte_table.ts';
import { hasFeature, usesWpMarkers } from '../userfaultfd/context.ts';
import { WpChange } from '../userfaultfd/wp_change.ts';
import { changeWp } from '../userfaultfd/write_protect.ts';
import { VM } from '../vma/vma.ts';
import { LEVEL_UNKNOWN, type MmWalkOps, WalkAction, WalkLock } from '../walk/mm_walk.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { flushTlbMmRange } from '../world/tlb.ts';
import { NONE } from '../world/world.ts';
import { makeUffdWp } from './make_uffd_wp.ts';
import { isUffdWpAt, pageCategories } from './page_categories.ts';
import { protectHugetlbHole, type ScanWalk, scanHugetlb, scanRuns } from './scan_hugetlb.ts';

/** A huge page is one no more: what follows looks at small ones. */
const SPLIT = 1;
const SMALL_PAGE = { level: 0, entries: 1, pages: 1 } as const;

export const SCAN_OPS: MmWalkOps<ScanWalk['state']> = {
  walkLock: WalkLock.RDLOCK,
  testWalk,
  pteHole: scanHole,
  *pudEntry(walk, slot, page, end) {
    yield reading(walk.task.machine.objects.entry(slot));
    if (!isOfHugetlb(walk, 2) || isTableAt(walk.task.machine, slot, 2)) return 0;
    walk.action = WalkAction.CONTINUE;
    return yield* scanHugetlb(walk, slot, page, end);
  },
  pmdEntry: scanPmd,
  hugetlbEntry: scanHugetlb,
};

/** @returns more than 0 to pass over the VMA, or EPERM */
function* testWalk({ task, vma, state }: ScanWalk): Op<number> {
  yield reading(task.machine.objects.tree(task.mm.id));
  const isAllowed = hasFeature(vma!.userfaultfd, UffdFeature.WP_ASYNC) && usesWpMarkers(vma!);
  if (!isAllowed) {
    if ((state.arg.flags & PmScan.CHECK_WPASYNC) !== 0) return EPERM;
    if (state.isProtecting) return 1;
  }
  if ((vma!.flags & VM.PFNMAP) !== 0) return 1;
  state.vmaCategories = isAllowed ? PageIs.WPALLOWED : 0;
  return state.matchesVma(state.vmaCategories) ? 0 : 1;
}

/** Whether entries of `level` are those of the VMA's pages of hugetlb. */
function isOfHugetlb({ vma }: ScanWalk, level: number): boolean {
  if (!isHugetlb(vma!) || vma!.hugetlb?.isGranular === true) return false;
  return hstateOf(vma!).level === level;
}

function* scanHole(walk: ScanWalk, page: number, end: number, level: number): Op<number> {
  const { task, vma, state } = walk;
  if (vma === undefined) return 0;
  if (level !== LEVEL_UNKNOWN && isOfHugetlb(walk, level)) {
    // In its own way of walking hugetlb, an empty entry is no hole.
    const slot = yield* walkTo(task.machine, task.mm, page, level);
    return yield* scanHugetlb(walk, slot, page, end);
  }
  if (isHugetlb(vma) && state.isProtecting) return yield* scanHugetlbHole(walk, page, end);
  return yield* tellOfHole(walk, page, end);
}

/** What is not there was written to, where write protection is noted of it; but not of hugetlb. */
function* tellOfHole(walk: ScanWalk, page: number, end: number): Op<number> {
  const { task, vma, state } = walk;
  const isHuge = isHugetlb(vma!);
  const isTracked = (vma!.flags & VM.UFFD_WP) !== 0 && !isHuge;
  const categories = state.vmaCategories | (isTracked ? PageIs.WRITTEN : 0);
  if (!state.matches(categories)) return 0;
  const last = state.output(categories, page, end);
  if (last > page && state.isProtecting) {
    const isWalkLocked = isHuge && task.machine.bugs.scanTakesVmaLockAgain !== true;
    const error = isWalkLocked
      ? yield* protectHugetlbHole(walk, page, last)
      : yield* changeWp(task, vma!, page, last, WpChange.PROTECT);
    if (error < 0) return error;
  }
  return last < end ? ENOSPC : 0;
}

/**
 * Protecting the first huge page makes the table: behind it are empty entries, which count as not
 * written to, and stay as they are.
 */
function* scanHugetlbHole(walk: ScanWalk, start: number, end: number): Op<number> {
  const { task, vma } = walk;
  const { pages, level } = hstateOf(vma!);
  let result = 0;
  for (let page = start; page < end && result === 0; ) {
    const next = Math.min(end, page - (page % pages) + pages);
    const slot = yield* walkTo(task.machine, task.mm, page - (page % pages), level);
    result =
      slot === NONE
        ? yield* tellOfHole(walk, page, next)
        : yield* scanHugetlb(walk, slot, page, next);
    page = next;
  }
  return result;
}

function* scanPmd(walk: ScanWalk, slot: number, page: number, end: number): Op<number> {
  const { machine } = walk.task;
  yield reading(machine.objects.entry(slot));
  walk.action = WalkAction.CONTINUE;
  const isTable = isTableAt(machine, slot, 1);
  if (isOfHugetlb(walk, 1) && !isTable) return yield* scanHugetlb(walk, slot, page, end);
  if (isOfHugetlb(walk, 0) && isTable) return yield* scanRuns(walk, page, end);
  const result = isTable ? SPLIT : yield* scanHugePage(walk, slot, page, end);
  return result === SPLIT ? yield* scanPtes(walk, page, end) : result;
}

/** @returns 0, ENOSPC, or `SPLIT`, if there is no huge page any more */
function* scanHugePage(walk: ScanWalk, slot: number, page: number, end: number): Op<number> {
  const { task, state } = walk;
  const { machine, cpu, mm } = task;
  const guard = lockOf(machine, mm, slot, 1);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  const categories = yield* lookAt(walk, slot, 1);
  const isTable = isTableAt(machine, slot, 1);
  // What was dropped, of a file, is a hole now.
  if (isNoneAt(machine, slot)) walk.action = WalkAction.AGAIN;
  const isFound = !isTable && !isNoneAt(machine, slot) && state.matches(categories);
  const last = isFound ? state.output(categories, page, end) : end;
  const isWritten = state.isProtecting && (categories & PageIs.WRITTEN) !== 0;
  const isWanted = isFound && isWritten && last > page;
  const isWhole = last - page === hugePages(machine);
  if (isWanted && isWhole) {
    yield* makeUffdWp(task, slot, page, { level: 1, entries: 1, pages: hugePages(machine) });
    yield* flushTlbMmRange(machine, cpu, mm.id, page, end, false);
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (isWanted && !isWhole) {
    state.backOut(page, last);
    yield* splitHugeEntry(task, mm, hugeStart(machine, page), slot);
    return SPLIT;
  }
  if (isTable) return SPLIT;
  return last < end ? ENOSPC : 0;
}

/** @returns 0 or ENOSPC */
function* scanPtes(walk: ScanWalk, page: number, end: number): Op<number> {
  const { task, state } = walk;
  const { machine, cpu, mm } = task;
  const first = yield* lockPte(task, mm, page);
  if (first === NONE) {
    walk.action = WalkAction.AGAIN;
    return 0;
  }
  let result = 0;
  let from = end;
  let to = page;
  for (let at = page; at < end && result === 0; at++) {
    const slot = first + at - page;
    const found = yield* tellOfPage(walk, slot, at);
    if (found < 0) result = found;
    else if (found > 0 && state.isProtecting) {
      yield* makeUffdWp(task, slot, at, SMALL_PAGE);
      from = Math.min(from, at);
      to = at + 1;
    }
  }
  if (from < to) yield* flushTlbMmRange(machine, cpu, mm.id, from, to, false);
  yield* unlockPte(task, mm, first);
  return result;
}

/** @returns ENOSPC; more than 0 if the page is one to protect; or 0 */
function* tellOfPage(walk: ScanWalk, slot: number, page: number): Op<number> {
  const { state } = walk;
  const categories = yield* lookAt(walk, slot, 0);
  // Who wants nothing but protection is not asked which pages.
  if (state.isProtecting && state.arg.vecLength === 0) {
    return isUffdWpAt(walk.task.machine, slot, 0) ? 0 : 1;
  }
  if (!state.matches(categories)) return 0;
  if (state.output(categories, page, page + 1) === page) return ENOSPC;
  return (categories & PageIs.WRITTEN) === 0 ? 0 : 1;
}

/** Called under the lock of the table. */
function* lookAt({ task, state }: ScanWalk, slot: number, level: number): Op<number> {
  const { machine } = task;
  yield reading(machine.objects.entry(slot));
  if (isMappedAt(machine, slot, level)) {
    yield reading(machine.objects.frame(headOf(machine, mappedFrameAt(machine, slot, level))));
  }
  return state.vmaCategories | pageCategories(machine, slot, level);
}
