/**
 * Whom GUP gives a page, and which.
 *
 * @source mm/gup.c check_vma_flags(), can_follow_write_common(); include/linux/mm.h
 *         gup_must_unshare() (Linux 6.18)
 * @omits  FOLL_LONGTERM, FOLL_ANON, FOLL_DUMP, protection keys, secret memory, shadow stacks
 */
import { EFAULT } from '../../uapi/errno.ts';
import { headOf } from '../page/frame.ts';
import { isAnonymousFrame } from '../rmap/map_count.ts';
import type { Task } from '../task.ts';
import { VM, type Vma } from '../vma/vma.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { FrameFlag, type World } from '../world/world.ts';

/** What following an address finds besides a frame: nothing that will do, or what must be unshared. */
export const Followed = { MISSING: -1, SHARED: -2 } as const;

/** @source include/linux/mm_types.h, mm/internal.h */
export const FOLL = {
  WRITE: 1 << 0,
  GET: 1 << 1,
  FORCE: 1 << 3,
  NOFAULT: 1 << 5,
  /** A fault for this write came first: nothing that is right asks for it. */
  COW: 1 << 14,
  PIN: 1 << 19,
  /** The mmap lock may be dropped meanwhile. */
  UNLOCKABLE: 1 << 21,
} as const;

/** Whether `flags` are for this VMA. @returns 0 or EFAULT */
export function checkVmaFlags(vma: Vma, flags: number): number {
  if ((vma.flags & (VM.IO | VM.PFNMAP)) !== 0) return EFAULT;
  const isForced = (flags & FOLL.FORCE) !== 0;
  if ((flags & FOLL.WRITE) !== 0) {
    if ((vma.flags & VM.WRITE) !== 0) return 0;
    // A private page of its own does the file no harm, a shared one would. In pieces there is none.
    return isForced && vma.hugetlb?.isGranular !== true && isCowMapping(vma) ? 0 : EFAULT;
  }
  if ((vma.flags & VM.READ) !== 0) return 0;
  return isForced && (vma.flags & VM.MAYREAD) !== 0 ? 0 : EFAULT;
}

const isCowMapping = ({ flags }: Vma): boolean =>
  (flags & (VM.SHARED | VM.MAYWRITE)) === VM.MAYWRITE;

/**
 * Whether a write may go through an entry that is not writable: it is forced, and the page is the
 * process's own, as the fault for that write has left it.
 *
 * @param isHuge as of `mustUnshare()`
 */
export function canFollowWrite(
  world: World,
  vma: Vma,
  frame: number,
  flags: number,
  isHuge: boolean,
): boolean {
  if ((flags & FOLL.FORCE) === 0) return false;
  if ((vma.flags & (VM.SHARED | VM.MAYSHARE)) !== 0) return false;
  if ((vma.flags & (VM.WRITE | VM.MAYWRITE)) !== VM.MAYWRITE) return false;
  return isAnonymousFrame(world, frame) && isOwn(world, frame, isHuge);
}

/**
 * Whether a page must be made private to the process first: a later write would copy it away from who
 * has pinned it for reading.
 *
 * @param isHuge whether one entry maps the whole folio, which is then exclusive as a whole
 */
export function mustUnshare(
  world: World,
  frame: number,
  write: boolean,
  isPin: boolean,
  isHuge: boolean,
): boolean {
  if (write || !isPin || !isAnonymousFrame(world, frame)) return false;
  return !isOwn(world, frame, isHuge);
}

function isOwn(world: World, frame: number, isHuge: boolean): boolean {
  const marked = isHuge ? headOf(world, frame) : frame;
  return (world.frameFlags[marked]! & FrameFlag.EXCLUSIVE) !== 0;
}

/** From now on a fork looks for pins (MMF_HAS_PINNED). Before the first look at a page. */
export function* noteHasPinned({ machine, mm }: Task): Op<void> {
  yield writing(machine.objects.writeProtectSequence(mm.id));
  mm.hasPinned = true;
}
