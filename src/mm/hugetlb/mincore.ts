/**
 * Which small pages of a VMA of huge ones are there: where there is a table, its entries say so; where
 * there is none, the page cache.
 *
 * @source mm/mincore.c mincore_hugetlb(), mincore_unmapped_range() (Linux 6.18)
 */
import { isMappedAt } from '../table/mapped_entry.ts';
import { walk } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { pgoffAt, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { granularOf } from './granular.ts';
import { hstateOf } from './hstate.ts';
import { vmaLockRead, vmaUnlockRead } from './vma_lock.ts';

/** Called under the mmap lock. */
export function* lookAtHugetlb(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  resident: Uint8Array,
): Op<void> {
  const { machine, mm } = task;
  const granular = granularOf(machine, vma);
  if (granular !== undefined) {
    yield* granular.look(task, vma, start, end, resident);
    return;
  }
  const { level, pages } = hstateOf(vma);
  const { inode } = vma.file!;
  yield* vmaLockRead(task, vma);
  for (let page = start; page < end; ) {
    const next = Math.min(end, (Math.floor(page / pages) + 1) * pages);
    const slot = yield* walk(machine, mm, page, level);
    let isThere: boolean;
    if (slot === NONE) {
      yield reading(machine.objects.pages(inode.id));
      const pgoff = pgoffAt(vma, page);
      isThere = inode.pages.get(pgoff - (pgoff % pages)) !== NONE;
    } else {
      yield reading(machine.objects.entry(slot));
      isThere = isMappedAt(machine, slot, level);
    }
    resident.fill(isThere ? 1 : 0, page - start, next - start);
    page = next;
  }
  yield* vmaUnlockRead(task, vma);
}
