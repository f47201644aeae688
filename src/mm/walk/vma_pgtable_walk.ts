/**
 * Around each VMA of which tables are walked: what keeps the tables from being taken away.
 *
 * @source mm/memory.c vma_pgtable_walk_begin(), vma_pgtable_walk_end() (Linux 6.18)
 */
import { isHugetlb } from '../hugetlb/hstate.ts';
import { vmaLockRead, vmaLockWrite, vmaUnlockRead, vmaUnlockWrite } from '../hugetlb/vma_lock.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

/**
 * @param unshares whether the walk itself takes tables away
 * @locks if the VMA is of hugetlb, its lock, for reading, or for writing with i_mmap_rwsem; until
 *        `vmaPgtableWalkEnd()`
 */
export function* vmaPgtableWalkBegin(task: Task, vma: Vma, unshares = false): Op<void> {
  const { machine, cpu } = task;
  if (!isHugetlb(vma) || machine.bugs.walkUnifiedWithoutLock === true) return;
  if (!unshares) {
    yield* vmaLockRead(task, vma);
    return;
  }
  yield* vmaLockWrite(task, vma);
  yield* lock(machine, cpu, machine.objects.iMmapLock(vma.file!.inode.id), Rank.I_MMAP);
}

export function* vmaPgtableWalkEnd(task: Task, vma: Vma, unshares = false): Op<void> {
  const { machine, cpu } = task;
  if (!isHugetlb(vma) || machine.bugs.walkUnifiedWithoutLock === true) return;
  if (!unshares) {
    yield* vmaUnlockRead(task, vma);
    return;
  }
  yield* unlock(machine, cpu, machine.objects.iMmapLock(vma.file!.inode.id), Rank.I_MMAP);
  yield* vmaUnlockWrite(task, vma);
}
