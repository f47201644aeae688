/**
 * Walking the tables below a huge page.
 *
 *    full walk            as deep as there are tables; allocates nothing
 *    full walk, continue  the same from where one has come to
 *    full walk, alloc     down to a size, with the tables that are missing; never through a leaf
 *
 * A walk takes no page-table lock: what it finds is to be looked at again under the lock of the place
 * where it ended. Tables do not go away as long as the lock is held that a collapse takes for writing
 * (`HgmOptions.collapseLock`). RFC v1 called the walk hugetlb_walk_to(), and RFC v2 hugetlb_hgm_walk(),
 * with `stop_at_none` in place of an allocating variant.
 *
 * @source HGM v2, mm/hugetlb.c hugetlb_hgm_walk(), hugetlb_full_walk(), hugetlb_full_walk_continue(),
 *         hugetlb_full_walk_alloc(), hugetlb_walk_step(), hugetlb_alloc_pmd(), hugetlb_alloc_pte()
 */
import { type Hstate, hstateOf } from '../../mm/hugetlb/hstate.ts';
import { isContiguousAt } from '../../mm/hugetlb/huge_pte.ts';
import { hugePteAlloc } from '../../mm/hugetlb/share.ts';
import type { Machine } from '../../mm/machine.ts';
import {
  checkTable,
  isNoneAt,
  isSameAt,
  setTable,
  slotIn,
  tableAt,
  walk,
} from '../../mm/table/pgtable.ts';
import { SoftKind, setSoftEntry, softValueAt } from '../../mm/table/soft_entry.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading, setting } from '../../mm/world/point.ts';
import { violate } from '../../mm/world/property.ts';
import { allocTable, freeTable } from '../../mm/world/table_page.ts';
import { NONE } from '../../mm/world/world.ts';
import { EEXIST, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { Held, type HugetlbPte, heldAt, lockOfPiece } from './hugetlb_pte.ts';
import { isGranularSize } from './sizes.ts';

/** How a walk ends that has found no place for a table. */
const RACED = 1;

/**
 * The place where `page` is mapped, or could be.
 *
 * @returns false if there is no table for the entry of the huge page
 */
export function* fullWalk(
  machine: Machine,
  mm: Mm,
  vma: Vma,
  page: number,
  at: HugetlbPte,
): Op<boolean> {
  const hstate = hstateOf(vma);
  const slot = yield* walk(machine, mm, page - (page % hstate.pages), hstate.level);
  if (slot === NONE) return false;
  beginAt(at, slot, hstate);
  yield* fullWalkContinue(machine, page, at);
  return true;
}

/** Cannot fail; where nothing is below, `at` stays as it is. */
export function* fullWalkContinue(machine: Machine, page: number, at: HugetlbPte): Op<void> {
  while (at.pages > 1) {
    yield reading(machine.objects.entry(at.slot));
    if (!checkTable(machine, at.slot) || heldAt(machine, at) !== Held.FINER) return;
    walkStep(machine, page, 1, at);
  }
}

/**
 * The place of `target` small pages for `page`, with the tables above it, or that of a larger leaf.
 *
 * @param target 0 to allocate only what the entry of the huge page needs, and to walk on from there
 * @param splitsMarkers whether a marker of userfaultfd-wp gives way to a table of markers
 * @returns 0; ENOMEM; EEXIST at a page that is being moved, or poisoned, or a marker that is not to be
 *          divided; EINVAL for a size that there is not. `at` is a place in any case but the first.
 * @locks   page-table locks
 */
export function* fullWalkAlloc(
  task: Task,
  mm: Mm,
  vma: Vma,
  page: number,
  target: number,
  at: HugetlbPte,
  splitsMarkers: boolean,
): Op<number> {
  const { machine } = task;
  const hstate = hstateOf(vma);
  const slot = yield* hugePteAlloc(task, mm, vma, page - (page % hstate.pages));
  if (slot === NONE) return ENOMEM;
  beginAt(at, slot, hstate);
  if (target === 0) {
    yield* fullWalkContinue(machine, page, at);
    return 0;
  }
  if (!isGranularSize(machine, hstate, target)) return EINVAL;
  while (at.pages > target) {
    yield reading(machine.objects.entry(at.slot));
    if (!checkTable(machine, at.slot)) return EEXIST;
    const held = heldAt(machine, at);
    if (held === Held.LEAF) return 0;
    const error = held === Held.FINER ? 0 : yield* makeFiner(task, mm, page, at, splitsMarkers);
    if (error === RACED) continue;
    if (error < 0) return error;
    walkStep(machine, page, target, at);
  }
  return 0;
}

/** Lets an empty place have smaller ones: a run has them already. @returns 0, ENOMEM, EEXIST or `RACED` */
function* makeFiner(
  task: Task,
  mm: Mm,
  page: number,
  at: HugetlbPte,
  splitsMarkers: boolean,
): Op<number> {
  const held = heldAt(task.machine, at);
  if (held === Held.SOFT && task.machine.bugs.walkTakesEntryForTable === true) return 0;
  if (held === Held.SOFT || (held === Held.MARKER && !splitsMarkers)) return EEXIST;
  return at.entries > 1 ? 0 : yield* linkLower(task, mm, page, at);
}

function beginAt(at: HugetlbPte, slot: number, { level, entries, pages }: Hstate): void {
  at.slot = slot;
  at.level = level;
  at.entries = entries;
  at.pages = pages;
}

/**
 * One step down, towards `page`: from a run to its entries, or into the table that an entry refers to,
 * to a run if one is mapped there, or is to be, and else to one entry.
 */
export function walkStep(machine: Machine, page: number, target: number, at: HugetlbPte): void {
  const { format } = machine;
  if (at.entries > 1) {
    at.slot += Math.floor((page % at.pages) / format.entryPages[at.level]!);
    at.entries = 1;
    at.pages = format.entryPages[at.level]!;
    return;
  }
  const table = tableAt(machine, at.slot, at.level);
  // Nothing but a table is walked through.
  if (machine.tableUsed[table] === undefined) violate(machine, 'P-UAF-PT');
  at.level--;
  at.slot = slotIn(machine, table, page, at.level);
  at.entries = 1;
  at.pages = format.entryPages[at.level]!;
  const run = format.contiguousEntries(at.level);
  if (run === 1) return;
  if (target < run * at.pages && !isContiguousAt(machine, at.slot, at.level)) return;
  at.slot -= at.slot % run;
  at.entries = run;
  at.pages *= run;
}

/**
 * Links a table below an empty entry, or one with a marker, which all entries of the table get before
 * anybody can see them.
 *
 * @returns 0, ENOMEM, or `RACED` if the entry has changed meanwhile
 * @locks   the lock of the entry
 */
function* linkLower(task: Task, mm: Mm, page: number, at: HugetlbPte): Op<number> {
  const { machine, cpu } = task;
  const [low, high] = [machine.lanes[at.slot * 2]!, machine.lanes[at.slot * 2 + 1]!];
  const marker = isNoneAt(machine, at.slot) ? 0 : softValueAt(machine, at.slot);
  const table = yield* allocTable(machine, cpu);
  if (table === NONE) return ENOMEM;
  if (marker !== 0) fillWithMarkers(machine, table, marker);
  const guard = lockOfPiece(machine, mm, at);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(at.slot));
  const isSame = checkTable(machine, at.slot) && isSameAt(machine, at.slot, low, high);
  if (isSame) {
    setTable(machine, mm, page, at.slot, table, at.level);
    mm.tables++;
  }
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (isSame) return 0;
  machine.lanes.fill(0, table * machine.tableEntries * 2, (table + 1) * machine.tableEntries * 2);
  yield* freeTable(machine, cpu, table);
  return RACED;
}

function fillWithMarkers(machine: Machine, table: number, marker: number): void {
  const first = table * machine.tableEntries;
  for (let slot = first; slot < first + machine.tableEntries; slot++) {
    setSoftEntry(machine, slot, SoftKind.MARKER, marker);
  }
}
