/**
 * Being mapped in pieces is asked for, VMA by VMA: by MADV_SPLIT, or in the RFCs by a feature of
 * userfaultfd. It changes no mapping, cannot be taken back, and ends the sharing of tables.
 *
 * @source HGM v2, mm/madvise.c madvise_split(), mm/hugetlb.c hugetlb_unshare_all_pmds()
 */
import type { GranularFeature } from '../../mm/hugetlb/granular.ts';
import { isHugetlb } from '../../mm/hugetlb/hstate.ts';
import { hugetlbUnshareAll } from '../../mm/hugetlb/unshare.ts';
import type { Task } from '../../mm/task.ts';
import { VM, type Vma } from '../../mm/vma/vma.ts';
import { modifyFlags } from '../../mm/vma/vma_merge.ts';
import type { Op } from '../../mm/world/op.ts';
import { EINVAL } from '../../uapi/errno.ts';
import { UffdFeature } from '../../uapi/userfaultfd.ts';
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
  yield* hugetlbUnshareAll(task, vma);
  const part = yield* modifyFlags(task, vma, start, end, vma.flags);
  if (typeof part === 'number') return part;
  part.hugetlb!.isGranular = true;
  return 0;
}

/**
 * The feature of userfaultfd that asks for pieces in the RFCs: what is registered with it may be mapped
 * so. RFC v2 has the exact address agreed on, too, as what waits is to be filled by the small page.
 *
 * The bit is the first that Linux 6.18 does not know; that of the postings has another meaning by now.
 *
 * @source [RFC PATCH v2 33/47], [RFC PATCH v2 34/47] userfaultfd_register(), [RFC PATCH v2 35/47]
 */
export function splitFeature({ needsExactAddress }: HgmOptions): GranularFeature {
  return {
    bit: MINOR_HUGETLBFS_HGM,
    needs: needsExactAddress ? UffdFeature.EXACT_ADDRESS : 0,
    register: registerGranular,
  };
}

/** The bit of UFFDIO_API (UFFD_FEATURE_MINOR_HUGETLBFS_HGM). */
export const MINOR_HUGETLBFS_HGM = 1 << 17;

function* registerGranular(task: Task, vma: Vma): Op<number> {
  if ((vma.flags & VM.MAYSHARE) === 0) return EINVAL;
  return yield* makeGranular(task, vma, vma.start, vma.end);
}
