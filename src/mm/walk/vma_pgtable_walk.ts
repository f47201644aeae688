/**
 * Around each VMA of which tables are walked: what keeps the tables from being taken away.
 *
 * @source mm/memory.c vma_pgtable_walk_begin(), vma_pgtable_walk_end() (Linux 6.18)
 */
import { isHugetlb } from '../hugetlb/hstate.ts';
import { vmaLockRead, vmaUnlockRead } from '../hugetlb/vma_lock.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';

/** @locks the lock of the VMA, for reading, if it is of hugetlb; until `vmaPgtableWalkEnd()` */
export function* vmaPgtableWalkBegin(task: Task, vma: Vma): Op<void> {
  if (isHugetlb(vma) && task.machine.bugs.walkUnifiedWithoutLock !== true) {
    yield* vmaLockRead(task, vma);
  }
}

export function* vmaPgtableWalkEnd(task: Task, vma: Vma): Op<void> {
  if (isHugetlb(vma) && task.machine.bugs.walkUnifiedWithoutLock !== true) {
    yield* vmaUnlockRead(task, vma);
  }
}
