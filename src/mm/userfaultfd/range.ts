/** Checks of the ranges that ioctls get, in bytes. */
import { EINVAL } from '../../uapi/errno.ts';
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { Mm } from '../vma/mm.ts';
import { isPageAligned, pageOf } from '../vma/pages.ts';

/** Pages `[start, end)`. */
export interface PageRange {
  readonly start: number;
  readonly end: number;
}

/** @returns 0 or EINVAL. @source fs/userfaultfd.c validate_unaligned_range() (Linux 6.18) */
export function checkUnaligned(mm: Mm, start: number, length: number): number {
  const { taskSize } = mm.layout;
  if (!isPageAligned(length) || length <= 0) return EINVAL;
  // Measured: vm.mmap_min_addr is not asked for.
  if (start < 0 || start >= taskSize * PAGE_BYTES) return EINVAL;
  return length > taskSize * PAGE_BYTES - start ? EINVAL : 0;
}

/** @returns the pages, or `undefined` for EINVAL. @source validate_range() */
export function pagesIn(mm: Mm, start: number, length: number): PageRange | undefined {
  if (!isPageAligned(start) || checkUnaligned(mm, start, length) < 0) return undefined;
  return { start: pageOf(start), end: pageOf(start) + length / PAGE_BYTES };
}
