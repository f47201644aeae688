/** brk(2). */
import type { AddressSpace } from './address_space.ts';
import { populate } from './fault.ts';
import { unmapPages } from './munmap.ts';
import { PAGE_BYTES, pagesOf } from './pages.ts';
import { startWithGap, VM, VM_MAY_ACCESS } from './vma.ts';
import { extend, type Proposal } from './vma_merge.ts';

/** @returns the break in bytes: the new one, or the old one if that could not be had */
export function brk(space: AddressSpace, address: number): number {
  if (address >= space.layout.brkStartBytes && moveBreak(space, address)) space.brkBytes = address;
  return space.brkBytes;
}

function moveBreak(space: AddressSpace, address: number): boolean {
  const { taskSize } = space.layout;
  const oldEnd = pagesOf(space.brkBytes);
  const newEnd = pagesOf(address);
  if (newEnd === oldEnd) return true;
  if (address <= space.brkBytes) {
    const first = space.vmas.find(newEnd);
    if (first === undefined || first.start >= oldEnd) return false;
    return unmapPages(space, newEnd, oldEnd - newEnd) === 0;
  }
  if (newEnd > taskSize) return false;
  const next = space.vmas.find(oldEnd);
  if (next !== undefined && newEnd + 1 > startWithGap(next)) return false;
  return growHeap(space, oldEnd, newEnd);
}

function growHeap(space: AddressSpace, start: number, end: number): boolean {
  if (space.vmas.size > space.layout.mapCountMax || !space.canCommit(end - start)) return false;
  const flags = VM.READ | VM.WRITE | VM_MAY_ACCESS | VM.ACCOUNT | space.defaultFlags;
  const proposal: Proposal = {
    start,
    end,
    flags,
    file: undefined,
    pgoff: start,
    anonVma: undefined,
  };
  const previous = space.vmas.below(start);
  // What ends where the heap starts is not the heap.
  const isHeap = previous !== undefined && previous.end * PAGE_BYTES > space.layout.brkStartBytes;
  if (!isHeap || !extend(space, previous, proposal)) space.vmas.insert({ ...proposal });
  if (flags & VM.LOCKED) populate(space, start, end);
  return true;
}
