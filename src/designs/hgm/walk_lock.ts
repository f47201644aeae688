/** What keeps tables in place for who walks below a huge page, besides the lock of its VMA. */
import type { Task } from '../../mm/task.ts';
import type { Vma } from '../../mm/vma/vma.ts';
import { lockShared, Rank, unlockShared } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import type { HgmOptions } from './options.ts';

/** Not for who holds i_mmap_rwsem for writing. */
export function* walkLock({ machine, cpu }: Task, vma: Vma, options: HgmOptions): Op<void> {
  if (options.walkLock === 'none') return;
  yield* lockShared(machine, cpu, machine.objects.iMmapLock(vma.file!.inode.id), Rank.I_MMAP);
}

export function* walkUnlock({ machine, cpu }: Task, vma: Vma, options: HgmOptions): Op<void> {
  if (options.walkLock === 'none') return;
  yield* unlockShared(machine, cpu, machine.objects.iMmapLock(vma.file!.inode.id), Rank.I_MMAP);
}
