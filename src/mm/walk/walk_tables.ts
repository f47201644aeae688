/**
 * The walk from table to table, of all that is not hugetlb, and of hugetlb in the unified form.
 *
 * A *kind* is the level that an entry would have with five of them. Kinds above the top level are
 * folded: their one entry is that of the top level itself.
 *
 * @source mm/pagewalk.c walk_pgd_range() to walk_pte_range() (Linux 6.18)
 */
import { hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { isHugetlbFolio } from '../hugetlb/folio.ts';
import { headOf } from '../page/frame.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { checkTable, isNoneAt, isTableAt, slotIn, tableAt } from '../table/pgtable.ts';
import { lockBelow, unlockPte } from '../table/pte_table.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import type { World } from '../world/world.ts';
import { type MmWalk, type MmWalkOps, WalkAction, type WalkEntry } from './mm_walk.ts';

const PGD = 4;
const PMD = 1;

/** Called with what keeps the tables in place. */
export function* walkTables<State>(walk: MmWalk<State>, start: number, end: number): Op<number> {
  return yield* walkTable(walk, PGD, walk.task.mm.root, start, end);
}

/** The level of entries of a kind. */
function levelOf({ task }: Pick<MmWalk<unknown>, 'task'>, kind: number): number {
  return Math.min(kind, task.machine.format.levels - 1);
}

function handlerOf<State>(ops: MmWalkOps<State>, kind: number): WalkEntry<State> | undefined {
  switch (kind) {
    case PGD:
      return ops.pgdEntry;
    case 3:
      return ops.p4dEntry;
    case 2:
      return ops.pudEntry;
    case PMD:
      return ops.pmdEntry;
    default:
      return ops.pteEntry;
  }
}

function hasHandlerBelow<State>(ops: MmWalkOps<State>, kind: number): boolean {
  for (let below = kind - 1; below >= 0; below--) {
    if (handlerOf(ops, below) !== undefined) return true;
  }
  return false;
}

function* walkTable<State>(
  walk: MmWalk<State>,
  kind: number,
  table: number,
  start: number,
  end: number,
): Op<number> {
  const { machine } = walk.task;
  const level = levelOf(walk, kind);
  const span = machine.format.entryPages[level]!;
  for (let page = start; page < end; ) {
    const next = Math.min(end, (Math.floor(page / span) + 1) * span);
    const slot = slotIn(machine, table, page, level);
    const result = yield* walkEntry(walk, kind, slot, page, next);
    if (result !== 0) return result;
    page = next;
  }
  return 0;
}

/** An entry above those of small pages, with what is below it. */
function* walkEntry<State>(
  walk: MmWalk<State>,
  kind: number,
  slot: number,
  page: number,
  end: number,
): Op<number> {
  let result: number;
  do {
    result = yield* visitEntry(walk, kind, slot, page, end);
  } while (result === 0 && walk.action === WalkAction.AGAIN);
  return result;
}

function* visitEntry<State>(
  walk: MmWalk<State>,
  kind: number,
  slot: number,
  page: number,
  end: number,
): Op<number> {
  const { task, ops } = walk;
  const { machine } = task;
  decide(walk, WalkAction.CONTINUE);
  yield reading(machine.objects.entry(slot));
  if (!checkTable(machine, slot)) return 0;
  if (isNoneAt(machine, slot)) {
    if (ops.pteHole === undefined) return 0;
    return yield* ops.pteHole(walk, page, end, levelOf(walk, kind));
  }
  const result = yield* callEntry(walk, kind, slot, page, end);
  if (result !== 0 || walk.action !== WalkAction.SUBTREE) return result;
  return hasHandlerBelow(ops, kind) ? yield* walkBelow(walk, kind, slot, page, end) : 0;
}

/** Until an entry says otherwise. */
function decide<State>(walk: MmWalk<State>, action: WalkAction): void {
  walk.action = action;
}

function* callEntry<State>(
  walk: MmWalk<State>,
  kind: number,
  slot: number,
  page: number,
  end: number,
): Op<number> {
  const handler = handlerOf(walk.ops, kind);
  decide(walk, WalkAction.SUBTREE);
  return handler === undefined ? 0 : yield* handler(walk, slot, page, end);
}

function* walkBelow<State>(
  walk: MmWalk<State>,
  kind: number,
  slot: number,
  page: number,
  end: number,
): Op<number> {
  const { task } = walk;
  const { machine } = task;
  const level = levelOf(walk, kind);
  if (kind > level) return yield* walkEntry(walk, kind - 1, slot, page, end);
  if (kind === PMD) return yield* walkPtes(walk, slot, page, end);
  yield reading(machine.objects.entry(slot));
  if (!isTableAt(machine, slot, level)) return 0;
  return yield* walkTable(walk, kind - 1, tableAt(machine, slot, level), page, end);
}

/** Whether a huge page can be split: one of hugetlb cannot, whatever its VMA is. */
function isTransparentAt(world: World, slot: number): boolean {
  if (!isMappedAt(world, slot, PMD)) return false;
  return !isHugetlbFolio(world, headOf(world, mappedFrameAt(world, slot, PMD)));
}

/** Under the lock of their table. Huge pages are split first, but for those of hugetlb. */
function* walkPtes<State>(
  walk: MmWalk<State>,
  above: number,
  page: number,
  end: number,
): Op<number> {
  const { task, ops, vma } = walk;
  const { machine, mm } = task;
  yield reading(machine.objects.entry(above));
  const isSplit = vma !== undefined && isTransparentAt(machine, above);
  if (isSplit) yield* splitHugeEntry(task, mm, hugeStart(machine, page), above);
  yield reading(machine.objects.entry(above));
  if (!isTableAt(machine, above, PMD)) {
    // What was dropped, of a file, is a hole now.
    if (isNoneAt(machine, above)) walk.action = WalkAction.AGAIN;
    return 0;
  }
  const first = slotIn(machine, tableAt(machine, above, PMD), page, 0);
  const isLocked = yield* lockBelow(task, mm, above, first);
  if (!isLocked) {
    walk.action = WalkAction.AGAIN;
    return 0;
  }
  let result = 0;
  for (let at = page; at < end && result === 0; at++) {
    const slot = first + at - page;
    yield reading(machine.objects.entry(slot));
    result = yield* ops.pteEntry!(walk, slot, at, at + 1);
  }
  yield* unlockPte(task, mm, first);
  return result;
}
