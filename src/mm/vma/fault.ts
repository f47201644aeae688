/** What faults do to VMAs: the first private page gives an identity, and stacks grow. */
import type { AddressSpace } from './address_space.ts';
import { type AnonVma, isAccessible, STACK_GUARD_PAGES, VM, VM_ACCESS, type Vma } from './vma.ts';
import { cutBelow } from './vma_merge.ts';

/** To be called before a private page is made at `page`, by a write or by copying one. */
export function noteWriteFault(space: AddressSpace, page: number): void {
  const vma = space.vmas.at(page);
  if (vma !== undefined && (vma.flags & VM.SHARED) === 0) prepareAnonVma(space, vma);
}

/** A neighbour's identity is taken where that lets the two merge one day. */
function prepareAnonVma(space: AddressSpace, vma: Vma): void {
  if (vma.anonVma !== undefined) return;
  const next = space.vmas.next(vma);
  const previous = space.vmas.previous(vma);
  vma.anonVma =
    (next && identityAcross(vma, next, next)) ??
    (previous && identityAcross(previous, vma, previous)) ??
    space.newAnonVma();
}

/** The identity of `owner`, if its VMAs could be one but for their rights. */
function identityAcross(lower: Vma, upper: Vma, owner: Vma): AnonVma | undefined {
  const isAlike =
    lower.end === upper.start &&
    lower.file === upper.file &&
    ((lower.flags ^ upper.flags) & ~VM_ACCESS) === 0 &&
    upper.pgoff === lower.pgoff + (lower.end - lower.start);
  return isAlike ? owner.anonVma : undefined;
}

/**
 * Faults all of `[start, end)` in, as mmap(2) and mlock(2) do. What cannot be accessed is passed
 * over, unless that `isStrict`.
 *
 * @returns whether all could be accessed
 */
export function populate(
  space: AddressSpace,
  start: number,
  end: number,
  isStrict = false,
): boolean {
  for (const vma of space.vmas.within(start, end)) {
    if (vma.flags & VM.LOCKONFAULT) continue;
    if ((vma.flags & (VM.WRITE | VM.SHARED)) === VM.WRITE) prepareAnonVma(space, vma);
    const last = vma.pgoff + Math.min(end, vma.end) - vma.start;
    const isWhole = vma.file === undefined || last <= vma.file.object.pages;
    if (isStrict && !(isAccessible(vma) && isWhole)) return false;
  }
  return true;
}

/**
 * The VMA that a touch of `page` meets: one that is there, or a stack above it that grows down.
 *
 * @returns `undefined` if there is none
 */
export function findForTouch(space: AddressSpace, page: number): Vma | undefined {
  const vma = space.vmas.find(page);
  if (vma === undefined || vma.start <= page) return vma;
  if ((vma.flags & VM.GROWSDOWN) === 0) return undefined;
  const { minAddress, stackLimit } = space.layout;
  if (page < minAddress) return undefined;
  const below = space.vmas.previous(vma);
  const isNear = below !== undefined && page - below.end < STACK_GUARD_PAGES;
  if (isNear && (below.flags & VM.GROWSDOWN) === 0 && isAccessible(below)) return undefined;
  prepareAnonVma(space, vma);
  if (vma.end - page > stackLimit || vma.pgoff < vma.start - page) return undefined;
  cutBelow(space, vma, page);
  return vma;
}
