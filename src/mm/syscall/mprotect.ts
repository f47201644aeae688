/** mprotect(2). */

import { EACCES, EINVAL, ENOMEM } from '../errno.ts';
import type { AddressSpace } from './address_space.ts';
import { populate } from './fault.ts';
import { isPageAligned, pageOf, pagesOf, wrap } from './pages.ts';
import { isAnonymous, VM, VM_ACCESS, type Vma } from './vma.ts';
import { modifyFlags } from './vma_merge.ts';

const PROT_SEM = 0x8;
const PROT_GROWSDOWN = 0x1000000;
const PROT_GROWSUP = 0x2000000;

/**
 * What comes before a refusal stays done.
 *
 * @returns 0 or a negative errno
 */
export function mprotect(
  space: AddressSpace,
  address: number,
  length: number,
  prot: number,
): number {
  const grows = prot & (PROT_GROWSDOWN | PROT_GROWSUP);
  if (grows === (PROT_GROWSDOWN | PROT_GROWSUP)) return EINVAL;
  if (!isPageAligned(address)) return EINVAL;
  if (length === 0) return 0;
  const start = pageOf(address);
  const end = wrap(start + pagesOf(length));
  if (end <= start) return ENOMEM;
  if (prot & ~(VM_ACCESS | PROT_SEM | grows)) return EINVAL;
  const first = space.vmas.find(start);
  if (first === undefined) return ENOMEM;
  if (grows === PROT_GROWSDOWN) {
    if (first.start >= end) return ENOMEM;
    if ((first.flags & VM.GROWSDOWN) === 0) return EINVAL;
    return protectRange(space, first.start, end, prot & VM_ACCESS);
  }
  if (first.start > start) return ENOMEM;
  if (grows === PROT_GROWSUP) return EINVAL;
  return protectRange(space, start, end, prot & VM_ACCESS);
}

function protectRange(space: AddressSpace, start: number, end: number, access: number): number {
  for (let at = start; at < end; ) {
    const vma = space.vmas.at(at);
    if (vma === undefined) return ENOMEM;
    const partEnd = Math.min(end, vma.end);
    const error = protectPart(space, vma, at, partEnd, access);
    if (error < 0) return error;
    at = partEnd;
  }
  return 0;
}

function protectPart(
  space: AddressSpace,
  vma: Vma,
  start: number,
  end: number,
  access: number,
): number {
  const old = vma.flags;
  let flags = (old & ~VM_ACCESS) | access;
  // Each right needs the one four bits above it, which says that it may be had.
  if (access & ~(old >> 4) & VM_ACCESS) return EACCES;
  if (flags === old) return 0;
  if (flags & VM.WRITE) {
    // A promise is made once: for what becomes writable, and kept for what was.
    if ((old & (VM.ACCOUNT | VM.WRITE | VM.SHARED | VM.NORESERVE)) === 0) {
      if (!space.canCommit(end - start)) return ENOMEM;
      flags |= VM.ACCOUNT;
    }
  } else if (isAnonymous(vma) && vma.anonVma === undefined) flags &= ~VM.ACCOUNT;
  if (modifyFlags(space, vma, start, end, flags) === undefined) return ENOMEM;
  const wasLockedUnwritten = (old & (VM.WRITE | VM.SHARED | VM.LOCKED)) === VM.LOCKED;
  if (wasLockedUnwritten && flags & VM.WRITE) populate(space, start, end);
  return 0;
}
