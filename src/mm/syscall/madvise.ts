/** The advice of madvise(2) that is a flag of VMAs. */

import { EAGAIN, EINVAL, ENOMEM } from '../errno.ts';
import type { AddressSpace } from './address_space.ts';
import { isPageAligned, pageOf, pagesOf, wrap } from './pages.ts';
import { isAnonymous, VM, type Vma } from './vma.ts';
import { modifyFlags } from './vma_merge.ts';

/** @source uapi/asm-generic/mman-common.h */
const MADV = {
  NORMAL: 0,
  RANDOM: 1,
  SEQUENTIAL: 2,
  DONTFORK: 10,
  DOFORK: 11,
  HUGEPAGE: 14,
  NOHUGEPAGE: 15,
  DONTDUMP: 16,
  DODUMP: 17,
  WIPEONFORK: 18,
  KEEPONFORK: 19,
} as const;

interface FlagChange {
  readonly clear: number;
  readonly set: number;
}

const CHANGES: ReadonlyMap<number, FlagChange> = new Map([
  [MADV.NORMAL, { clear: VM.RAND_READ | VM.SEQ_READ, set: 0 }],
  [MADV.RANDOM, { clear: VM.SEQ_READ, set: VM.RAND_READ }],
  [MADV.SEQUENTIAL, { clear: VM.RAND_READ, set: VM.SEQ_READ }],
  [MADV.DONTFORK, { clear: 0, set: VM.DONTCOPY }],
  [MADV.DOFORK, { clear: VM.DONTCOPY, set: 0 }],
  [MADV.HUGEPAGE, { clear: VM.NOHUGEPAGE, set: VM.HUGEPAGE }],
  [MADV.NOHUGEPAGE, { clear: VM.HUGEPAGE, set: VM.NOHUGEPAGE }],
  [MADV.DONTDUMP, { clear: 0, set: VM.DONTDUMP }],
  [MADV.DODUMP, { clear: VM.DONTDUMP, set: 0 }],
  [MADV.WIPEONFORK, { clear: 0, set: VM.WIPEONFORK }],
  [MADV.KEEPONFORK, { clear: VM.WIPEONFORK, set: 0 }],
]);

/**
 * Holes are reported after everything else is done.
 *
 * @param advice a flag; any other number is taken for unknown
 * @returns 0 or a negative errno
 */
export function adviseFlags(
  space: AddressSpace,
  address: number,
  length: number,
  advice: number,
): number {
  const change = CHANGES.get(advice);
  if (change === undefined || !isPageAligned(address)) return EINVAL;
  const start = pageOf(address);
  const pages = pagesOf(length);
  const end = wrap(start + pages);
  if ((length !== 0 && pages === 0) || end < start) return EINVAL;
  let at = start;
  let isWhole = true;
  while (at < end) {
    const vma = space.vmas.find(at);
    if (vma === undefined || vma.start >= end) return ENOMEM;
    if (vma.start > at) isWhole = false;
    const partEnd = Math.min(end, vma.end);
    const error = changePart(space, vma, Math.max(at, vma.start), partEnd, change);
    if (error < 0) return error;
    at = partEnd;
  }
  return isWhole ? 0 : ENOMEM;
}

function changePart(
  space: AddressSpace,
  vma: Vma,
  start: number,
  end: number,
  { clear, set }: FlagChange,
): number {
  const isPrivateAnonymous = isAnonymous(vma) && (vma.flags & VM.SHARED) === 0;
  if (set === VM.WIPEONFORK && !isPrivateAnonymous) return EINVAL;
  const flags = (vma.flags & ~clear) | set;
  if (flags === vma.flags) return 0;
  return modifyFlags(space, vma, start, end, flags) === undefined ? EAGAIN : 0;
}
