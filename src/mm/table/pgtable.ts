/**
 * Page tables: entries and the walk.
 *
 * A virtual page number is an index per level, root first; on x86-64 with four levels:
 *
 *    35      27 26      18 17       9 8        0
 *   +----------+----------+----------+----------+
 *   | level 3  | level 2  | level 1  | level 0  |   an entry of level 0 maps 4 KiB
 *   +----------+----------+----------+----------+
 *
 * A *slot* is the place of an entry: table times entries of a table, plus index. Tables are frames
 * too: their frame numbers follow those of the data frames. Entries that hardware takes for empty and
 * the kernel does not (swap, migration, markers, PROT_NONE) are in `soft_entry.ts`.
 */
import {
  ACCESSED,
  DIRTY,
  type EntryIndex,
  type LeafFlags,
  type Pfn,
  type Rights,
  UFFD_WP,
  type Vpn,
  W,
} from '../../arch/index.ts';
import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, setting } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { allocTable, freeTable, noteLink, noteUnlink } from '../world/table_page.ts';
import { tellEntry, tellLink, tellUnlink } from '../world/tell.ts';
import { NONE, type World } from '../world/world.ts';

export function slotIn(world: World, table: number, page: number, level: number): number {
  return table * world.tableEntries + world.format.index(page as Vpn, level);
}

/** The table that a slot is in. */
export function tableOf(world: World, slot: number): number {
  return slot >>> world.tableShift;
}

/** Whether nothing at all is there. */
export function isNoneAt(world: World, slot: number): boolean {
  return (world.lanes[slot * 2]! | world.lanes[slot * 2 + 1]!) === 0;
}

/** Whether an entry is still what it was when these lanes were read (pte_same). */
export function isSameAt(world: World, slot: number, low: number, high: number): boolean {
  return world.lanes[slot * 2] === low && world.lanes[slot * 2 + 1] === high;
}

/** Whether hardware goes on here: to a table or a page. */
export function isPresentAt(world: World, slot: number): boolean {
  return world.format.present(world.lanes[slot * 2]!, world.lanes[slot * 2 + 1]!);
}

/** Whether a present entry of `level` maps a page; those of level 0 all do. */
export function isLeafAt(world: World, slot: number, level: number): boolean {
  return (
    level === 0 || world.format.isLeaf(world.lanes[slot * 2]!, world.lanes[slot * 2 + 1]!, level)
  );
}

/** Whether an entry of `level`, above 0, refers to a table. */
export function isTableAt(world: World, slot: number, level: number): boolean {
  return world.format.isTable(world.lanes[slot * 2]!, world.lanes[slot * 2 + 1]!, level);
}

export function rightsAt(world: World, slot: number): Rights {
  return world.format.rights(world.lanes[slot * 2]!, world.lanes[slot * 2 + 1]!);
}

export function isWritableAt(world: World, slot: number): boolean {
  return (rightsAt(world, slot) & W) !== 0;
}

/** Rights, and whether it was accessed and written to. */
export function flagsAt(world: World, slot: number): LeafFlags {
  const { format, lanes } = world;
  const low = lanes[slot * 2]!;
  const high = lanes[slot * 2 + 1]!;
  return (
    format.rights(low, high) |
    (format.accessed(low, high) ? ACCESSED : 0) |
    (format.dirty(low, high) ? DIRTY : 0) |
    (format.uffdWp(low, high) ? UFFD_WP : 0)
  );
}

export function isDirtyAt(world: World, slot: number): boolean {
  return world.format.dirty(world.lanes[slot * 2]!, world.lanes[slot * 2 + 1]!);
}

/** The data frame that a leaf of `level` maps first. */
export function frameAt(world: World, slot: number, level = 0): number {
  return world.format.frame(world.lanes[slot * 2]!, world.lanes[slot * 2 + 1]!, level);
}

