/**
 * GUP: a reference to the page behind an address, which is faulted in if need be.
 *
 * @source mm/gup.c __get_user_pages(), follow_page_pte(), faultin_page() (Linux 6.18)
 * @omits  FOLL_LONGTERM, FOLL_NOWAIT, gate pages
 */

import { DIRTY, UFFD_WP } from '../../arch/index.ts';
import { EFAULT, ENOMEM } from '../../uapi/errno.ts';
import { vmOpsOf } from '../design/design.ts';
import { faultPage } from '../fault/fault.ts';
import { idleFaults } from '../fault/idle.ts';
import { Access, Fault, FaultLock } from '../fault/result.ts';
import { hugeStart } from '../huge/huge_start.ts';
import { splitHugeEntry } from '../huge/split.ts';
import { granularOf } from '../hugetlb/granular.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { isMappedAt, mappedFlagsAt, mappedFrameAt } from '../table/mapped_entry.ts';
import {
  isPresentAt,
  isTableAt,
  isWritableAt,
  isWriteDenied,
  slotIn,
  tableOf,
} from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { awaitUserfault } from '../userfaultfd/queue.ts';
import { VM, type Vma } from '../vma/vma.ts';
import { leafOps } from '../walk/leaf_walk.ts';
import { type MmWalkOps, WalkForm } from '../walk/mm_walk.ts';
import { walkPageRangeVma } from '../walk/page_walk.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';
import { violate } from '../world/property.ts';
import { NONE, type World } from '../world/world.ts';
import { tryGrab } from './grab.ts';
import { gupFast } from './gup_fast.ts';
import {
  canFollowWrite,
  checkVmaFlags,
  FOLL,
  Followed,
  mustUnshare,
  noteHasPinned,
} from './rules.ts';

const { MISSING, SHARED } = Followed;
/** The fault waits for userfaultfd: no errno that GUP returns. */
export const WAITING = -(2 ** 20);

/**
 * The frame of `page`, with a reference or a pin for the caller to drop by `unpin()`.
 *
 * @param flags `FOLL`, with one of `GET` and `PIN`
 * @returns the frame, or EFAULT or ENOMEM
 * @locks   mmap (read), the lock of the table; none if the page is there and GUP-fast gets it
 */
export function* getUserPage(task: Task, page: number, flags: number): Op<number> {
  const write = (flags & FOLL.WRITE) !== 0;
  if ((flags & FOLL.FORCE) === 0) {
    const frame = yield* gupFast(task, page, write, (flags & FOLL.PIN) !== 0);
    if (frame !== NONE) return frame;
  }
  return yield* getUserPageSlow(task, page, flags);
}

/**
 * As `getUserPage()`, without GUP-fast.
 *
 * @param form how tables of hugetlb are walked: in a way of their own until Linux 6.9
 */
export function* getUserPageSlow(
  task: Task,
  page: number,
  flags: number,
  form: WalkForm = WalkForm.UNIFIED,
): Op<number> {
  const { machine, cpu, mm } = task;
  if ((flags & FOLL.PIN) !== 0) yield* noteHasPinned(task);
  for (;;) {
    yield* mmapReadLock(machine, cpu, mm.id);
    yield reading(machine.objects.tree(mm.id));
    const vma = mm.vmas.at(page);
    const result =
      vma === undefined
        ? EFAULT
        : yield* getPageLocked(task, vma, page, flags | FOLL.UNLOCKABLE, form);
    yield* mmapReadUnlock(machine, cpu, mm.id);
    if (result !== WAITING) return result;
    const isWoken = yield* awaitUserfault(task);
    if (!isWoken) return EFAULT;
  }
}

/**
 * As `getUserPageSlow()`, of a page of `vma`. Called under the mmap lock.
 *
 * @returns `WAITING`, too, if UNLOCKABLE: the fault has joined the queue of a userfaultfd
 */
export function* getPageLocked(
  task: Task,
  vma: Vma,
  page: number,
  flags: number,
  form: WalkForm = WalkForm.UNIFIED,
): Op<number> {
  const error = checkVmaFlags(vma, flags);
  return error < 0 ? error : yield* followIn(task, vma, page, flags, form);
}

/** In the address space itself, or where a design has what it maps. Called under the mmap lock. */
function* followIn(task: Task, vma: Vma, page: number, flags: number, form: WalkForm): Op<number> {
  const gup = vmOpsOf(task.machine, vma)?.gup;
  if (gup === undefined) return yield* followOrFault(task, vma, page, flags, form);
  return yield* gup(task, vma, page, (other, its, at) =>
    followOrFault(other, its, at, flags, form),
  );
}

/**
 * Called under the mmap lock.
 *
 * @returns a frame, or EFAULT or ENOMEM; EFAULT, too, where faults would go on for good, which is a
 *          violation
 */
function* followOrFault(
  task: Task,
  vma: Vma,
  page: number,
  asked: number,
  form: WalkForm,
): Op<number> {
  const { machine } = task;
  let flags = asked;
  for (let idle = 0; idle >= 0; ) {
    const before = machine.entryWrites[0]!;
    const found = yield* followPage(task, vma, page, flags, form);
    if (found >= 0) return found;
    if ((flags & FOLL.NOFAULT) !== 0) return EFAULT;
    const result = yield* faultPage(task, vma, page, accessOf(found, flags), heldBy(flags));
    if (result !== Fault.DONE && result !== Fault.RETRY) return resultOf(result);
    if (machine.bugs.forcedWriteForgotten === true) flags &= ~FOLL.WRITE;
    if (machine.bugs.forcedWriteByDirty === true) flags |= FOLL.COW;
    idle = idleFaults(machine, before, idle);
  }
  return EFAULT;
}

