/** Page-table pages: their memory, apart from that of data, so that entries lie in one array. */
import { assert } from '../../base/assert.ts';
import { lock, Rank, unlock } from './lock.ts';
import type { Op } from './op.ts';
import { freeingTable, writing } from './point.ts';
import { violate } from './property.ts';
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
  if (world.ledger.holdsTable(table)) violate(world, 'P-UAF-PT');
  world.tableUsed[table] = 0;
  fillTable(world, table, POISON);
  world.trace?.tableFree(table);
  yield* lock(world, cpu, world.objects.zoneLock, Rank.ZONE);
  world.tableNext[table] = world.zoneFreeTables[0]!;
  world.zoneFreeTables[0] = table;
  yield* unlock(world, cpu, world.objects.zoneLock, Rank.ZONE);
}

/** All tables are free. */
export function initTables(world: World): void {
  for (let table = world.size.tables - 1; table >= 0; table--) {
    world.tableNext[table] = world.zoneFreeTables[0]!;
    world.zoneFreeTables[0] = table;
  }
}
