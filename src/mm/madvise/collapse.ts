/**
 * MADV_COLLAPSE: small pages become huge ones, whatever the settings say.
 *
 * @source mm/khugepaged.c madvise_collapse() (Linux 6.18)
 * @omits  files: where there is something to collapse in one of memory, it is refused (EINVAL)
 */
import { isMemory } from '../file/inode.ts';
import { collapseHugePage, mayCollapse, Scan } from '../huge/collapse.ts';
import { hugePages } from '../huge/huge_memory.ts';
import type { Machine } from '../machine.ts';
import type { Task } from '../task.ts';
import { VM, VM_SPECIAL, type Vma } from '../vma/vma.ts';
import { EAGAIN, EINVAL, ENOMEM } from '../world/errno.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

/**
 * What cannot be collapsed is gone past; the last reason is reported.
 *
 * Called under the mmap lock, for reading, which is dropped and taken again.
 *
 * @returns 0 or a negative errno
 */
export function* adviseCollapse(task: Task, vma: Vma, start: number, end: number): Op<number> {
  const { machine, cpu, mm } = task;
  const span = hugePages(machine);
  if (!isAllowed(machine, vma) || !holdsHugePage(vma, span)) return EINVAL;
  const first = Math.ceil(start / span) * span;
  const last = Math.floor(end / span) * span;
  // Within one huge page, the kernel counts fewer than none that are to be had.
  if (last < first) return EINVAL;
  let failed: Scan = Scan.SUCCEED;
  if (vma.file !== undefined && first < last) return EINVAL;
  for (let at = first; at < last; at += span) {
    yield* mmapReadUnlock(machine, cpu, mm.id);
    const result = yield* collapseHugePage(task, at);
    yield* mmapReadLock(machine, cpu, mm.id);
    if (result === Scan.SUCCEED || result === Scan.PMD_MAPPED) continue;
    failed = result;
    if (isFinal(result)) break;
  }
  return failed === Scan.SUCCEED ? 0 : errnoOf(failed);
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
function holdsHugePage({ start, end }: Vma, span: number): boolean {
  return end < span || Math.floor(end / span) * span - span >= start;
}

/** Whether what comes behind is not tried. */
function isFinal(reason: Scan): boolean {
  return reason !== Scan.PMD_NULL && reason !== Scan.PAGE_COUNT;
}

/** @source mm/khugepaged.c madvise_collapse_errno() */
function errnoOf(reason: Scan): number {
  if (reason === Scan.ALLOC_HUGE_PAGE_FAIL) return ENOMEM;
  return reason === Scan.PAGE_COUNT ? EAGAIN : EINVAL;
}
