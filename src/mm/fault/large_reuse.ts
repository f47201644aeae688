/** Whether small entries of one table are all that refers to a large folio. */
import { headOf, orderOf } from '../page/frame.ts';
import { frameAt, isPresentAt } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { FrameFlag } from '../world/world.ts';

/**
 * Each entry has a reference of its own; as many references as entries of this process mean that
 * nobody else has one. A folio with one page left in use is copied from, to be freed.
 *
 * Called under the lock of the table of `slot`.
 *
 * @source mm/memory.c __wp_can_reuse_large_anon_folio() (Linux 6.18)
 * @omits  folios in the swap cache, folios that a move has spread over two tables: both are copied from
 */
export function* canReuseLargeFolio({ machine }: Task, slot: number, head: number): Op<boolean> {
  const { frameReferences, frameFlags, objects, tableEntries } = machine;
  yield reading(objects.frame(head));
  if ((frameFlags[head]! & FrameFlag.SWAPCACHE) !== 0) return false;
  const references = frameReferences[head]!;
  const pages = 2 ** orderOf(machine, head);
  if (references <= 1 || references > pages) return false;
  const first = slot - (slot % tableEntries);
  let entries = 0;
  for (let at = first; at < first + tableEntries; at++) {
    yield reading(objects.entry(at));
    if (isPresentAt(machine, at) && headOf(machine, frameAt(machine, at)) === head) entries++;
  }
  return entries === references;
}