/** The table that an entry of `level`, above 0, refers to. */
export function tableAt(world: World, slot: number, level: number): number {
  const { format, lanes, size, tableEntries } = world;
  const place = format.table(lanes[slot * 2]!, lanes[slot * 2 + 1]!, level);
  return place / tableEntries - size.frames;
}

/** Every entry is written here, but for leaves and runs of them. Called under the lock of its table. */
export function setEntry(world: World, slot: number, low: number, high: number): void {
  const { lanes, trace } = world;
  if (trace !== undefined) tellEntry(trace, world, slot, low, high);
  world.entryWrites[0]!++;
  lanes[slot * 2] = low;
  lanes[slot * 2 + 1] = high;
}

/** Maps `frame` by a leaf of `level`. Called under the lock of the table. */
export function setLeaf(
  world: World,
  slot: number,
  frame: number,
  flags: LeafFlags,
  level = 0,
): void {
  const { format, lanes, trace } = world;
  if (trace !== undefined) {
    const low = format.leafLow(frame as Pfn, flags, level);
    tellEntry(trace, world, slot, low, format.leafHigh(frame as Pfn, flags, level));
  }
  world.entryWrites[0]!++;
  format.writeLeaf(lanes, slot, frame as Pfn, flags, level);
}

/**
 * Links `table` below the entry of `level` for `page`, of `mm`. Called under the lock of that entry.
 *
 * @param isCharged whether it counts among the tables of `mm`
 */
export function setTable(
  world: World,
  mm: Mm,
  page: number,
  slot: number,
  table: number,
  level: number,
  isCharged = true,
): void {
  const { format, size, tableEntries, trace } = world;
  const place = ((size.frames + table) * tableEntries) as EntryIndex;
  setEntry(world, slot, format.tableLow(place, level), format.tableHigh(place, level));
  noteLink(world, table, mm.id, page, slot, level, isCharged);
  if (trace !== undefined) tellLink(trace, world, mm.id, table, slot, level, page);
}

/** Whether an entry that refers to a table lets nobody write below it, whatever is said there. */
export function isWriteDenied(world: World, slot: number): boolean {
  const { format, lanes } = world;
  return (format.tableGrants(lanes[slot * 2]!, lanes[slot * 2 + 1]!) & W) === 0;
}

/** Lets an entry of `level` that refers to a table allow writes below it, or not. */
export function setTableWrites(world: World, slot: number, level: number, isOn: boolean): void {
  const { format, lanes } = world;
  setEntry(
    world,
    slot,
    format.withTableWrites(lanes[slot * 2]!, level, isOn),
    lanes[slot * 2 + 1]!,
  );
}

export function clearEntry(world: World, slot: number): void {
  setEntry(world, slot, 0, 0);
}

/**
 * Unlinks the table below the entry of `level` at `slot`, for `page` of `mm`. Called under the lock
 * of that entry.
 */
export function clearTable(world: World, mm: Mm, page: number, slot: number, level: number): void {
  const { trace } = world;
  noteUnlink(world, tableAt(world, slot, level), mm.id, page, slot, level);
  if (trace !== undefined) tellUnlink(trace, world, mm.id, tableAt(world, slot, level), slot);
  clearEntry(world, slot);
}

/** Every entry of a table is read through here: what is read of a freed table is not to be used. */
export function checkTable(world: World, slot: number): boolean {
  if (world.tableUsed[tableOf(world, slot)] === 1) return true;
  violate(world, 'P-UAF-PT');
  return false;
}

/**
 * The slot of the entry of `level` for `page`, or `NONE` if a table above it is missing or a large
 * page is mapped there.
 *
 * Takes no lock: the caller keeps the tables from being freed, by a lock or with interrupts off.
 *
 * @source mm/pagewalk.c walk_pgd_range() (Linux 6.18)
 */
