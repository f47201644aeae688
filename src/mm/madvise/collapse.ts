/**
 * MADV_COLLAPSE: small pages become huge ones, whatever the settings say.
 *
 * @source mm/khugepaged.c madvise_collapse() (Linux 6.18)
 * @omits  files on a disk: they are refused (EINVAL)
 */

import { EAGAIN, EBUSY, EINVAL, ENOMEM } from '../../uapi/errno.ts';
import { isMemory } from '../file/inode.ts';
import { closeInode, getInode } from '../file/shmem.ts';
import { collapseHugePage, mayCollapse } from '../huge/collapse.ts';
import { collapseFile } from '../huge/collapse_file.ts';
import { collapsePteMapped } from '../huge/collapse_mapped.ts';
import { holdsHugePage } from '../huge/huge_file.ts';
import { hugePages } from '../huge/huge_start.ts';
import { NO_LIMITS, Scan } from '../huge/scan.ts';
import { granularDesign } from '../hugetlb/granular.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import type { Machine } from '../machine.ts';
import { findMapped } from '../table/pgtable.ts';
import type { Task } from '../task.ts';
import { pgoffAt, VM, VM_SPECIAL, type Vma } from '../vma/vma.ts';
import { ENTRIES_AT_ONCE } from '../world/batch.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { reading } from '../world/point.ts';

/**
 * What cannot be collapsed is gone past; the last reason is reported.
 *
 * Called under the mmap lock, for reading, which is dropped and taken again.
 *
 * @returns 0 or a negative errno
 */
export function* adviseCollapse(task: Task, vma: Vma, start: number, end: number): Op<number> {
  const { machine } = task;
  const granular = granularDesign(machine);
  if (granular !== undefined && isHugetlb(vma)) {
    return yield* granular.collapse(task, vma, start, end);
  }
  const span = hugePages(machine);
  if (!isAllowed(machine, vma) || !hasPlace(vma, span)) return EINVAL;
  const first = Math.ceil(start / span) * span;
  const last = Math.floor(end / span) * span;
  // Within one huge page, the kernel counts fewer than none that are to be had.
  if (last < first) return EINVAL;
  let failed: Scan = Scan.SUCCEED;
  for (let at = first; at < last; at += span) {
    const result = yield* collapseAt(task, at);
    if (result === Scan.SUCCEED || result === Scan.PMD_MAPPED) continue;
    failed = result;
    if (isFinal(result)) break;
    const isHole = result === Scan.PMD_NULL && vma.file === undefined;
    // Alone, nobody fills what has no PMD table: all of it fails alike.
    if (ENTRIES_AT_ONCE > 1 && isHole) {
      at = (yield* findMapped(machine, task.mm, at + span, last, 2)) - span;
    }
  }
  return failed === Scan.SUCCEED ? 0 : errnoOf(failed);
}

/** Called under the mmap lock. It is dropped meanwhile: the VMA is looked up each time. */
function* collapseAt(task: Task, start: number): Op<Scan> {
  const { machine, cpu, mm } = task;
  yield reading(machine.objects.tree(mm.id));
  const vma = mm.vmas.at(start);
  const isPlace = vma !== undefined && isAllowed(machine, vma);
  if (!isPlace || !holdsHugePage(machine, vma, start)) return Scan.VMA_CHECK;
  const inode = vma.file?.inode;
  const index = pgoffAt(vma, start);
  if (inode !== undefined) yield* getInode(task, inode);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  const result =
    inode === undefined
      ? yield* collapseHugePage(task, start)
      : yield* collapseFile(task, inode, index, NO_LIMITS);
  if (inode !== undefined) yield* closeInode(task, inode);
  yield* mmapReadLock(machine, cpu, mm.id);
  return result === Scan.PTE_MAPPED_HUGEPAGE ? yield* collapsePteMapped(task, start) : result;
}

/** Memory that is a file may be collapsed, too, whatever the settings say. */
function isAllowed(machine: Machine, vma: Vma): boolean {
  if ((vma.flags & (VM_SPECIAL | VM.HUGETLB)) !== 0) return false;
  if (vma.file === undefined) return mayCollapse(machine, vma) && vma.anonVma !== undefined;
  return (
    machine.format.mayHoldLeaf(1) &&
    (vma.flags & VM.NOHUGEPAGE) === 0 &&
    isMemory(vma.file.inode) &&
    (vma.start - vma.pgoff) % hugePages(machine) === 0
  );
}

/**
 * Whether there is a place for a huge page. What ends below the first such place passes, too: the
 * kernel's address of it wraps around.
 *
 * @source mm/huge_memory.c __thp_vma_allowable_orders(), thp_vma_suitable_order() (Linux 6.18)
 */
function hasPlace({ start, end }: Vma, span: number): boolean {
  return end < span || Math.floor(end / span) * span - span >= start;
}

/** Whether what comes behind is not tried. */
function isFinal(reason: Scan): boolean {
  return !GONE_PAST.includes(reason);
}

const GONE_PAST: readonly Scan[] = [
  Scan.PMD_NULL,
  Scan.PTE_NON_PRESENT,
  Scan.PTE_UFFD_WP,
  Scan.PAGE_NULL,
  Scan.PAGE_COUNT,
  Scan.PAGE_LOCK,
];

/** @source mm/khugepaged.c madvise_collapse_errno() */
function errnoOf(reason: Scan): number {
  if (reason === Scan.ALLOC_HUGE_PAGE_FAIL) return ENOMEM;
  if (reason === Scan.EXCEED_NONE_PTE) return EBUSY;
  return reason === Scan.PAGE_COUNT || reason === Scan.PAGE_LOCK ? EAGAIN : EINVAL;
}