function accessOf(found: number, flags: number): Access {
  if (found === SHARED) return Access.UNSHARE;
  return (flags & FOLL.WRITE) === 0 ? Access.READ : Access.WRITE;
}

const heldBy = (flags: number): FaultLock =>
  (flags & FOLL.UNLOCKABLE) === 0 ? FaultLock.MMAP_KEPT : FaultLock.MMAP;

function resultOf(failed: Fault): number {
  if (failed === Fault.WAIT) return WAITING;
  return failed === Fault.OOM ? ENOMEM : EFAULT;
}

/** A page that is looked for. */
interface Follow {
  readonly flags: number;
  /** A frame, `MISSING` or `SHARED`. */
  found: number;
  /** What is said instead of a small page, whatever its entry says. */
  denied: number | undefined;
  /** The entry of a transparent huge page, or `NONE`. */
  huge: number;
}

const LEAVES: MmWalkOps<Follow> = leafOps(function* look({ task, vma, state }, slot, level, page) {
  const { machine } = task;
  if (level === 0 && state.denied !== undefined) {
    state.found = state.denied;
    return;
  }
  if (level === 1 && !isHugetlb(vma!)) state.huge = slot;
  const exact = slotIn(machine, tableOf(machine, slot), page, level);
  state.found = yield* followEntry(task, vma!, exact, page, level, state.flags);
});

const OPS: MmWalkOps<Follow> = {
  ...LEAVES,
  *pmdEntry(walk, slot, page, end) {
    const { machine } = walk.task;
    yield reading(machine.objects.entry(slot));
    // Nothing is pinned, or written to, through a table that is shared until the first write.
    const isDenied = isTableAt(machine, slot, 1) && isWriteDenied(machine, slot);
    walk.state.denied = isDenied ? denialOf(walk.state.flags) : undefined;
    return yield* LEAVES.pmdEntry!(walk, slot, page, end);
  },
};

/** Grabs what `page` is mapped to now. @returns a frame, `MISSING` or `SHARED` */
function* followPage(
  task: Task,
  vma: Vma,
  page: number,
  flags: number,
  form: WalkForm,
): Op<number> {
  const { machine, mm } = task;
  const granular = granularOf(machine, vma);
  if (granular !== undefined) {
    const isPin = (flags & FOLL.PIN) !== 0;
    return yield* granular.follow(task, vma, page, (flags & FOLL.WRITE) !== 0, isPin);
  }
  const state: Follow = { flags, found: MISSING, denied: undefined, huge: NONE };
  yield* walkPageRangeVma(task, vma, page, page + 1, OPS, state, form);
  if (state.found !== SHARED || state.huge === NONE) return state.found;
  // Small pages can be unshared one by one.
  yield* splitHugeEntry(task, mm, hugeStart(machine, page), state.huge);
  return MISSING;
}

function denialOf(flags: number): typeof MISSING | typeof SHARED | undefined {
  if ((flags & FOLL.WRITE) !== 0) return MISSING;
  return (flags & FOLL.PIN) === 0 ? undefined : SHARED;
}

/** Called under the lock of the table of `slot`. */
function* followEntry(
  task: Task,
  vma: Vma,
  slot: number,
  page: number,
  level: number,
  flags: number,
): Op<number> {
  const { machine } = task;
  yield reading(machine.objects.entry(slot));
  const frame = frameOf(machine, slot, page, level);
  if (frame === NONE) return MISSING;
  const isWritable = isPresentAt(machine, slot) && isWritableAt(machine, slot);
  const isWrite = (flags & FOLL.WRITE) !== 0;
  const isPin = (flags & FOLL.PIN) !== 0;
  const isWp = (mappedFlagsAt(machine, slot) & UFFD_WP) !== 0 && (vma.flags & VM.UFFD_WP) !== 0;
  const isHuge = level > 0 || isHugetlb(vma);
  const isForced =
    machine.bugs.forcedWriteByDirty === true
      ? isDirtyBehindFault(machine, slot, flags)
      : !isWp && canFollowWrite(machine, vma, frame, flags, isHuge);
  if (isWrite && !isWritable && !isForced) return MISSING;
  if (!isWritable && mustUnshare(machine, frame, isWrite, isPin, isHuge)) return SHARED;
  const isGrabbed = yield* tryGrab(task, frame, isPin);
  // What is mapped is not free. @source mm/gup.c try_grab_folio() (Linux 6.18), which warns
  if (!isGrabbed) violate(machine, 'P-UAF-PAGE');
  return isGrabbed ? frame : MISSING;
}

/** What was asked until Linux 5.19: a fault for this forced write came first, the entry is dirty. */
function isDirtyBehindFault(world: World, slot: number, flags: number): boolean {
  const asked = FOLL.FORCE | FOLL.COW;
  return (flags & asked) === asked && (mappedFlagsAt(world, slot) & DIRTY) !== 0;
}

/** The frame of `page`, which its process may be barred from (PROT_NONE), or `NONE`. */
function frameOf(world: World, slot: number, page: number, level: number): number {
  if (level === 0) return isMappedAt(world, slot) ? mappedFrameAt(world, slot) : NONE;
  if (!isMappedAt(world, slot, level)) return NONE;
  return mappedFrameAt(world, slot, level) + (page % world.format.entryPages[level]!);
}
