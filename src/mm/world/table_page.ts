/** Page-table pages: their memory, apart from that of data, so that entries lie in one array. */
import { assert } from '../../base/assert.ts';
import { lock, Rank, unlock } from './lock.ts';
import type { Op } from './op.ts';
import { freeingTable, writing } from './point.ts';
import { violate } from './property.ts';
import type { Range } from './shared_views.ts';
import { NONE, type World } from './world.ts';

/** Both lanes of every entry of a freed table. */
const POISON = 0xdead0dea;

/** An empty table, or `NONE` if there is none left. */
export function* allocTable(world: World, cpu: number): Op<number> {
  yield* lock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  const table = world.zoneFreeTables[0]!;
  if (table !== NONE) world.zoneFreeTables[0] = world.tableNext[table]!;
  yield* unlock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  if (table === NONE) return NONE;
  yield writing(world.objects.table(table));
  assert(world.tableUsed[table] === 0, 'a free table is not in use');
  world.tableUsed[table] = 1;
  world.tablesSeen = Math.max(world.tablesSeen, table + 1);
  world.tableShares[table] = 0;
  world.tableMm[table] = NONE;
  fillTable(world, table, 0);
  world.trace?.tableAlloc(table);
  return table;
}

function fillTable(world: World, table: number, lane: number): void {
  const start = table * world.tableEntries * 2;
  world.lanes.fill(lane, start, start + world.tableEntries * 2);
}

export function* freeTable(world: World, cpu: number, table: number): Op<void> {
  yield freeingTable(world.objects.table(table));
  assert(world.tableUsed[table] === 1, 'a table is freed once');
  const isLinked = world.tableMm[table] !== NONE;
  if (isLinked || world.ledger.holdsTable(table)) violate(world, 'P-UAF-PT');
  world.tableUsed[table] = 0;
  fillTable(world, table, POISON);
  world.trace?.tableFree(table);
  yield* lock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  world.tableNext[table] = world.zoneFreeTables[0]!;
  world.zoneFreeTables[0] = table;
  yield* unlock(world, cpu, world.objects.zoneLock, Rank.ZONE);
}

/** `table` is linked below the entry of `level` at `slot`, for `page` of `mm`. */
export function noteLink(
  world: World,
  table: number,
  mm: number,
  page: number,
  slot: number,
  level: number,
  isCharged: boolean,
): void {
  // One that a bug has taken for a table is none.
  if (table < 0) return;
  const { tableMm, tableStart, tableSlot, tableCharged, views } = world;
  const span = world.format.entryPages[level]!;
  const start = Math.floor(page / span) * span;
  const [first, other] = [tableMm[table]!, tableStart[table]!];
  if (first === NONE) {
    tableMm[table] = mm;
    tableStart[table] = start;
    tableSlot[table] = slot;
    tableCharged[table] = isCharged ? 1 : 0;
    return;
  }
  if (views.of(table).length === 0) {
    const [end, old, wasCharged] = [other + span, tableSlot[table]!, tableCharged[table] === 1];
    views.add({ table, mm: first, start: other, end, slot: old, isCharged: wasCharged });
  }
  views.add({ table, mm, start, end: start + span, slot, isCharged });
}

/** `table` is no longer linked below the entry of `level` at `slot`, for `page` of `mm`. */
export function noteUnlink(
  world: World,
  table: number,
  mm: number,
  page: number,
  slot: number,
  level: number,
): void {
  if (table < 0) return;
  const { tableMm, tableStart, tableSlot, tableCharged, views } = world;
  if (!views.isEmpty) views.remove(table, slot);
  const [first, second] = views.isEmpty ? [] : views.of(table);
  tableMm[table] = first?.mm ?? NONE;
  if (first === undefined) return;
  tableStart[table] = first.start;
  tableSlot[table] = first.slot;
  tableCharged[table] = first.isCharged ? 1 : 0;
  const span = world.format.entryPages[level]!;
  const start = Math.floor(page / span) * span;
  if (level > 1) passOn(world, table, level - 1, { mm, start, end: start + span }, first);
  if (second === undefined) views.remove(table, first.slot);
}

/** `table`, which was linked for the pages `from`, is now linked for those from `start` on. */
export function noteMove(
  world: World,
  table: number,
  level: number,
  from: Range,
  start: number,
): void {
  if (table < 0 || level === 0) return;
  const end = start + from.end - from.start;
  passOn(world, table, level, from, { mm: from.mm, start, end });
}

/** Tables below `table`, of `level`, are seen by `to` and no longer in the range `from`. */
function passOn(world: World, table: number, level: number, from: Range, to: Range): void {
  world.views.moveViews(from, to.mm, to.start);
  passOnBelow(world, table, level, from, to);
}

function passOnBelow(world: World, table: number, level: number, from: Range, to: Range): void {
  const { format, lanes, size, tableEntries, tableMm, tableStart } = world;
  for (let slot = table * tableEntries; slot < (table + 1) * tableEntries; slot++) {
    const [low, high] = [lanes[slot * 2]!, lanes[slot * 2 + 1]!];
    if (!format.isTable(low, high, level)) continue;
    const below = format.table(low, high, level) / tableEntries - size.frames;
    const start = tableStart[below]!;
    if (tableMm[below] === from.mm && from.start <= start && start < from.end) {
      tableMm[below] = to.mm;
      tableStart[below] = start - from.start + to.start;
    }
    if (level > 1) passOnBelow(world, below, level - 1, from, to);
  }
}

/** All tables are free. */
export function initTables(world: World): void {
  for (let table = world.size.tables - 1; table >= 0; table--) {
    world.tableNext[table] = world.zoneFreeTables[0]!;
    world.zoneFreeTables[0] = table;
  }
}
