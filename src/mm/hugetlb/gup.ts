/**
 * What GUP finds in VMAs of huge pages.
 *
 * @source mm/gup.c follow_page_mask() under hugetlb_vma_lock_read() (Linux 6.18)
 */
import { tryGrab } from '../gup/grab.ts';
import { mustUnshare } from '../gup/rules.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isPresentAt, isWritableAt, lockOf, walk } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import type { Vma } from '../vma/vma.ts';
import { lock, Rank, unlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { granularOf } from './granular.ts';
import { hstateOf } from './hstate.ts';
import { vmaLockRead, vmaUnlockRead } from './vma_lock.ts';

/** What is found besides a frame: nothing that will do, or what must be unshared first. */
export const Followed = { MISSING: -1, SHARED: -2 } as const;

/**
 * Grabs what `page` is mapped to now. Called under the mmap lock.
 *
 * @returns a frame, or one of `Followed`
 */
export function* followHugetlb(
  task: Task,
  vma: Vma,
  page: number,
  isWrite: boolean,
  isPin: boolean,
): Op<number> {
  const { machine, cpu, mm } = task;
  const { level } = hstateOf(vma);
  const granular = granularOf(machine, vma);
  if (granular !== undefined) return yield* granular.follow(task, vma, page, isWrite, isPin);
  yield* vmaLockRead(task, vma);
  const slot = yield* walk(machine, mm, page, level);
  let found: number = Followed.MISSING;
  if (slot !== NONE) {
    const guard = lockOf(machine, mm, slot, level);
    yield* lock(machine, cpu, guard, Rank.PAGE_TABLE);
    found = yield* grab(task, vma, page, slot, isWrite, isPin);
    yield* unlock(machine, cpu, guard, Rank.PAGE_TABLE);
  }
  yield* vmaUnlockRead(task, vma);
  return found;
}

/** Called under the lock of the table. */
function* grab(
  task: Task,
  vma: Vma,
  page: number,
  slot: number,
  isWrite: boolean,
  isPin: boolean,
): Op<number> {
  const { machine } = task;
  const { level, pages } = hstateOf(vma);
  yield reading(machine.objects.entry(slot));
  if (!isMappedAt(machine, slot, level)) return Followed.MISSING;
  const frame = mappedFrameAt(machine, slot, level) + (page % pages);
  const isWritable = isPresentAt(machine, slot) && isWritableAt(machine, slot);
  if (isWrite && !isWritable) return Followed.MISSING;
  if (!isWritable && mustUnshare(machine, frame, isWrite, isPin, true)) return Followed.SHARED;
  const isGrabbed = yield* tryGrab(task, frame, isPin);
  return isGrabbed ? frame : Followed.MISSING;
}
