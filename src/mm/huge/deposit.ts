/**
 * Tables that private huge pages keep for the day when they are split, which must not fail: one for
 * each, in a list of the table that maps them. All under the lock of that table.
 *
 * @source mm/pgtable-generic.c pgtable_trans_huge_deposit() (Linux 6.18)
 */
import { assert } from '../../base/assert.ts';
import { tableOf } from '../table/pgtable.ts';
import { NONE, type World } from '../world/world.ts';

/** Keeps `table` for an entry at `slot`. */
export function deposit(world: World, slot: number, table: number): void {
  const holder = tableOf(world, slot);
  world.tableNext[table] = world.tableDeposit[holder]!;
  world.tableDeposit[holder] = table;
}

/** Takes one of the tables kept for entries of the table that `slot` is in. */
export function withdraw(world: World, slot: number): number {
  const holder = tableOf(world, slot);
  const table = world.tableDeposit[holder]!;
  assert(table !== NONE, 'a private huge page has a table deposited');
  world.tableDeposit[holder] = world.tableNext[table]!;
  return table;
}
