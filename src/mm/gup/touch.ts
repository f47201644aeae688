/** What GUP leaves behind on a page that it finds, as if the program had written to it. */
import { ACCESSED, DIRTY } from '../../arch/index.ts';
import { headOf, markDirty } from '../page/frame.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt, setMapped } from '../table/mapped_entry.ts';
import { isPresentAt, isWritableAt, lockOf, walk } from '../table/pgtable.ts';
import { lockPte, unlockPte } from '../table/pte_table.ts';
import type { Task } from '../task.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, setting, writing } from '../world/point.ts';
import { NONE, type World } from '../world/world.ts';

/**
 * Marks `page` as written to, if it can be: a huge page in its entry, a small one in its folio, unless
 * its entry says so already. Called under the mmap lock.
 *
 * @locks  the lock of the table
 * @source mm/gup.c follow_page_pte(), mm/huge_memory.c touch_pmd(), FOLL_TOUCH | FOLL_WRITE
 *         (Linux 6.18)
 * @omits  folio_mark_accessed(): there are no LRU lists
 */
export function* touchForWrite(task: Task, page: number): Op<void> {
  const { machine, cpu, mm } = task;
  const upper = yield* walk(machine, mm, page, 1);
  if (upper === NONE) return;
  yield reading(machine.objects.entry(upper));
  if (isMappedAt(machine, upper, 1)) {
    const guard = lockOf(machine, mm, upper, 1);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    yield setting(machine.objects.entry(upper));
    if (isMappedAt(machine, upper, 1) && isWritable(machine, upper)) {
      const flags = mappedFlagsAt(machine, upper) | ACCESSED | DIRTY;
      setMapped(machine, upper, mappedFrameAt(machine, upper, 1), flags, 1);
    }
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
    return;
  }
  const slot = yield* lockPte(task, mm, page);
  if (slot === NONE) return;
  yield reading(machine.objects.entry(slot));
  if (isWritable(machine, slot) && (mappedFlagsAt(machine, slot) & DIRTY) === 0) {
    const head = headOf(machine, mappedFrameAt(machine, slot));
    yield writing(machine.objects.frame(head));
    markDirty(machine, head);
  }
  yield* unlockPte(task, mm, slot);
}

function isWritable(world: World, slot: number): boolean {
  return isPresentAt(world, slot) && isWritableAt(world, slot);
}
