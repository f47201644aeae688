/** Huge pages where VMAs end. @source mm/huge_memory.c vma_adjust_trans_huge() (Linux 6.18) */
import { isMappedAt } from '../table/mapped_entry.ts';
import { walk } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { hugePages, hugeStart } from './huge_start.ts';
import { splitHugeEntry } from './split.ts';

/**
 * Splits a huge page of `vma` that the border at `page` is about to go through.
 *
 * Called before the border moves, under the VMA write lock and the locks of its lists.
 *
 * @locks the lock of the table
 */
export function* adjustHuge(task: Task, vma: Vma, page: number): Op<void> {
  const { machine, mm } = task;
  const start = hugeStart(machine, page);
  if (page === start || start < vma.start || start + hugePages(machine) > vma.end) return;
  const slot = yield* walk(machine, mm, page, 1);
  if (slot === NONE) return;
  yield reading(machine.objects.entry(slot));
  if (isMappedAt(machine, slot, 1)) yield* splitHugeEntry(task, mm, start, slot);
}
