/**
 * The advice that is a flag of VMAs.
 *
 * @source mm/madvise.c madvise_vma_behavior(), mm/ksm.c ksm_madvise(), mm/huge_memory.c
 *         hugepage_madvise() (Linux 6.18)
 * @omits  merging of equal pages: MADV_MERGEABLE is remembered
 */
import { EAGAIN, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { MADV } from '../../uapi/mman.ts';
import { refusesSplit } from '../design/seams.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import type { Task } from '../task.ts';
import { isAnonymous, VM, VM_SPECIAL, type Vma } from '../vma/vma.ts';
import { modifyFlags } from '../vma/vma_merge.ts';
import type { Op } from '../world/op.ts';

interface FlagChange {
  readonly clear: number;
  readonly set: number;
  /** VMAs with one of these flags do not take the advice, */
  readonly refused?: number;
  /** or take it without effect. */
  readonly ignored?: number;
}

const CHANGES: ReadonlyMap<number, FlagChange> = new Map([
  [MADV.NORMAL, { clear: VM.RAND_READ | VM.SEQ_READ, set: 0 }],
  [MADV.RANDOM, { clear: VM.SEQ_READ, set: VM.RAND_READ }],
  [MADV.SEQUENTIAL, { clear: VM.RAND_READ, set: VM.SEQ_READ }],
  [MADV.DONTFORK, { clear: 0, set: VM.DONTCOPY }],
  [MADV.DOFORK, { clear: VM.DONTCOPY, set: 0, refused: VM.IO }],
  [
    MADV.MERGEABLE,
    {
      clear: 0,
      set: VM.MERGEABLE,
      ignored: VM.SHARED | VM.MAYSHARE | VM_SPECIAL | VM.HUGETLB | VM.DROPPABLE,
    },
  ],
  [MADV.UNMERGEABLE, { clear: VM.MERGEABLE, set: 0 }],
  [MADV.HUGEPAGE, { clear: VM.NOHUGEPAGE, set: VM.HUGEPAGE }],
  [MADV.NOHUGEPAGE, { clear: VM.HUGEPAGE, set: VM.NOHUGEPAGE }],
  [MADV.DONTDUMP, { clear: 0, set: VM.DONTDUMP }],
  [MADV.DODUMP, { clear: VM.DONTDUMP, set: 0, refused: VM_SPECIAL | VM.DROPPABLE }],
  [MADV.WIPEONFORK, { clear: 0, set: VM.WIPEONFORK, refused: VM.SHARED }],
  [MADV.KEEPONFORK, { clear: VM.WIPEONFORK, set: 0, refused: VM.DROPPABLE }],
]);

/** Called under the mmap write lock. @returns 0 or a negative errno */
export function* adviseFlags(
  task: Task,
  vma: Vma,
  start: number,
  end: number,
  advice: number,
): Op<number> {
  const { clear, set, refused = 0, ignored = 0 } = CHANGES.get(advice)!;
  // Pages of hugetlb are dumped, if that is asked for, though their VMAs do not grow.
  const isDumped = advice === MADV.DODUMP && isHugetlb(vma);
  if ((vma.flags & refused) !== 0 && !isDumped) return EINVAL;
  if (advice === MADV.WIPEONFORK && !isAnonymous(vma)) return EINVAL;
  const flags = (vma.flags & ~clear) | set;
  if ((vma.flags & ignored) !== 0 || flags === vma.flags) return 0;
  if (refusesSplit(task, start, end)) return EINVAL;
  const changed = yield* modifyFlags(task, vma, start, end, flags);
  if (typeof changed !== 'number') return 0;
  return changed === ENOMEM ? EAGAIN : changed;
}
