/** How GUP looks at a page that it takes no reference to, and what it leaves behind on it. */
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
 * Looks at `page`, and marks it as written to if it is to be: a huge page in its entry, a small one in
 * its folio, unless its entry says so already. Called under the mmap lock.
 *
 * @param   level of the entry, if the page is a huge one
 * @returns whether it is mapped, and can be written to if it is to be
 * @locks   the lock of the table
 * @source  mm/gup.c follow_page_pte(), mm/huge_memory.c touch_pmd(), FOLL_TOUCH (Linux 6.18)
 * @omits   folio_mark_accessed(): there are no LRU lists
 */
export function* touch(task: Task, page: number, level: number, isWrite: boolean): Op<boolean> {
  const { machine, cpu, mm } = task;
  const upper = yield* walk(machine, mm, page, level);
  if (upper === NONE) return false;
  yield reading(machine.objects.entry(upper));
  if (isMappedAt(machine, upper, level)) {
    const guard = lockOf(machine, mm, upper, level);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    const entry = machine.objects.entry(upper);
    const isDirtied = isWrite || machine.bugs.readDirtiesHugePage === true;
    yield isDirtied ? setting(entry) : reading(entry);
    const isFound = isMappedAt(machine, upper, level) && (!isWrite || isWritable(machine, upper));
    if (isFound && isDirtied) {
      const flags = mappedFlagsAt(machine, upper) | ACCESSED | DIRTY;
      setMapped(machine, upper, mappedFrameAt(machine, upper, level), flags, level);
    }
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
    return isFound;
  }
  const slot = yield* lockPte(task, mm, page);
  if (slot === NONE) return false;
  yield reading(machine.objects.entry(slot));
  const isFound = isMappedAt(machine, slot) && (!isWrite || isWritable(machine, slot));
  if (isFound && isWrite && (mappedFlagsAt(machine, slot) & DIRTY) === 0) {
    const head = headOf(machine, mappedFrameAt(machine, slot));
    yield writing(machine.objects.frame(head));
    markDirty(machine, head);
  }
  yield* unlockPte(task, mm, slot);
  return isFound;
}

function isWritable(world: World, slot: number): boolean {
  return isPresentAt(world, slot) && isWritableAt(world, slot);
}
