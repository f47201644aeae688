/** msync(2), but for the writing. */

import type { Task } from '../task.ts';
import type { Mm } from '../vma/mm.ts';
import { asInt, isPageAligned, pageOf, pagesOf, wrap } from '../vma/pages.ts';
import { VM } from '../vma/vma.ts';
import { EBUSY, EINVAL, ENOMEM } from '../world/errno.ts';
import { mmapReadLock, mmapReadUnlock } from '../world/lock.ts';
import type { Op } from '../world/op.ts';

const MS = { ASYNC: 1, INVALIDATE: 2, SYNC: 4 } as const;

/** @returns 0 or a negative errno */
export function* msync(task: Task, address: number, length: number, how: number): Op<number> {
  const flags = asInt(how);
  if (flags & ~(MS.ASYNC | MS.INVALIDATE | MS.SYNC)) return EINVAL;
  if (!isPageAligned(address)) return EINVAL;
  if (flags & MS.ASYNC && flags & MS.SYNC) return EINVAL;
  const start = pageOf(address);
  const end = wrap(start + pagesOf(length));
  if (end < start) return ENOMEM;
  const { machine, cpu, mm } = task;
  yield* mmapReadLock(machine, cpu, mm.id);
  const result = checkRange(mm, start, end, flags);
  yield* mmapReadUnlock(machine, cpu, mm.id);
  return result;
}

function checkRange(mm: Mm, start: number, end: number, flags: number): number {
  let at = start;
  let isWhole = true;
  for (const vma of mm.vmas.within(start, end)) {
    if (vma.start > at) isWhole = false;
    // Nothing is written at once, so that a hole is all there is to report.
    if (!isWhole && flags === MS.ASYNC) break;
    if (flags & MS.INVALIDATE && vma.flags & VM.LOCKED) return EBUSY;
    at = vma.end;
  }
  return isWhole && at >= end ? 0 : ENOMEM;
}
