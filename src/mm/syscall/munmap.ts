/** munmap(2). */

import { EINVAL, ENOMEM } from '../errno.ts';
import { type AddressSpace, splitVma } from './address_space.ts';
import { isPageAligned, pageOf, pagesOf } from './pages.ts';

/** @returns 0 or a negative errno */
export function munmap(space: AddressSpace, address: number, length: number): number {
  if (!isPageAligned(address)) return EINVAL;
  return unmapPages(space, pageOf(address), pagesOf(length));
}

/** @returns 0 or a negative errno */
export function unmapPages(space: AddressSpace, start: number, pages: number): number {
  const { taskSize } = space.layout;
  if (start > taskSize || pages > taskSize - start || pages === 0) return EINVAL;
  if (!splitAt(space, start, start + pages)) return ENOMEM;
  removeWithin(space, start, start + pages);
  return 0;
}

/**
 * Lets VMAs end at `start` and at `end`, so that those between can go.
 *
 * @returns false if a VMA would become two that may not
 */
export function splitAt(space: AddressSpace, start: number, end: number): boolean {
  const first = space.vmas.at(start);
  if (first !== undefined && first.start < start) {
    // Only the middle of a VMA leaves more VMAs than there were.
    if (end < first.end && space.isFull) return false;
    splitVma(space, first, start);
  }
  const last = space.vmas.at(end);
  if (last !== undefined && last.start < end) splitVma(space, last, end);
  return true;
}

export function removeWithin(space: AddressSpace, start: number, end: number): void {
  for (const vma of space.vmas.within(start, end)) space.vmas.remove(vma);
}
