/**
 * UFFDIO_REGISTER, UFFDIO_UNREGISTER, and the end of a descriptor: who is told of the faults of a VMA.
 *
 * @source fs/userfaultfd.c userfaultfd_register(), userfaultfd_unregister(),
 *         userfaultfd_release(); mm/userfaultfd.c userfaultfd_register_range(),
 *         userfaultfd_clear_vma(); include/linux/userfaultfd_k.h vma_can_userfault() (Linux 6.18)
 */
import { EBUSY, EINVAL, ENOMEM, EPERM } from '../../uapi/errno.ts';
import { UffdFeature, UffdIoctl, UffdMode } from '../../uapi/userfaultfd.ts';
import { isMemory } from '../file/inode.ts';
import { granularDesign } from '../hugetlb/granular.ts';
import { hstateOf, isHugetlb } from '../hugetlb/hstate.ts';
import { hugetlbUnshareAll } from '../hugetlb/unshare.ts';
import type { Task } from '../task.ts';
import { isAnonymous, VM, VM_UFFD, type Vma } from '../vma/vma.ts';
import { modifyFlags } from '../vma/vma_merge.ts';
import { mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading, writing } from '../world/point.ts';
import { NONE } from '../world/world.ts';
import { canWriteProtect } from './api.ts';
import { hasFeature, mmgetNotZero, type Userfaultfd } from './context.ts';
import { mmput } from './mmput.ts';
import { wakeUserfault } from './queue.ts';
import { type PageRange, pagesIn } from './range.ts';
import { WpChange } from './wp_change.ts';
import { changeWp } from './write_protect.ts';

const MODES = UffdMode.MISSING | UffdMode.WP | UffdMode.MINOR;

const BASIC_IOCTLS =
  (1 << UffdIoctl.WAKE) |
  (1 << UffdIoctl.COPY) |
  (1 << UffdIoctl.WRITEPROTECT) |
  (1 << UffdIoctl.CONTINUE) |
  (1 << UffdIoctl.POISON);
const ALL_IOCTLS = BASIC_IOCTLS | (1 << UffdIoctl.ZEROPAGE) | (1 << UffdIoctl.MOVE);

/** What UFFDIO_REGISTER answers; `ioctls` are those of the range, if it is not refused. */
export interface UffdRegister {
  readonly result: number;
  readonly ioctls: number;
}

const refused = (result: number): UffdRegister => ({ result, ioctls: 0 });

/**
 * UFFDIO_REGISTER of a range in bytes.
 *
 * @locks mmap (write), each VMA (write)
 */
export function* uffdioRegister(
  task: Task,
  uffd: Userfaultfd,
  start: number,
  length: number,
  mode: number,
): Op<UffdRegister> {
  const { machine, cpu } = task;
  if (uffd.features === undefined) return refused(EINVAL);
  if (mode === 0 || mode !== (mode & MODES)) return refused(EINVAL);
  if ((mode & UffdMode.WP) !== 0 && !canWriteProtect(machine)) return refused(EINVAL);
  const range = pagesIn(uffd.mm, start, length);
  if (range === undefined) return refused(EINVAL);
  const isThere = yield* mmgetNotZero(task, uffd.mm);
  if (!isThere) return refused(ENOMEM);
  const its = { ...task, mm: uffd.mm };
  yield* mmapWriteLock(machine, cpu, uffd.mm.id);
  const answer = yield* registerRange(its, uffd, range, mode);
  yield* mmapWriteUnlock(machine, cpu, uffd.mm.id);
  yield* mmput(its);
  return answer;
}

/** The flags of VMAs that a mode means. */
function flagsOf(mode: number): number {
  return (
    ((mode & UffdMode.MISSING) === 0 ? 0 : VM.UFFD_MISSING) |
    ((mode & UffdMode.WP) === 0 ? 0 : VM.UFFD_WP) |
    ((mode & UffdMode.MINOR) === 0 ? 0 : VM.UFFD_MINOR)
  );
}

