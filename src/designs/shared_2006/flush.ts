/**
 * Flushing what is taken away by the reverse map: nobody knows who sees an entry of a shared table, so
 * every CPU flushes everything.
 *
 * @source ptep_clear_flush_all() of May 2006
 */
import { isTableAt, slotIn, tableAt } from '../../mm/table/pgtable.ts';
import { isShared } from '../../mm/table/shared_table.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { flushTlbAll } from '../../mm/world/tlb.ts';
import type { World } from '../../mm/world/world.ts';

/** Called under the lock of the table of `page`. @returns whether a table above `page` is shared */
export function* flushWhereShared(world: World, cpu: number, mm: Mm, page: number): Op<boolean> {
  let table = mm.root;
  for (let level = world.format.levels - 1; level > 0; level--) {
    const slot = slotIn(world, table, page, level);
    yield reading(world.objects.entry(slot));
    if (!isTableAt(world, slot, level)) return false;
    table = tableAt(world, slot, level);
    yield reading(world.objects.table(table));
    if (isShared(world, table)) {
      yield* flushTlbAll(world, cpu);
      return true;
    }
  }
  return false;
}
