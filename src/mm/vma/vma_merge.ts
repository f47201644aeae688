/** When neighbours become one. */
import { type AddressSpace, splitVma } from './address_space.ts';
import type { AnonVma, MappedFile, Vma } from './vma.ts';

/** What a VMA to be would look like. */
export interface Proposal {
  readonly start: number;
  readonly end: number;
  readonly flags: number;
  readonly file: MappedFile | undefined;
  readonly pgoff: number;
  readonly anonVma: AnonVma | undefined;
}

function areCompatible(a: AnonVma | undefined, b: AnonVma | undefined): boolean {
  return a === undefined || b === undefined || a === b;
}

/** Whether `lower` and `upper`, which touch, can be one. */
function canJoin(lower: Proposal, upper: Proposal): boolean {
  return (
    lower.end === upper.start &&
    lower.flags === upper.flags &&
    lower.file === upper.file &&
    lower.pgoff + (lower.end - lower.start) === upper.pgoff &&
    areCompatible(lower.anonVma, upper.anonVma)
  );
}

/**
 * Maps free space by growing a neighbour, or two into one.
 *
 * @returns the VMA that now has the space, or `undefined` if a new one is needed
 */
export function mergeNew(space: AddressSpace, proposal: Proposal): Vma | undefined {
  const { start, end, anonVma } = proposal;
  const { vmas } = space;
  const previous = vmas.below(start);
  const next = vmas.find(end);
  const left = previous !== undefined && canJoin(previous, proposal) ? previous : undefined;
  const isRight =
    next !== undefined &&
    canJoin(proposal, next) &&
    (left === undefined || areCompatible(left.anonVma, next.anonVma));
  if (left === undefined) {
    if (!isRight) return undefined;
    growDown(space, next, start);
    next.anonVma ??= anonVma;
    return next;
  }
  left.anonVma ??= anonVma;
  if (isRight) absorb(space, left, next);
  else vmas.resize(left, left.start, end);
  return left;
}

/** Like `mergeNew()` with the VMA below only. */
export function extend(space: AddressSpace, previous: Vma, proposal: Proposal): boolean {
  if (!canJoin(previous, proposal)) return false;
  space.vmas.resize(previous, previous.start, proposal.end);
  return true;
}

/**
 * Gives the part `[start, end)` of `vma` other flags. It joins neighbours that now look the same;
 * otherwise it is split off.
 *
 * @returns the VMA that now has the part, or `undefined` if there may be no more VMAs
 */
export function modifyFlags(
  space: AddressSpace,
  vma: Vma,
  start: number,
  end: number,
  flags: number,
): Vma | undefined {
  const merged = mergeExisting(space, vma, start, end, flags);
  if (merged !== undefined) return merged;
  let part = vma;
  if (part.start < start) {
    if (space.isFull) return undefined;
    part = splitVma(space, part, start);
  }
  if (part.end > end) {
    if (space.isFull) return undefined;
    splitVma(space, part, end);
  }
  part.flags = flags;
  return part;
}

function mergeExisting(
  space: AddressSpace,
  vma: Vma,
  start: number,
  end: number,
  flags: number,
): Vma | undefined {
  const { vmas } = space;
  const part: Proposal = { ...vma, start, end, flags, pgoff: vma.pgoff + start - vma.start };
  const previous = vma.start === start ? vmas.previous(vma) : undefined;
  const next = vma.end === end ? vmas.next(vma) : undefined;
  const left = previous !== undefined && canJoin(previous, part) ? previous : undefined;
  const right = next !== undefined && canJoin(part, next) ? next : undefined;
  if (left !== undefined) {
    left.anonVma ??= vma.anonVma;
    const isBoth = right !== undefined && areCompatible(left.anonVma, right.anonVma);
    if (vma.end === end) vmas.remove(vma);
    else cutBelow(space, vma, end);
    if (isBoth) absorb(space, left, right);
    else vmas.resize(left, left.start, end);
    return left;
  }
  if (right === undefined) return undefined;
  right.anonVma ??= vma.anonVma;
  if (vma.start === start) vmas.remove(vma);
  else vmas.resize(vma, vma.start, start);
  growDown(space, right, start);
  return right;
}

/** Lets `lower` reach to the end of `upper`. */
function absorb(space: AddressSpace, lower: Vma, upper: Vma): void {
  lower.anonVma ??= upper.anonVma;
  space.vmas.remove(upper);
  space.vmas.resize(lower, lower.start, upper.end);
}

function growDown(space: AddressSpace, vma: Vma, start: number): void {
  vma.pgoff -= vma.start - start;
  space.vmas.resize(vma, start, vma.end);
}

/** Lets a VMA start at `page`. */
export function cutBelow(space: AddressSpace, vma: Vma, page: number): void {
  vma.pgoff += page - vma.start;
  space.vmas.resize(vma, page, vma.end);
}
