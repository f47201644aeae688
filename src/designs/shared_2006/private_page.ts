/**
 * A page of its own for a process whose table others have.
 *
 * That a VMA has an anon_vma keeps its tables from being shared later, and not from being shared
 * already: a forced write (ptrace, /proc/pid/mem) into text copies a page into the table that all who
 * run the program have. So the table is left before, when the anon_vma is there to be seen.
 *
 * @source the rule: Hugh Dickins, January 2006; that it does not suffice: `docs/questions`
 */
import { prepareAnonymous } from '../../mm/fault/anonymous.ts';
import { Access, Fault, type FaultLock } from '../../mm/fault/result.ts';
import type { Task } from '../../mm/task.ts';
import { VM, type Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import type { Options } from './options.ts';
import { spanOf } from './share.ts';
import { leaveTables } from './unshare.ts';

/**
 * A fault is about to map a private page in `vma`, whose tables could be shared until now. Called under
 * the VMA lock or the mmap lock, for reading.
 *
 * @returns DONE to go on, or RETRY
 * @locks   i_mmap_rwsem (write), then page-table locks
 */
export function* beforePrivatePage(
  task: Task,
  vma: Vma,
  page: number,
  held: FaultLock,
  options: Options,
): Op<Fault> {
  const { machine, cpu } = task;
  const isPrepared = yield* prepareAnonymous(task, vma, held);
  if (!isPrepared) return Fault.RETRY;
  // Who has begun to share before the anon_vma was there has come to its end under this lock.
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  yield* leaveTables(task, spanOf(machine, page, 0), options);
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  return Fault.DONE;
}

/** Whether a fault may put a private page into a table that is shared: a write that is forced. */
export function isForcedCopy(vma: Vma, access: Access): boolean {
  const isPrivate = (vma.flags & (VM.SHARED | VM.MAYSHARE)) === 0;
  return isPrivate && (vma.flags & VM.WRITE) === 0 && access !== Access.READ;
}
