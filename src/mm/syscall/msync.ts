/** msync(2), but for the writing. */

import { EBUSY, EINVAL, ENOMEM } from '../errno.ts';
import type { AddressSpace } from './address_space.ts';
import { isPageAligned, pageOf, pagesOf, wrap } from './pages.ts';
import { VM } from './vma.ts';

const MS = { ASYNC: 1, INVALIDATE: 2, SYNC: 4 } as const;

/** @returns 0 or a negative errno */
export function msync(space: AddressSpace, address: number, length: number, flags: number): number {
  if (flags & ~(MS.ASYNC | MS.INVALIDATE | MS.SYNC)) return EINVAL;
  if (!isPageAligned(address)) return EINVAL;
  if (flags & MS.ASYNC && flags & MS.SYNC) return EINVAL;
  const start = pageOf(address);
  const end = wrap(start + pagesOf(length));
  if (end < start) return ENOMEM;
  let at = start;
  let isWhole = true;
  for (const vma of space.vmas.within(start, end)) {
    if (vma.start > at) isWhole = false;
    // Nothing is written at once, so that a hole is all there is to report.
    if (!isWhole && flags === MS.ASYNC) break;
    if (flags & MS.INVALIDATE && vma.flags & VM.LOCKED) return EBUSY;
    at = vma.end;
  }
  return isWhole && at >= end ? 0 : ENOMEM;
}