export function* walk(world: World, mm: Mm, page: number, to = 0): Op<number> {
  let table = mm.root;
  for (let level = world.format.levels - 1; level > to; level--) {
    const slot = slotIn(world, table, page, level);
    yield reading(world.objects.entry(slot));
    if (!checkTable(world, slot)) return NONE;
    if (!isTableAt(world, slot, level)) return NONE;
    table = tableAt(world, slot, level);
  }
  return slotIn(world, table, page, to);
}

/**
 * The first page of `[from, end)` whose entry of level `lowest` is not empty, or `end`: what is not
 * there is passed over in the largest steps that the tables allow. Called like `walk()`.
 */
export function* findMapped(
  world: World,
  mm: Mm,
  from: number,
  end: number,
  lowest = 1,
): Op<number> {
  const { entryPages, levels } = world.format;
  const stop = Math.min(lowest, levels - 1);
  let at = from;
  while (at < end) {
    let table = mm.root;
    let level = levels - 1;
    for (; level > 0; level--) {
      const slot = slotIn(world, table, at, level);
      yield reading(world.objects.entry(slot));
      if (isNoneAt(world, slot)) break;
      if (level === stop || !isTableAt(world, slot, level)) return at;
      table = tableAt(world, slot, level);
    }
    at = (Math.floor(at / entryPages[level]!) + 1) * entryPages[level]!;
  }
  return end;
}

/**
 * As `walk()`, with the missing tables allocated; `NONE` if memory is exhausted, or a large page is
 * mapped above `to`.
 *
 * @locks  page_table_lock or a table's lock, for each table that is linked
 * @source mm/memory.c __pud_alloc(), __pmd_alloc(), __pte_alloc() (Linux 6.18)
 */
export function* walkAllocating(task: Task, mm: Mm, page: number, to = 0): Op<number> {
  const { machine } = task;
  let table = mm.root;
  for (let level = machine.format.levels - 1; level > to; level--) {
    const slot = slotIn(machine, table, page, level);
    yield reading(machine.objects.entry(slot));
    if (!checkTable(machine, slot)) return NONE;
    if (isTableAt(machine, slot, level)) {
      table = tableAt(machine, slot, level);
      continue;
    }
    if (!isNoneAt(machine, slot)) return NONE;
    table = yield* linkTable(task, mm, page, slot, level);
    if (table === NONE) return NONE;
  }
  return slotIn(machine, table, page, to);
}

/**
 * The slot of level 0 for `page` under the entry at `above`, of level 1; its table is allocated if it
 * is missing. `NONE` if memory is exhausted, or there is a huge page.
 */
export function* slotBelow(task: Task, mm: Mm, page: number, above: number): Op<number> {
  const { machine } = task;
  yield reading(machine.objects.entry(above));
  const table = isTableAt(machine, above, 1)
    ? tableAt(machine, above, 1)
    : yield* linkTable(task, mm, page, above, 1);
  return table === NONE ? NONE : slotIn(machine, table, page, 0);
}

/** Links a new table at `slot`, unless another CPU has been first: the table there, or `NONE`. */
function* linkTable(task: Task, mm: Mm, page: number, slot: number, level: number): Op<number> {
  const { machine, cpu } = task;
  const table = yield* allocTable(machine, cpu);
  if (table === NONE) return NONE;
  const guard = lockOf(machine, mm, slot, level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isFirst = isNoneAt(machine, slot);
  if (isFirst) {
    setTable(machine, mm, page, slot, table, level);
    mm.tables++;
  }
  const linked = isTableAt(machine, slot, level) ? tableAt(machine, slot, level) : NONE;
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (!isFirst) yield* freeTable(machine, cpu, table);
  return linked;
}

/**
 * The lock that guards the entry at `slot` of `level`: of its own table for the two lowest levels
 * (split page-table locks), of the address space above.
 */
export function lockOf(world: World, mm: Mm, slot: number, level: number): number {
  if (level > 1) return world.objects.pageTableLock(mm.id);
  return world.objects.tableLock(tableOf(world, slot));
}
