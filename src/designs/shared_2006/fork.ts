/**
 * Sharing at fork(): the child gets all tables of the parent that both may have.
 *
 * @source copy_page_range() of August 2005 and January 2006; that it is not needed, since fork() copies
 *         no pages that faults can bring back: Hugh Dickins, January 2006
 */
import { findMapped, isTableAt, tableAt, walk } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { NONE } from '../../mm/world/world.ts';
import type { Options } from './options.ts';
import { linkAndCount, spanOf } from './share.ts';
import { isShareable } from './shareable.ts';

/**
 * Called under both mmap locks. What is shareable has no pages that must be copied, so that the rest
 * of fork() finds nothing to do.
 *
 * @returns false: what else there is, is copied as always
 * @locks   i_mmap_rwsem (write), then the locks of the entries
 */
export function* copyShared(
  task: Task,
  child: Mm,
  to: Vma,
  from: Vma,
  options: Options,
): Op<boolean> {
  if (!options.inFork || from.file === undefined) return false;
  const { machine, cpu } = task;
  const guard = machine.objects.iMmapLock(from.file.inode.id);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  const isAlike = from.start === to.start && from.end === to.end;
  for (let at = from.start; isAlike && at < from.end; ) {
    at = yield* findMapped(machine, task.mm, at, from.end);
    if (at < from.end) at = yield* shareNext({ ...task, mm: child }, task.mm, from, at, options);
  }
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  return false;
}

/** Links the table for `page`, of the highest level that can be. @returns where to go on */
function* shareNext(task: Task, parent: Mm, vma: Vma, page: number, options: Options): Op<number> {
  const { machine } = task;
  for (let level = options.highest; level >= options.lowest; level--) {
    const span = spanOf(machine, page, level);
    if (!isShareable(vma, span, options)) continue;
    const slot = yield* walk(machine, parent, span.start, level + 1);
    if (slot === NONE) continue;
    yield reading(machine.objects.entry(slot));
    if (!isTableAt(machine, slot, level + 1)) continue;
    yield* linkAndCount(task, span, level, tableAt(machine, slot, level + 1));
    return span.end;
  }
  return spanOf(machine, page, 0).end;
}
