/** mmap(2). */

import {
  EACCES,
  EBADF,
  EEXIST,
  EINVAL,
  ENODEV,
  ENOMEM,
  EOPNOTSUPP,
  EOVERFLOW,
  EPERM,
} from '../errno.ts';
import type { AddressSpace } from './address_space.ts';
import { populate } from './fault.ts';
import { removeWithin, splitAt } from './munmap.ts';
import { isPageAligned, PAGE_BYTES, pageOf, pagesOf } from './pages.ts';
import { unmappedArea } from './unmapped_area.ts';
import { type MappedFile, VM, VM_ACCESS, type Vma } from './vma.ts';
import { mergeNew, type Proposal } from './vma_merge.ts';

/** @source uapi/asm-generic/mman.h, uapi/asm/mman.h of x86 */
const MAP = {
  SHARED: 0x1,
  PRIVATE: 0x2,
  SHARED_VALIDATE: 0x3,
  TYPE: 0xf,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  '32BIT': 0x40,
  GROWSDOWN: 0x100,
  LOCKED: 0x2000,
  NORESERVE: 0x4000,
  POPULATE: 0x8000,
  NONBLOCK: 0x10000,
  STACK: 0x20000,
  HUGETLB: 0x40000,
  SYNC: 0x80000,
  FIXED_NOREPLACE: 0x100000,
} as const;

/** An open file, as far as mmap(2) cares. */
export interface OpenFile {
  /** `undefined` for what cannot be mapped: directories, pipes. */
  readonly mapped: MappedFile | undefined;
  readonly isReadable: boolean;
  readonly isWritable: boolean;
  /** Not mounted with noexec. */
  readonly isExecutable: boolean;
  /** What its file system lets a file have at most. */
  readonly pagesMax: number;
}

export interface MmapArguments {
  readonly address: number;
  readonly length: number;
  readonly prot: number;
  readonly flags: number;
  /** What the descriptor stands for, if it is open. */
  readonly file: OpenFile | undefined;
  readonly offset: number;
}

/** @returns the address in bytes, or a negative errno */
export function mmap(space: AddressSpace, call: MmapArguments): number {
  const { flags, length, offset } = call;
  if (!isPageAligned(offset)) return EINVAL;
  const isAnonymous = (flags & MAP.ANONYMOUS) !== 0;
  if (!isAnonymous && call.file === undefined) return EBADF;
  // As a kernel without CONFIG_HUGETLBFS does.
  if (flags & MAP.HUGETLB) return EINVAL;
  const file = isAnonymous ? undefined : call.file;
  if (length === 0) return EINVAL;
  const pages = pagesOf(length);
  if (pages === 0) return ENOMEM;
  if (space.vmas.size > space.layout.mapCountMax) return ENOMEM;
  const start = place(space, call, pages, file);
  if (start < 0) return start;
  const vmFlags = flagsOf(space, call, file);
  if (vmFlags < 0) return vmFlags;
  const isShared = (vmFlags & VM.MAYSHARE) !== 0;
  return mapRegion(space, call, {
    start,
    end: start + pages,
    flags: vmFlags,
    // Shared anonymous memory is a file that nobody else has.
    file: file?.mapped ?? (isShared ? { object: { placement: 'plain', pages } } : undefined),
    pgoff: file === undefined ? (isShared ? 0 : start) : pageOf(offset),
    anonVma: undefined,
  });
}

/** @returns a page, or a negative errno */
function place(
  space: AddressSpace,
  { address, flags, offset }: MmapArguments,
  pages: number,
  file: OpenFile | undefined,
): number {
  const isFixed = (flags & (MAP.FIXED | MAP.FIXED_NOREPLACE)) !== 0;
  if (isFixed && pages <= space.layout.taskSize && address < 0 && address > -PAGE_BYTES) {
    // The kernel takes such an address for an error of its own.
    return address;
  }
  const wish = pageOf(address);
  const start = unmappedArea(space, {
    address: isFixed || wish === 0 ? wish : Math.max(wish, space.layout.minAddress),
    pages,
    object: file?.mapped?.object,
    isShared: file === undefined && (flags & MAP.SHARED) !== 0,
    pgoff: pageOf(offset),
    isFixed,
    is32Bit: (flags & MAP['32BIT']) !== 0,
  });
  if (start < 0) return start;
  if (isFixed && !isPageAligned(address)) {
    // To the byte, it may be too high even so.
    return start === space.layout.taskSize - pages ? ENOMEM : EINVAL;
  }
  const isTaken =
    (flags & MAP.FIXED_NOREPLACE) !== 0 && space.vmas.within(start, start + pages).length > 0;
  return isTaken ? EEXIST : start;
}

