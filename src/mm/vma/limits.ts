/** RLIMIT_AS and RLIMIT_DATA: what an address space may grow to. */
import { PAGE_BYTES } from '../../uapi/mman.ts';
import type { Mm } from './mm.ts';
import { VM, type Vma } from './vma.ts';

/**
 * Whether `pages` more with these flags keep within the limits. Called under the mmap lock.
 *
 * @source mm/mmap.c may_expand_vm() (Linux 6.18)
 * @omits  that what valgrind maps is let through while RLIMIT_DATA is 0
 */
export function mayExpand({ vmas, layout }: Mm, flags: number, pages: number): boolean {
  const { addressSpaceLimit, dataLimit } = layout;
  if (addressSpaceLimit === undefined && dataLimit === undefined) return true;
  let [all, data] = [pages, isData(flags) ? pages : 0];
  for (const vma of vmas.all()) {
    const size = vma.end - vma.start;
    all += size;
    if (isData(vma.flags)) data += size;
  }
  const isWithin = (size: number, limit = Number.POSITIVE_INFINITY): boolean =>
    size <= Math.floor(limit / PAGE_BYTES);
  return isWithin(all, addressSpaceLimit) && (!isData(flags) || isWithin(data, dataLimit));
}

/**
 * Whether pages that are mapped may have other flags: what becomes data counts once more.
 *
 * @source mm/mprotect.c mprotect_fixup() (Linux 6.18)
 */
export function mayBecome(mm: Mm, old: number, flags: number, pages: number): boolean {
  return (flags & VM.WRITE) === 0 || mayExpand(mm, flags, pages) || !mayExpand(mm, old, pages);
}

/** Private, writable, and no stack. */
const isData = (flags: Vma['flags']): boolean =>
  (flags & (VM.WRITE | VM.SHARED | VM.GROWSDOWN)) === VM.WRITE;

/** Pages of `[start, end)` that are mapped. */
export function mappedWithin({ vmas }: Mm, start: number, end: number): number {
  let pages = 0;
  for (const vma of vmas.within(start, end)) {
    pages += Math.min(end, vma.end) - Math.max(start, vma.start);
  }
  return pages;
}
