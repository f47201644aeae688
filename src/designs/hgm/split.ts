/**
 * Being mapped in pieces is asked for, VMA by VMA: by MADV_SPLIT, or in the RFCs by a feature of
 * userfaultfd. It changes no mapping, cannot be taken back, and ends the sharing of tables.
 *
 * @source HGM v2, mm/madvise.c madvise_split(), mm/hugetlb.c hugetlb_unshare_all_pmds()
 */
import { hstateOf, isHugetlb, nextBlock } from '../../mm/hugetlb/hstate.ts';
import { flushUnshared, hugePmdUnshare, nothingUnshared } from '../../mm/hugetlb/unshare.ts';
import { vmaLockWrite, vmaUnlockWrite } from '../../mm/hugetlb/vma_lock.ts';
import { lockOf, walk } from '../../mm/table/pgtable.ts';
import type { Task } from '../../mm/task.ts';
import { VM, type Vma } from '../../mm/vma/vma.ts';
import { modifyFlags } from '../../mm/vma/vma_merge.ts';
import { EINVAL } from '../../mm/world/errno.ts';
import { lock, Rank, unlock } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { NONE } from '../../mm/world/world.ts';
import type { HgmOptions } from './options.ts';

/** Called under the mmap lock, for writing. @returns 0, EINVAL or ENOMEM */
export function* splitAdvice(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  { hasAdvice, allowsHvo }: HgmOptions,
): Op<number> {
  // What counts at each small page needs all of them to be there.
  if (task.machine.size.hvo && !allowsHvo) return EINVAL;
  if (!hasAdvice || !isHugetlb(vma) || (vma.flags & VM.MAYSHARE) === 0) return EINVAL;
  return yield* makeGranular(task, vma, start, end);
}

/**
 * Lets the pages of `[start, end)` of `vma`, a shared one, be mapped in pieces. Called under the mmap
 * lock, for writing.
 *
 * @returns 0, EINVAL or ENOMEM
 * @locks   the lock of the VMA, i_mmap_rwsem, both for writing
 */
export function* makeGranular(task: Task, vma: Vma, start: number, end: number): Op<number> {
  if (vma.hugetlb!.isGranular) return 0;
  yield* unshareAll(task, vma);
  const part = yield* modifyFlags(task, vma, start, end, vma.flags);
  if (typeof part === 'number') return part;
  part.hugetlb!.isGranular = true;
  return 0;
}

/** Gives up all tables of `vma` that others have, too, for good. */
function* unshareAll(task: Task, vma: Vma): Op<void> {
  const { machine, cpu, mm } = task;
  const hstate = hstateOf(vma);
  const guard = machine.objects.iMmapLock(vma.file!.inode.id);
  const unshared = nothingUnshared();
  yield* vmaLockWrite(task, vma);
  yield* lock(machine, cpu, guard, Rank.I_MMAP);
  for (let page = vma.start; page < vma.end; page = nextBlock(machine, hstate, page)) {
    const slot = yield* walk(machine, mm, page, hstate.level);
    if (slot === NONE) continue;
    const table = lockOf(machine, mm, slot, hstate.level);
    yield* lock(machine, cpu, table, Rank.PAGE_TABLE);
    yield* hugePmdUnshare(task, vma, page, slot, unshared);
    yield* unlock(machine, cpu, table, Rank.PAGE_TABLE);
  }
  yield* flushUnshared(task, unshared);
  yield* unlock(machine, cpu, guard, Rank.I_MMAP);
  yield* vmaUnlockWrite(task, vma);
}