/** Called under the mmap write lock. Nothing is changed unless all VMAs may be registered. */
function* registerRange(
  task: Task,
  uffd: Userfaultfd,
  range: PageRange,
  mode: number,
): Op<UffdRegister> {
  const { mm } = task;
  const flags = flagsOf(mode);
  const error = registerError(uffd, mm.vmas.within(range.start, range.end), range, flags);
  if (error < 0) return refused(error);
  const isBasic = mm.vmas.within(range.start, range.end).some(isHugetlb);
  for (const { start, end } of mm.vmas.within(range.start, range.end)) {
    const [from, to] = [Math.max(start, range.start), Math.min(end, range.end)];
    const changed = yield* registerPart(task, uffd, from, to, flags);
    if (changed < 0) return refused(changed);
  }
  let ioctls = isBasic ? BASIC_IOCTLS : ALL_IOCTLS;
  if ((mode & UffdMode.WP) === 0) ioctls &= ~(1 << UffdIoctl.WRITEPROTECT);
  if ((mode & UffdMode.MINOR) === 0) ioctls &= ~(1 << UffdIoctl.CONTINUE);
  return { result: 0, ioctls };
}

function registerError(
  uffd: Userfaultfd,
  vmas: readonly Vma[],
  range: PageRange,
  flags: number,
): number {
  if (vmas.length === 0 || !isAlignedIn(vmas[0]!, range.start)) return EINVAL;
  const isAsync = hasFeature(uffd, UffdFeature.WP_ASYNC);
  for (const vma of vmas) {
    if (!canUserfault(vma, flags, isAsync)) return EINVAL;
    if ((vma.flags & VM.MAYWRITE) === 0) return EPERM;
    if (range.end <= vma.end && !isAlignedIn(vma, range.end)) return EINVAL;
    if (vma.userfaultfd !== undefined && vma.userfaultfd !== uffd) return EBUSY;
  }
  return 0;
}

function isAlignedIn(vma: Vma, page: number): boolean {
  return !isHugetlb(vma) || page % hstateOf(vma).pages === 0;
}

/** Whether faults of `vma` can be told as `flags` ask for. @source vma_can_userfault() */
function canUserfault(vma: Vma, flags: number, isAsync: boolean): boolean {
  const wanted = flags & VM_UFFD;
  if ((vma.flags & VM.DROPPABLE) !== 0) return false;
  const isKept = isHugetlb(vma) || isShmem(vma);
  if ((wanted & VM.UFFD_MINOR) !== 0 && !isKept) return false;
  if (isAsync && wanted === VM.UFFD_WP) return true;
  return isAnonymous(vma) || isKept;
}

/** Attachments of segments have operations of their own. @source mm/shmem.c vma_is_shmem() */
export function isShmem({ file }: Vma): boolean {
  return file !== undefined && isMemory(file.inode) && file.isSegment !== true;
}

/** @returns 0 or a negative errno */
function* registerPart(
  task: Task,
  uffd: Userfaultfd,
  start: number,
  end: number,
  flags: number,
): Op<number> {
  const vma = task.mm.vmas.at(start)!;
  if (vma.userfaultfd === uffd && (vma.flags & flags) === flags) return 0;
  const wanted = (vma.flags & ~VM_UFFD) | flags;
  const changed = yield* modifyFlags(task, vma, start, end, wanted, uffd);
  if (typeof changed === 'number') return changed;
  const isUnshared = (changed.flags & (VM.UFFD_WP | VM.UFFD_MINOR)) !== 0;
  if (!isHugetlb(changed)) return 0;
  if (isUnshared) yield* hugetlbUnshareAll(task, changed);
  const feature = granularDesign(task.machine)?.feature;
  if (feature === undefined || !hasFeature(uffd, feature.bit)) return 0;
  return yield* feature.register(task, changed);
}

/**
 * UFFDIO_UNREGISTER of a range in bytes: who waits there tries again.
 *
 * @returns 0 or a negative errno
 * @locks   mmap (write), each VMA (write), page-table locks
 */
