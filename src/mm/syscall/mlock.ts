/** The mlock(2) family, for those who may lock all they like (CAP_IPC_LOCK). */

import { EINVAL, ENOMEM } from '../errno.ts';
import type { AddressSpace } from './address_space.ts';
import { populate } from './fault.ts';
import { PAGE_BYTES, pageOf, pagesOf, wrap } from './pages.ts';
import { VM } from './vma.ts';
import { modifyFlags } from './vma_merge.ts';

const MLOCK_ONFAULT = 1;
const MCL = { CURRENT: 1, FUTURE: 2, ONFAULT: 4 } as const;
const LOCKS = VM.LOCKED | VM.LOCKONFAULT;

/** @returns 0 or a negative errno */
export function mlock(space: AddressSpace, address: number, length: number): number {
  return lock(space, address, length, VM.LOCKED);
}

/** @returns 0 or a negative errno */
export function mlock2(
  space: AddressSpace,
  address: number,
  length: number,
  flags: number,
): number {
  if (flags & ~MLOCK_ONFAULT) return EINVAL;
  return lock(space, address, length, flags & MLOCK_ONFAULT ? LOCKS : VM.LOCKED);
}

/** @returns 0 or a negative errno */
export function munlock(space: AddressSpace, address: number, length: number): number {
  const { start, end } = pagesTouched(address, length);
  return setLocks(space, start, end, 0);
}

/** @returns 0 or a negative errno */
export function mlockall(space: AddressSpace, flags: number): number {
  const known = MCL.CURRENT | MCL.FUTURE | MCL.ONFAULT;
  if (flags === 0 || flags & ~known || flags === MCL.ONFAULT) return EINVAL;
  const locks = flags & MCL.ONFAULT ? LOCKS : VM.LOCKED;
  space.defaultFlags = flags & MCL.FUTURE ? locks : 0;
  if (flags & MCL.CURRENT) {
    setAllLocks(space, locks);
    populate(space, 0, space.layout.taskSize);
  }
  return 0;
}

/** @returns 0 */
export function munlockall(space: AddressSpace): number {
  space.defaultFlags = 0;
  setAllLocks(space, 0);
  return 0;
}

function lock(space: AddressSpace, address: number, length: number, locks: number): number {
  const { start, end } = pagesTouched(address, length);
  const error = setLocks(space, start, end, locks);
  if (error < 0) return error;
  return populate(space, start, end, true) ? 0 : ENOMEM;
}

/** All pages of a range, whether it starts with one or within one. */
function pagesTouched(address: number, length: number): { start: number; end: number } {
  const start = pageOf(address);
  const offset = address - Math.floor(address / PAGE_BYTES) * PAGE_BYTES;
  return { start, end: wrap(start + pagesOf(length + offset)) };
}

/** What comes before a hole stays changed. */
function setLocks(space: AddressSpace, start: number, end: number, locks: number): number {
  if (end < start) return EINVAL;
  for (let at = start; at < end; ) {
    const vma = space.vmas.at(at);
    if (vma === undefined) return ENOMEM;
    const partEnd = Math.min(end, vma.end);
    const flags = (vma.flags & ~LOCKS) | locks;
    if (flags !== vma.flags && modifyFlags(space, vma, at, partEnd, flags) === undefined) {
      return ENOMEM;
    }
    at = partEnd;
  }
  return 0;
}

function setAllLocks(space: AddressSpace, locks: number): void {
  for (const { start, end } of space.vmas.all()) setLocks(space, start, end, locks);
}
