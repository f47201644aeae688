/**
 * Writes to shared pages of files that are mapped read-only, to learn that they become dirty.
 *
 * @source mm/memory.c wp_page_shared(), do_page_mkwrite(), finish_mkwrite_fault(),
 *         fault_dirty_shared_page() (Linux 6.18)
 * @omits  file systems that refuse
 */
import { hasDisk, type Inode } from '../file/inode.ts';
import { lockFolio, unlockFolio } from '../page/folio_lock.ts';
import { getFrame, headOf, markDirty, putFrame } from '../page/frame.ts';
import { frameAt } from '../table/pgtable.ts';
import { lockIfSame, unlockPte } from '../table/pte_table.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import { lockShared, Rank, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { Fault } from './result.ts';
import { wpPageReuse } from './wp_reuse.ts';

/**
 * Called under the lock of the table of `slot`, whose entry has the lanes `low` and `high`.
 *
 * @locks releases that lock; then invalidate_lock (read), the folio lock and that lock again
 */
export function* pageMkwrite(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  low: number,
  high: number,
): Op<Fault> {
  const { machine, cpu, mm } = task;
  const { inode } = vma.file!;
  const head = headOf(machine, frameAt(machine, slot));
  yield* getFrame(machine, head);
  // Shmem has no disk to prepare.
  if (!hasDisk(inode)) {
    yield* wpPageReuse(task, vma, slot);
    yield* unlockPte(task, mm, slot);
    yield* lockFolio(machine, cpu, head);
    yield* dirtyFolio(task, head);
  } else {
    yield* unlockPte(task, mm, slot);
    const isLocked = yield* lockForWrite(task, inode, head);
    if (isLocked) {
      const isSame = yield* lockIfSame(task, page, slot, low, high);
      if (isSame) {
        yield* wpPageReuse(task, vma, slot);
        yield* unlockPte(task, mm, slot);
      }
      yield* unlockFolio(machine, cpu, head);
    }
  }
  yield* putFrame(machine, cpu, head);
  return Fault.DONE;
}

/** Locks a folio that is to be written to and is dirty now, unless it was cut off from its file. */
function* lockForWrite(task: Task, inode: Inode, head: number): Op<boolean> {
  const { machine, cpu } = task;
  const invalidateLock = machine.objects.invalidateLock(inode.id);
  yield* lockShared(machine, cpu, invalidateLock, Rank.INVALIDATE);
  yield* lockFolio(machine, cpu, head);
  yield writing(machine.objects.frame(head));
  const isInFile = machine.frameMapping[head] === 1 + inode.id;
  if (isInFile) markDirty(machine, head);
  else yield* unlockFolio(machine, cpu, head);
  yield* unlockShared(machine, cpu, invalidateLock, Rank.INVALIDATE);
  return isInFile;
}

/** Marks a locked folio dirty, and unlocks it. */
function* dirtyFolio({ machine, cpu }: Task, head: number): Op<void> {
  yield writing(machine.objects.frame(head));
  markDirty(machine, head);
  yield* unlockFolio(machine, cpu, head);
}
