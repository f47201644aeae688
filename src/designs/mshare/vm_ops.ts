/** What is different with the VMA of an attached region. @source v3 07/22, 13/22 msharefs_vm_ops */
import type { VmOps } from '../../mm/design/design.ts';
import { unmapPageRange, Zap } from '../../mm/table/zap.ts';
import type { Task } from '../../mm/task.ts';
import { VM, type Vma } from '../../mm/vma/vma.ts';
import { mmapReadLockNested, mmapReadUnlockNested } from '../../mm/world/lock.ts';
import type { Op } from '../../mm/world/op.ts';
import { reading } from '../../mm/world/point.ts';
import { EFAULT } from '../../uapi/errno.ts';
import { place } from './attach.ts';
import { faultElsewhere, redirectFault } from './fault.ts';
import { unlinkRange } from './link.ts';
import { hostPage, inHost, regionOf } from './region.ts';
import type { MshareVariant } from './variant.ts';

export function vmOps(variant: MshareVariant): VmOps {
  return {
    vmFlags: VM.DONTEXPAND,
    maySplit: false,
    mayProtect: false,
    mayMove: variant.move === 'generic',
    place: (task, file, request) => place(variant, task, file, request),
    userFault: (task, vma, page, access) => redirectFault(variant, task, vma, page, access),
    fault: (task, _vma, page, access) => faultElsewhere(task, page, access),
    gup: (task, vma, page, follow) => gup(variant, task, vma, page, follow),
    mayAdvise: variant.advice === 'generic',
    unmap: (task, _vma, start, end, zap) => unmap(variant, task, start, end, zap),
  };
}

/** Nothing that the region has goes, unless it is zapped as in any VMA. */
function* unmap(
  variant: MshareVariant,
  task: Task,
  start: number,
  end: number,
  zap: number,
): Op<void> {
  const isAdvice = (zap & Zap.DROP_MARKERS) === 0;
  if (isAdvice && variant.dontneed === 'generic') yield* unmapPageRange(task, start, end, zap);
  else if (variant.unlink !== 'free-pgtables') yield* unlinkRange(variant, task, start, end);
}

type Follow = (task: Task, vma: Vma, page: number) => Op<number>;

/**
 * The locks of the guest keep nothing of the host: tables may be freed under a walk that has only those.
 *
 * @source Jann Horn on v2 12/20, 30 May 2025
 */
function* gup(
  variant: MshareVariant,
  task: Task,
  vma: Vma,
  page: number,
  follow: Follow,
): Op<number> {
  if (variant.gup === 'refused') return EFAULT;
  if (variant.gup === 'guest-locks') return yield* follow(task, vma, page);
  const { machine, cpu } = task;
  const region = regionOf(machine, vma);
  const host = inHost(task, region);
  const at = hostPage(machine, vma, page);
  yield* mmapReadLockNested(machine, cpu, region.host);
  yield reading(machine.objects.tree(region.host));
  const found = host.mm.vmas.at(at);
  const result = found === undefined ? EFAULT : yield* follow(host, found, at);
  yield* mmapReadUnlockNested(machine, region.host);
  return result;
}