export function* uffdioUnregister(
  task: Task,
  uffd: Userfaultfd,
  start: number,
  length: number,
): Op<number> {
  const { machine, cpu } = task;
  if (uffd.features === undefined) return EINVAL;
  const range = pagesIn(uffd.mm, start, length);
  if (range === undefined) return EINVAL;
  const isThere = yield* mmgetNotZero(task, uffd.mm);
  if (!isThere) return ENOMEM;
  const its = { ...task, mm: uffd.mm };
  yield* mmapWriteLock(machine, cpu, uffd.mm.id);
  const result = yield* unregisterRange(its, uffd, range);
  yield* mmapWriteUnlock(machine, cpu, uffd.mm.id);
  yield* mmput(its);
  return result;
}

function* unregisterRange(task: Task, uffd: Userfaultfd, range: PageRange): Op<number> {
  const { mm } = task;
  const vmas = mm.vmas.within(range.start, range.end);
  if (vmas.length === 0 || !isAlignedIn(vmas[0]!, range.start)) return EINVAL;
  const isAsync = hasFeature(uffd, UffdFeature.WP_ASYNC);
  for (const vma of vmas) {
    if (vma.userfaultfd !== undefined && vma.userfaultfd !== uffd) return EINVAL;
    if (!canUserfault(vma, vma.flags, isAsync)) return EINVAL;
  }
  for (const { start, end } of vmas) {
    const vma = mm.vmas.at(Math.max(start, range.start))!;
    if (vma.userfaultfd === undefined) continue;
    const [from, to] = [Math.max(start, range.start), Math.min(end, range.end)];
    if ((vma.flags & VM.UFFD_MISSING) !== 0) yield* wakeUserfault(task, uffd, from, to);
    const result = yield* clearVma(task, vma, from, to);
    if (result < 0) return result;
  }
  return 0;
}

/** Takes `[start, end)` of a VMA from its userfaultfd. @returns 0 or a negative errno */
function* clearVma(task: Task, vma: Vma, start: number, end: number): Op<number> {
  if ((vma.flags & VM.UFFD_WP) !== 0 && task.machine.bugs.closeKeepsWpMarkers !== true) {
    yield* changeWp(task, vma, start, end, WpChange.RESOLVE);
  }
  const changed = yield* modifyFlags(task, vma, start, end, vma.flags & ~VM_UFFD, NOBODY);
  return typeof changed === 'number' ? changed : 0;
}

/** For `modifyFlags()`, of which nothing at all would mean what the VMA has. */
const NOBODY = null;

/**
 * Closes a descriptor: its VMAs are nobody's, and all who wait try again.
 *
 * @locks mmap (write), each VMA (write), page-table locks
 */
export function* closeUserfaultfd(
  task: Pick<Task, 'machine' | 'cpu'>,
  uffd: Userfaultfd,
): Op<void> {
  const { machine, cpu } = task;
  yield writing(machine.objects.userfaults(uffd.id));
  uffd.isReleased = true;
  const isThere = yield* mmgetNotZero(task, uffd.mm);
  if (isThere) {
    const its = { ...task, mm: uffd.mm };
    yield* mmapWriteLock(machine, cpu, uffd.mm.id);
    yield reading(machine.objects.tree(uffd.mm.id));
    for (const { start, end } of uffd.mm.vmas.all()) {
      const vma = uffd.mm.vmas.at(start)!;
      if (vma.userfaultfd === uffd) yield* clearVma(its, vma, start, end);
    }
    yield* mmapWriteUnlock(machine, cpu, uffd.mm.id);
    yield* mmput(its);
  }
  yield* wakeUserfault(task, uffd, 0, Number.POSITIVE_INFINITY);
  yield writing(machine.objects.userfaults(uffd.id));
  for (const { cpu: waiting } of uffd.events) if (waiting !== NONE) machine.asleep[waiting] = 0;
  uffd.mmapChanging -= uffd.events.length;
  uffd.events = [];
  machine.userfaultfds.remove(cpu, uffd.id);
}

/** UFFDIO_WAKE of a range in bytes. @returns 0 or EINVAL */
export function* uffdioWake(
  task: Task,
  uffd: Userfaultfd,
  start: number,
  length: number,
): Op<number> {
  if (uffd.features === undefined) return EINVAL;
  const range = pagesIn(uffd.mm, start, length);
  if (range === undefined) return EINVAL;
  yield* wakeUserfault(task, uffd, range.start, range.end);
  return 0;
}
