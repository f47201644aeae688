/**
 * UFFDIO_MOVE: private pages of one process go from one place to another, without a copy.
 *
 * @source fs/userfaultfd.c userfaultfd_move(); mm/userfaultfd.c move_pages(), move_pages_pte(),
 *         validate_move_areas() (Linux 6.18)
 * @omits  moving a part of a huge page: its entry is split, and its pages, of one folio, stay (EBUSY)
 */
import { EAGAIN, EBUSY, EEXIST, EINVAL, ENOENT, ENOMEM, ESRCH } from '../../uapi/errno.ts';
import { UffdMoveMode } from '../../uapi/userfaultfd.ts';
import { hugePages, hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { invalidateRangeEnd, invalidateRangeStart } from '../notifier/notifier.ts';
import { Notify } from '../notifier/subscription.ts';
import { anonVmaPrepare } from '../rmap/anon_vma_prepare.ts';
import { isMappedAt, mappedFrameAt } from '../table/mapped_entry.ts';
import { isNoneAt, isTableAt, walk, walkAllocating } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { isAnonymous, VM, VM_ACCESS, type Vma } from '../vma/vma.ts';
import { lockShared, mmapReadLock, mmapReadUnlock, Rank, unlockShared } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { FrameFlag, NONE } from '../world/world.ts';
import { mmgetNotZero, type Userfaultfd } from './context.ts';
import { answer, type UffdFilled } from './ioctl_fill.ts';
import { mmput } from './mmput.ts';
import { type HugeMove, moveHuge } from './move_huge.ts';
import { movePage } from './move_page.ts';
import { type PageRange, pagesIn } from './range.ts';

/** In bytes. */
export interface MoveRequest {
  readonly destination: number;
  readonly source: number;
  readonly length: number;
  readonly mode: number;
}

/** A move under way, in one address space. */
interface Move {
  readonly from: Vma;
  readonly to: Vma;
  readonly source: PageRange;
  readonly start: number;
  readonly mayHaveHoles: boolean;
}

const refused = (result: number): UffdFilled => ({ result, bytes: undefined });

/** UFFDIO_MOVE, by a process on its own memory. */
export function* uffdioMove(
  task: Task,
  uffd: Userfaultfd,
  { destination, source, length, mode }: MoveRequest,
): Op<UffdFilled> {
  if (uffd.features === undefined) return refused(EINVAL);
  if (uffd.mmapChanging > 0) return { result: EAGAIN, bytes: EAGAIN };
  if (uffd.mm !== task.mm) return refused(EINVAL);
  const to = pagesIn(uffd.mm, destination, length);
  const from = pagesIn(uffd.mm, source, length);
  if (to === undefined || from === undefined) return refused(EINVAL);
  const modes = UffdMoveMode.DONTWAKE | UffdMoveMode.ALLOW_SRC_HOLES;
  if (mode !== (mode & modes)) return refused(EINVAL);
  const isThere = yield* mmgetNotZero(task, uffd.mm);
  if (!isThere) return refused(ESRCH);
  const mayHaveHoles = (mode & UffdMoveMode.ALLOW_SRC_HOLES) !== 0;
  const done = yield* movePages(task, uffd, to.start, from, mayHaveHoles);
  yield* mmput(task);
  return yield* answer(task, uffd, to, done, (mode & UffdMoveMode.DONTWAKE) !== 0);
}

/** @returns how many pages were moved, or a negative errno if it was none */
function* movePages(
  task: Task,
  uffd: Userfaultfd,
  start: number,
  source: PageRange,
  mayHaveHoles: boolean,
): Op<number> {
  const { machine, cpu, mm } = task;
  const guard = machine.objects.mapChangingLock(uffd.id);
  yield* mmapReadLock(machine, cpu, mm.id);
  yield reading(machine.objects.tree(mm.id));
  const to = mm.vmas.at(start);
  if (to !== undefined && (to.flags & VM.SHARED) === 0) yield* anonVmaPrepare(task, to);
  const from = mm.vmas.at(source.start);
  let result: number = ENOENT;
  if (to !== undefined && from !== undefined) {
    yield* lockShared(machine, cpu, guard, Rank.MAP_CHANGING);
    result = uffd.mmapChanging > 0 ? EAGAIN : refusal(uffd, from, to, source, start);
    const move = { from, to, source, start, mayHaveHoles };
    if (result === 0) result = yield* moveEach(task, move);
    yield* unlockShared(machine, cpu, guard, Rank.MAP_CHANGING);
  }
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return result;
}

const UNMOVABLE = VM.PFNMAP | VM.IO | VM.HUGETLB | VM.MIXEDMAP;

function refusal(uffd: Userfaultfd, from: Vma, to: Vma, source: PageRange, start: number): number {
  const both = from.flags | to.flags;
  const other = from.flags ^ to.flags;
  if ((both & VM.SHARED) !== 0) return EINVAL;
  if (source.end > from.end || start + source.end - source.start > to.end) return EINVAL;
  if ((other & (VM_ACCESS | VM.LOCKED)) !== 0 || (from.flags & VM.WRITE) === 0) return EINVAL;
  if ((both & UNMOVABLE) !== 0 || to.userfaultfd !== uffd) return EINVAL;
  return isAnonymous(from) && isAnonymous(to) ? 0 : EINVAL;
}

function* moveEach(task: Task, move: Move): Op<number> {
  const { source, start } = move;
  const pages = source.end - source.start;
  for (let done = 0; done < pages; ) {
    const result = yield* moveAt(task, move, source.start + done, start + done);
    if (result === EAGAIN) continue;
    if (result < 0) return done > 0 ? done : result;
    done += result;
  }
  return pages;
}

/** @returns how many pages were moved, or a negative errno: EAGAIN to look again */
function* moveAt(task: Task, move: Move, page: number, target: number): Op<number> {
  const { machine, mm } = task;
  const { from, to, source, mayHaveHoles } = move;
  const above = yield* walk(machine, mm, page, 1);
  if (above === NONE && !mayHaveHoles) return ENOENT;
  const upper = above === NONE ? yield* walkAllocating(task, mm, page, 1) : above;
  const targetAbove = yield* walkAllocating(task, mm, target, 1);
  if (upper === NONE || targetAbove === NONE) return ENOMEM;
  yield reading(machine.objects.entry(targetAbove));
  if (isMappedAt(machine, targetAbove, 1)) return EEXIST;
  yield reading(machine.objects.entry(upper));
  if (isMappedAt(machine, upper, 1)) {
    const entry = { from, to, page, target, slot: upper, targetSlot: targetAbove };
    return yield* moveOrSplit(task, entry, source.end - page);
  }
  if (isNoneAt(machine, upper) && !mayHaveHoles) return ENOENT;
  const slot = yield* walkAllocating(task, mm, page);
  const targetSlot = yield* walkAllocating(task, mm, target);
  if (slot === NONE || targetSlot === NONE) {
    const isTable = isTableAt(machine, upper, 1) && isTableAt(machine, targetAbove, 1);
    return isTable ? EAGAIN : ENOMEM;
  }
  yield* invalidateRangeStart(task, mm, page, page + 1, Notify.CLEAR);
  const error = yield* movePage(task, from, to, page, target, mayHaveHoles);
  yield* invalidateRangeEnd(task, mm, page, page + 1, Notify.CLEAR);
  return error < 0 ? error : 1;
}

/** A huge page is moved if all of it is to be, to the place of one, where nothing is. @returns as `moveAt()` */
function* moveOrSplit(task: Task, move: HugeMove, left: number): Op<number> {
  const { machine, mm } = task;
  const { page, target, slot, targetSlot } = move;
  const pages = hugePages(machine);
  const isWhole = page % pages === 0 && target % pages === 0 && left >= pages;
  if (!isWhole || !isNoneAt(machine, targetSlot)) return yield* splitSource(task, page, slot);
  yield* invalidateRangeStart(task, mm, page, page + pages, Notify.CLEAR);
  const error = yield* moveHuge(task, move);
  yield* invalidateRangeEnd(task, mm, page, page + pages, Notify.CLEAR);
  return error < 0 ? error : pages;
}

/** Small pages are moved, of a huge page that is the process's own. */
function* splitSource(task: Task, page: number, slot: number): Op<number> {
  const { machine, mm } = task;
  const head = mappedFrameAt(machine, slot, 1);
  yield reading(machine.objects.frame(head));
  const flags = machine.frameFlags[head]!;
  const isOwn = (flags & (FrameFlag.EXCLUSIVE | FrameFlag.RESERVED)) !== 0;
  if (!isOwn) return EBUSY;
  const start = hugeStart(machine, page);
  if (page - start >= hugePages(machine)) return EAGAIN;
  yield* splitHugeEntry(task, mm, start, slot);
  return EAGAIN;
}