/** @returns vm_flags, or a negative errno */
function flagsOf(space: AddressSpace, call: MmapArguments, file: OpenFile | undefined): number {
  const { flags, prot } = call;
  let vmFlags = (prot & VM_ACCESS) | VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC | space.defaultFlags;
  if (flags & MAP.GROWSDOWN) vmFlags |= VM.GROWSDOWN;
  if (flags & MAP.LOCKED) vmFlags |= VM.LOCKED;
  if (flags & MAP.STACK) vmFlags |= VM.NOHUGEPAGE;
  if (flags & MAP.NORESERVE) vmFlags |= VM.NORESERVE;
  return file === undefined ? anonymousFlags(flags, vmFlags) : fileFlags(call, file, vmFlags);
}

function anonymousFlags(flags: number, vmFlags: number): number {
  switch (flags & MAP.TYPE) {
    case MAP.PRIVATE:
      return vmFlags;
    case MAP.SHARED:
      if (flags & MAP.GROWSDOWN) return EINVAL;
      return vmFlags | VM.SHARED | VM.MAYSHARE;
    default:
      return EINVAL;
  }
}

function fileFlags(
  { flags, prot, length, offset }: MmapArguments,
  file: OpenFile,
  vmFlags: number,
): number {
  if (pageOf(offset) + pagesOf(length) > file.pagesMax) return EOVERFLOW;
  const type = flags & MAP.TYPE;
  if (type === 0 || type > MAP.SHARED_VALIDATE) return EINVAL;
  let result = vmFlags;
  if (type !== MAP.PRIVATE) {
    const unknown = MAP.FIXED_NOREPLACE | MAP.SYNC;
    if (type === MAP.SHARED_VALIDATE && flags & unknown) return EOPNOTSUPP;
    if (prot & VM.WRITE && !file.isWritable) return EACCES;
    result |= VM.MAYSHARE;
    if (file.isWritable) result |= VM.SHARED;
    else result &= ~VM.MAYWRITE;
  }
  if (!file.isReadable) return EACCES;
  if (!file.isExecutable) {
    if (result & VM.EXEC) return EPERM;
    result &= ~VM.MAYEXEC;
  }
  if (file.mapped === undefined) return ENODEV;
  return flags & MAP.GROWSDOWN ? EINVAL : result;
}

function mapRegion(space: AddressSpace, { flags }: MmapArguments, proposal: Proposal): number {
  const { start, end } = proposal;
  if (!splitAt(space, start, end)) return ENOMEM;
  const isPromised = (proposal.flags & (VM.NORESERVE | VM.SHARED | VM.WRITE)) === VM.WRITE;
  if (isPromised && !space.canCommit(end - start)) return ENOMEM;
  removeWithin(space, start, end);
  const vmFlags = isPromised ? proposal.flags | VM.ACCOUNT : proposal.flags;
  mapFree(space, { ...proposal, flags: vmFlags });
  const isPopulated = (flags & (MAP.POPULATE | MAP.NONBLOCK)) === MAP.POPULATE;
  if (isPopulated || vmFlags & VM.LOCKED) populate(space, start, end);
  return start * PAGE_BYTES;
}

/** Maps space that is free, in a neighbour or by a VMA of its own. */
export function mapFree(space: AddressSpace, proposal: Proposal): Vma {
  const merged = mergeNew(space, proposal);
  if (merged !== undefined) return merged;
  const vma = { ...proposal };
  space.vmas.insert(vma);
  return vma;
}
