/**
 * Transition ranges: while pages change, nobody may begin to share their tables.
 *
 * A range is made known under the lock of the file's list of VMAs, which a sharer holds from the search
 * for a donor until the table is linked. So a sharer has either come before, and the table is seen to
 * be shared, or it passes this address space over.
 *
 * @source pt_trans_start, pt_trans_end of May 2006, one range for each address space
 */
import type { Task } from '../../mm/task.ts';
import type { Mm } from '../../mm/vma/mm.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { writing } from '../../mm/world/point.ts';
import type { Span } from './shareable.ts';

/** @locks i_mmap_rwsem (write) of the file of `vma` */
export function* beginTransition(task: Task, vma: Vma, { start, end }: Span): Op<void> {
  const { machine, cpu, mm } = task;
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  yield writing(machine.objects.transitions(mm.id));
  mm.transitions.push({ cpu, start, end });
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
}

/** Ends the last one that the CPU has begun. */
export function* endTransition({ machine, cpu, mm }: Task): Op<void> {
  yield writing(machine.objects.transitions(mm.id));
  const last = mm.transitions.findLastIndex((range) => range.cpu === cpu);
  mm.transitions.splice(last, 1);
}

/** Whether tables for `span` may be changing. Called when the ranges were announced. */
export function isInTransition(mm: Mm, span: Span): boolean {
  return mm.transitions.some(({ start, end }) => start < span.end && span.start < end);
}
