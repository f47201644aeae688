/**
 * The end of an address space: when its last user has left, everything in it goes.
 *
 * @source kernel/fork.c mmput(), mm/mmap.c exit_mmap() (Linux 6.18)
 * @omits  asynchronous reaping after an out-of-memory kill, CPUs in lazy TLB mode
 */
import { Change } from '../design/design.ts';
import { beforeChange, exitTask, taskWork } from '../design/seams.ts';
import { isHugetlb } from '../hugetlb/hstate.ts';
import { unmapHugetlbVma } from '../hugetlb/zap.ts';
import { notifierRelease } from '../notifier/notifier.ts';
import { freePgtables } from '../table/free_pgtables.ts';
import { tlbFinishMmu, tlbGatherMmu } from '../table/mmu_gather.ts';
import { unmapVmaRange } from '../table/zap.ts';
import type { Task } from '../task.ts';
import { detachVma, freeVma, vmaStartWrite } from '../vma/vma_lock.ts';
import { dropVma } from '../vma/vma_merge.ts';
import { mmapReadLock, mmapReadUnlock, mmapWriteLock, mmapWriteUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';
import { writing } from '../world/point.ts';
import { freeTable } from '../world/table_page.ts';
import { NONE } from '../world/world.ts';

/** A task ends. With the last one of its address space, that is given back. */
export function* exit(task: Task): Op<void> {
  yield writing(task.machine.objects.cpuMask(task.mm.id));
  task.mm.users--;
  if (task.mm.users === 0) yield* exitMm(task);
  if (task.machine.designs.length === 0) return;
  yield* exitTask(task);
  yield* taskWork(task);
}

/**
 * Gives an address space back that nobody uses any more.
 *
 * Pages go under the mmap lock for reading, tables for writing. Reverse maps may still come by until
 * the VMAs are out of their lists, so those leave them before the tables are freed.
 *
 * @locks mmap (read), then mmap (write), each VMA (write), and what unmapping needs
 */
export function* exitMm(task: Task): Op<void> {
  const { machine, cpu, mm } = task;
  yield* notifierRelease(task, mm);
  const vmas = mm.vmas.all();
  yield* tlbGatherMmu(machine, cpu, mm.id);
  yield* mmapReadLock(machine, cpu, mm.id);
  if (machine.designs.length > 0) {
    for (const vma of vmas) yield* beforeChange(task, vma, vma.start, vma.end, Change.UNMAP);
  }
  for (const vma of vmas) {
    if (isHugetlb(vma)) yield* unmapHugetlbVma(task, vma);
    else yield* unmapVmaRange(task, vma, vma.start, vma.end);
  }
  yield* mmapReadUnlock(machine, cpu, mm.id);
  yield* mmapWriteLock(machine, cpu, mm.id);
  for (const vma of vmas) {
    yield* vmaStartWrite(machine, mm, vma);
    yield* detachVma(machine, cpu, mm, vma);
    yield* dropVma(task, vma);
  }
  for (const [index, { start, end }] of vmas.entries()) {
    // A table that spans the next VMA, too, goes with that.
    const ceiling = vmas[index + 1]?.start ?? Number.POSITIVE_INFINITY;
    yield* freePgtables(task, start, end, { floor: 0, ceiling });
  }
  for (const vma of vmas) freeVma(vma);
  yield* tlbFinishMmu(machine, cpu, mm.id);
  yield* mmapWriteUnlock(machine, cpu, mm.id);
  yield writing(machine.objects.cpuMask(mm.id));
  machine.mmCpus[mm.id] = 0;
  machine.trace?.tableUnlink(mm.id, mm.root, NONE, 0);
  machine.tableMm[mm.root] = NONE;
  yield* freeTable(machine, cpu, mm.root);
  machine.hugetlb.departedPages += mm.hugetlbPages;
  machine.mms.remove(cpu, mm.id);
}
