/**
 * Page tables: allocation, entries and the walk.
 *
 * A virtual page number is an index per level, root first; on x86-64 with four levels:
 *
 *    35      27 26      18 17       9 8        0
 *   +----------+----------+----------+----------+
 *   | level 3  | level 2  | level 1  | level 0  |   an entry of level 0 maps 4 KiB
 *   +----------+----------+----------+----------+
 *
 * A *slot* is the place of an entry: table times entries of a table, plus index. Tables are frames
 * too: their frame numbers follow those of the data frames.
 */
import { ACCESSED, DIRTY, type EntryIndex, type Pfn, R, USER, type Vpn, W } from '../arch/index.ts';
import { assert } from '../base/assert.ts';
import { lock, Rank, unlock } from './lock.ts';
import { type Machine, NONE } from './machine.ts';
import type { Op } from './op.ts';
import { freeingTable, reading, setting, writing } from './point.ts';
import { violate } from './property.ts';

/** Both lanes of every entry of a freed table. */
const POISON = 0xdead0dea;

export function slotIn(machine: Machine, table: number, page: Vpn, level: number): number {
  return table * machine.tableEntries + machine.format.index(page, level);
}

export function isPresentAt(machine: Machine, slot: number): boolean {
  return machine.format.present(machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!);
}

export function isWritableAt(machine: Machine, slot: number): boolean {
  return (machine.format.rights(machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!) & W) !== 0;
}

/** The data frame that an entry of level 0 maps. */
export function frameAt(machine: Machine, slot: number): number {
  return machine.format.frame(machine.lanes[slot * 2]!, machine.lanes[slot * 2 + 1]!, 0);
}

/** The table that an entry of `level`, above 0, refers to. */
export function tableAt(machine: Machine, slot: number, level: number): number {
  const { format, lanes, size, tableEntries } = machine;
  const place = format.table(lanes[slot * 2]!, lanes[slot * 2 + 1]!, level);
  return place / tableEntries - size.frames;
}

/** Maps `frame` for a program: young, and dirty if writable, as a fault installs it. */
export function setPage(machine: Machine, slot: number, frame: number, writable: boolean): void {
  const { format, lanes } = machine;
  const flags = R | USER | ACCESSED | (writable ? W | DIRTY : 0);
  lanes[slot * 2] = format.leafLow(frame as Pfn, flags, 0);
  lanes[slot * 2 + 1] = format.leafHigh(frame as Pfn, flags, 0);
}

function setTable(machine: Machine, slot: number, table: number, level: number): void {
  const { format, lanes, size, tableEntries } = machine;
  const place = ((size.frames + table) * tableEntries) as EntryIndex;
  lanes[slot * 2] = format.tableLow(place, level);
  lanes[slot * 2 + 1] = format.tableHigh(place, level);
}

export function clearEntry(machine: Machine, slot: number): void {
  machine.lanes[slot * 2] = 0;
  machine.lanes[slot * 2 + 1] = 0;
}

/** Every entry of a table is read through here: what is read of a freed table is not to be used. */
export function checkTable(machine: Machine, slot: number): boolean {
  if (machine.tableUsed[Math.floor(slot / machine.tableEntries)] === 1) return true;
  violate(machine, 'P-UAF-PT');
  return false;
}

/**
 * The slot of the level 0 entry for `page`, or `NONE` if a table above it is missing.
 *
 * Takes no lock: the caller keeps the tables from being freed, by a lock or with interrupts off.
 *
 * @source mm/pagewalk.c walk_pgd_range() (Linux 6.18)
 * @omits  large pages
 */
export function* walk(machine: Machine, mm: number, page: Vpn): Op<number> {
  let table = machine.mmRoot[mm]!;
  for (let level = machine.format.levels - 1; level > 0; level--) {
    const slot = slotIn(machine, table, page, level);
    yield reading(machine.objects.entry(slot));
    if (!checkTable(machine, slot)) return NONE;
    if (!isPresentAt(machine, slot)) return NONE;
    table = tableAt(machine, slot, level);
  }
  return slotIn(machine, table, page, 0);
}

/**
 * As `walk()`, with the missing tables allocated; `NONE` if memory is exhausted.
 *
 * @locks  page_table_lock or a table's lock, for each table that is linked
 * @source mm/memory.c __pud_alloc(), __pmd_alloc(), __pte_alloc() (Linux 6.18)
 */
export function* walkAllocating(machine: Machine, cpu: number, mm: number, page: Vpn): Op<number> {
  let table = machine.mmRoot[mm]!;
  for (let level = machine.format.levels - 1; level > 0; level--) {
    const slot = slotIn(machine, table, page, level);
    yield reading(machine.objects.entry(slot));
    if (!checkTable(machine, slot)) return NONE;
    const isLinked = isPresentAt(machine, slot);
    table = isLinked
      ? tableAt(machine, slot, level)
      : yield* linkTable(machine, cpu, mm, slot, level);
    if (table === NONE) return NONE;
  }
  return slotIn(machine, table, page, 0);
}

/** Links a new table at `slot`, unless another CPU has been first: the table there, or `NONE`. */
function* linkTable(
  machine: Machine,
  cpu: number,
  mm: number,
  slot: number,
  level: number,
): Op<number> {
  const table = yield* allocTable(machine, cpu);
  if (table === NONE) return NONE;
  const guard = lockOf(machine, mm, slot, level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield setting(machine.objects.entry(slot));
  const isFirst = !isPresentAt(machine, slot);
  if (isFirst) setTable(machine, slot, table, level);
  const linked = tableAt(machine, slot, level);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  if (!isFirst) yield* freeTable(machine, cpu, table);
  return linked;
}

/** The lock that guards the entry at `slot` of `level`. */
export function lockOf(machine: Machine, mm: number, slot: number, level: number): number {
  if (level > 1) return machine.objects.pageTableLock(mm);
  return machine.objects.tableLock(Math.floor(slot / machine.tableEntries));
}

function* allocTable(machine: Machine, cpu: number): Op<number> {
  yield* lock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
  const table = machine.zoneFreeTables[0]!;
  if (table !== NONE) machine.zoneFreeTables[0] = machine.tableNext[table]!;
  yield* unlock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
  if (table === NONE) return NONE;
  yield writing(machine.objects.table(table));
  assert(machine.tableUsed[table] === 0, 'a free table is not in use');
  machine.tableUsed[table] = 1;
  fillTable(machine, table, 0);
  return table;
}

function fillTable(machine: Machine, table: number, lane: number): void {
  const start = table * machine.tableEntries * 2;
  machine.lanes.fill(lane, start, start + machine.tableEntries * 2);
}

export function* freeTable(machine: Machine, cpu: number, table: number): Op<void> {
  yield freeingTable(machine.objects.table(table));
  assert(machine.tableUsed[table] === 1, 'a table is freed once');
  if (machine.ledger.holdsTable(table)) violate(machine, 'P-UAF-PT');
  machine.tableUsed[table] = 0;
  fillTable(machine, table, POISON);
  yield* lock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
  machine.tableNext[table] = machine.zoneFreeTables[0]!;
  machine.zoneFreeTables[0] = table;
  yield* unlock(machine, cpu, machine.objects.zoneLock, Rank.ZONE);
}
