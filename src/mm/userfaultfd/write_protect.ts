/**
 * Write protection for userfaultfd.
 *
 * The entries are changed under the mmap lock for reading, and flushed at the end: a fault that copies
 * a page meanwhile flushes it by itself.
 *
 * @source mm/userfaultfd.c mwriteprotect_range(), uffd_wp_range();
 *         fs/userfaultfd.c userfaultfd_writeprotect() (Linux 6.18)
 */
import { EAGAIN, EINVAL, ENOENT, ESRCH } from '../../uapi/errno.ts';
import { UffdWpMode } from '../../uapi/userfaultfd.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { hugetlbChangeProtection } from '../hugetlb/protect.ts';
import { changeProtection } from '../table/change_protection.ts';
import { tlbFinishMmu, tlbGatherMmu } from '../table/mmu_gather.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { lockShared, mmapReadLock, mmapReadUnlock, Rank, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { mmgetNotZero, type Userfaultfd } from './context.ts';
import { mmput } from './mmput.ts';
import { wakeUserfault } from './queue.ts';
import { type PageRange, pagesIn } from './range.ts';
import { WpChange } from './wp_change.ts';

/** UFFDIO_WRITEPROTECT, in bytes. @returns 0 or a negative errno */
export function* uffdioWriteprotect(
  task: Task,
  uffd: Userfaultfd,
  start: number,
  length: number,
  mode: number,
): Op<number> {
  if (uffd.features === undefined) return EINVAL;
  if (uffd.mmapChanging > 0) return EAGAIN;
  const range = pagesIn(uffd.mm, start, length);
  if (range === undefined) return EINVAL;
  if (mode !== (mode & (UffdWpMode.WP | UffdWpMode.DONTWAKE))) return EINVAL;
  const isOn = (mode & UffdWpMode.WP) !== 0;
  const isQuiet = (mode & UffdWpMode.DONTWAKE) !== 0;
  if (isOn && isQuiet) return EINVAL;
  const isThere = yield* mmgetNotZero(task, uffd.mm);
  if (!isThere) return ESRCH;
  const result = yield* protectRange({ ...task, mm: uffd.mm }, uffd, range, isOn);
  yield* mmput({ ...task, mm: uffd.mm });
  if (result === 0 && !isOn && !isQuiet) {
    yield* wakeUserfault(task, uffd, range.start, range.end);
  }
  return result;
}

/** @locks mmap (read), map_changing_lock (read), then page-table locks */
function* protectRange(task: Task, uffd: Userfaultfd, range: PageRange, isOn: boolean): Op<number> {
  const { machine, cpu, mm } = task;
  const guard = machine.objects.mapChangingLock(uffd.id);
  yield* mmapReadLock(machine, cpu, mm.id);
  yield* lockShared(machine, cpu, guard, Rank.MAP_CHANGING);
  const result = uffd.mmapChanging > 0 ? EAGAIN : yield* protectVmas(task, range, isOn);
  yield* unlockShared(machine, cpu, guard, Rank.MAP_CHANGING);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return result;
}

/** What comes before a refusal stays done; holes are passed over. */
function* protectVmas(task: Task, { start, end }: PageRange, isOn: boolean): Op<number> {
  const { machine, mm } = task;
  yield reading(machine.objects.tree(mm.id));
  let result: number = ENOENT;
  for (const vma of mm.vmas.within(start, end)) {
    if ((vma.flags & VM.UFFD_WP) === 0) return ENOENT;
    if (isHugetlb(vma)) {
      const { pages } = hstateOf(vma);
      if (start % pages > 0 || (end - start) % pages > 0) return EINVAL;
    }
    const [from, to] = [Math.max(start, vma.start), Math.min(end, vma.end)];
    result = yield* changeWp(task, vma, from, to, isOn ? WpChange.PROTECT : WpChange.RESOLVE);
    if (result < 0) return result;
  }
  return result;
}

/**
 * Protects `[start, end)` of `vma`, or lets it be written to. Called under the mmap lock.
 *
 * @returns 0 or ENOMEM
 */
export function* changeWp(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  wp: WpChange,
): Op<number> {
  const { machine, cpu, mm } = task;
  if (isHugetlb(vma)) return yield* hugetlbChangeProtection(task, vma, start, end, wp);
  yield* tlbGatherMmu(machine, cpu, mm.id);
  const result = yield* changeProtection(task, vma, start, end, wp);
  yield* tlbFinishMmu(machine, cpu, mm.id);
  return result;
}
