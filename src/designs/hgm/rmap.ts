/**
 * Who maps a folio of a file of hugetlb, and where: the VMAs of the file, each under its lock, which is
 * only tried, since the folio lock is held already.
 *
 * @source mm/rmap.c try_to_migrate_one(), try_to_unmap_one() (Linux 6.18), as HGM v2 changes them
 */
import { hstateOf } from '../../mm/hugetlb/hstate.ts';
import { mappingsInOrder } from '../../mm/hugetlb/i_mmap.ts';
import { flushUnshared, hugePmdUnshare, nothingUnshared } from '../../mm/hugetlb/unshare.ts';
import { vmaTryLockWrite, vmaUnlockWrite } from '../../mm/hugetlb/vma_lock.ts';
import type { Machine } from '../../mm/machine.ts';
import { lockOf, walk } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { NONE } from '../../mm/world/world.ts';

/** What is done in each VMA, with the first page of the folio there. */
type Visit = (task: Task, vma: Vma, page: number) => Op<void>;

/**
 * Visits every VMA that may map the folio `head`. Who shares a table gives it up instead, and whoever has
 * it last is visited. Called under the folio lock.
 *
 * @returns false if the lock of a VMA was not to be had: it was not visited, nor were those behind it
 * @locks   i_mmap_rwsem (write), the locks of VMAs (write, tried)
 */
export function* visitMappings(
  machine: Machine,
  cpu: number,
  head: number,
  visit: Visit,
): Op<boolean> {
  const inode = machine.inodes.get(machine.frameMapping[head]! - 1);
  const pgoff = machine.frameIndex[head]!;
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  let isComplete = true;
  for (const [vma, mm] of mappingsInOrder(inode)) {
    if (pgoff < vma.pgoff || pgoff >= vma.pgoff + vma.end - vma.start) continue;
    isComplete = yield* vmaTryLockWrite({ machine, cpu }, vma);
    if (!isComplete) break;
    const task = { machine, cpu, mm };
    const page = vma.start + pgoff - vma.pgoff;
    const isGone = yield* unshareAt(task, vma, page);
    if (!isGone) yield* visit(task, vma, page);
    yield* vmaUnlockWrite(task, vma);
  }
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  return isComplete;
}

/**
 * Visits every VMA that may map what the page `head` of a file is, or was: to bring entries back, which
 * must not fail, and asks for no lock of a VMA.
 *
 * @locks  i_mmap_rwsem (write)
 * @source mm/migrate.c remove_migration_ptes() (Linux 6.18)
 */
export function* visitAllMappings(
  machine: Machine,
  cpu: number,
  head: number,
  visit: Visit,
): Op<void> {
  const inode = machine.inodes.get(machine.frameMapping[head]! - 1);
  const pgoff = machine.frameIndex[head]!;
  const guard = machine.objects.iMmapLock(inode.id);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  for (const [vma, mm] of mappingsInOrder(inode)) {
    if (pgoff < vma.pgoff || pgoff >= vma.pgoff + vma.end - vma.start) continue;
    yield* visit({ machine, cpu, mm }, vma, vma.start + pgoff - vma.pgoff);
  }
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
}

/** @returns whether the table was a shared one, and is given up */
function* unshareAt(task: Task, vma: Vma, page: number): Op<boolean> {
  const { machine, cpu, mm } = task;
  const { level } = hstateOf(vma);
  const slot = yield* walk(machine, mm, page, level);
  if (slot === NONE) return true;
  const unshared = nothingUnshared();
  const guard = lockOf(machine, mm, slot, level);
  yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
  const isGone = yield* hugePmdUnshare(task, vma, page, slot, unshared);
  yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  yield* flushUnshared(task, unshared);
  return isGone;
}
