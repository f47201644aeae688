/** Virtual memory areas. Addresses and offsets are in pages, unless a name says bytes. */

import type { Inode } from '../file/inode.ts';
import type { ReadAhead } from '../file/readahead.ts';
import type { HugetlbPrivate } from '../hugetlb/vma_lock.ts';
import type { AnonVma } from '../rmap/anon_vma.ts';
import type { Userfaultfd } from '../userfaultfd/context.ts';
import { NONE } from '../world/world.ts';

/** `vm_flags` by their Linux names and values. @source linux/mm.h of Linux 6.18 */
export const VM = {
  READ: 0x1,
  WRITE: 0x2,
  EXEC: 0x4,
  SHARED: 0x8,
  MAYREAD: 0x10,
  MAYWRITE: 0x20,
  MAYEXEC: 0x40,
  MAYSHARE: 0x80,
  GROWSDOWN: 0x100,
  UFFD_MISSING: 0x200,
  PFNMAP: 0x400,
  MAYBE_GUARD: 0x800,
  UFFD_WP: 0x1000,
  LOCKED: 0x2000,
  IO: 0x4000,
  SEQ_READ: 0x8000,
  RAND_READ: 0x10000,
  DONTCOPY: 0x20000,
  DONTEXPAND: 0x40000,
  LOCKONFAULT: 0x80000,
  ACCOUNT: 0x100000,
  NORESERVE: 0x200000,
  HUGETLB: 0x400000,
  SYNC: 0x800000,
  /** Bit 40 of Linux, here in the place of VM_ARCH_1, which nothing has. */
  DROPPABLE: 0x1000000,
  WIPEONFORK: 0x2000000,
  DONTDUMP: 0x4000000,
  MIXEDMAP: 0x10000000,
  HUGEPAGE: 0x20000000,
  NOHUGEPAGE: 0x40000000,
  /** Bit 41 of Linux, here in the place of VM_SOFTDIRTY, which is left out. */
  UFFD_MINOR: 0x8000000,
  /** Bit 31: numbers of flags may be negative. */
  MERGEABLE: 1 << 31,
} as const;

export const VM_ACCESS = VM.READ | VM.WRITE | VM.EXEC;
export const VM_MAY_ACCESS = VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;
export const LOCKS = VM.LOCKED | VM.LOCKONFAULT;
/** What userfaultfd is to be told of. @source include/linux/userfaultfd_k.h __VM_UFFD_FLAGS */
export const VM_UFFD = VM.UFFD_MISSING | VM.UFFD_MINOR | VM.UFFD_WP;
/** They do not keep VMAs from merging: what comes of that has those of both. */
export const VM_STICKY = VM.MAYBE_GUARD;
/** Never merged, moved in part or collapsed. */
export const VM_SPECIAL = VM.IO | VM.DONTEXPAND | VM.PFNMAP | VM.MIXEDMAP;

/** An open file: what was opened twice does not merge, though it is the same inode. */
export interface MappedFile {
  readonly inode: Inode;
  /** A SysV segment that was attached: shmdt(2) finds it by this, and mremap(2) moves it alone. */
  readonly isSegment?: true;
  /** The design that has VMAs of this file do what it wants (`design/design.ts`), by its name. */
  readonly design?: string;
  /** Of files on a disk, once a fault has read ahead. */
  readAhead?: ReadAhead;
}

export interface Vma {
  /** Number of its lock; `NONE` before it is in a tree. */
  id: number;
  start: number;
  end: number;
  flags: number;
  readonly file: MappedFile | undefined;
  /** Which page of the file comes first. Of anonymous memory: where it was when first written. */
  pgoff: number;
  /** From the first private page on. Object: `anonVmaOf`. */
  anonVma: AnonVma | undefined;
  /** Every anon_vma that its pages may belong to: its own first, then those it has by fork. */
  chain: AnonVma[];
  /** Of hugetlbfs: its lock, and what it has reserved (vm_private_data). */
  hugetlb?: HugetlbPrivate | undefined;
  /** Who is told of its faults (vm_userfaultfd_ctx). */
  userfaultfd?: Userfaultfd | undefined;
  /** Nobody may use it any more. */
  isFreed?: boolean;
}

/** What a new VMA is to be, but for what it gets when it is linked. */
export type VmaSpec = Pick<
  Vma,
  'start' | 'end' | 'flags' | 'file' | 'pgoff' | 'hugetlb' | 'userfaultfd'
>;

/** Every VMA is made here, so that all have the same shape: looking one up allocates nothing then. */
export function newVma({ start, end, flags, file, pgoff, hugetlb, userfaultfd }: VmaSpec): Vma {
  const anonVma = undefined;
  const [id, chain, isFreed] = [NONE, [], false];
  return { id, start, end, flags, file, pgoff, anonVma, chain, hugetlb, userfaultfd, isFreed };
}

/** Page numbers are doubles to V8 from the first VMA on: what starts as a small integer is another shape. */
export const SHAPE = newVma({ start: 0.5, end: 0.5, flags: 0, file: undefined, pgoff: 0.5 });

/** Whether its private pages are not those of a file. */
export function isAnonymous(vma: Vma): boolean {
  return vma.file === undefined;
}

/** Whether anything can be accessed at all: every right lets x86 read, but not always execute. */
export function isAccessible(vma: Vma): boolean {
  return (vma.flags & VM_ACCESS) !== 0;
}

/** The index of `page` in the file, or in what an anonymous VMA counts as one. */
export function pgoffAt(vma: Vma, page: number): number {
  return vma.pgoff + page - vma.start;
}

/** What stays free below a stack. @source stack_guard_gap of mm/mmap.c */
export const STACK_GUARD_PAGES = 256;

/** Where the VMA starts, with the guard gap below a stack. */
export function startWithGap(vma: Vma): number {
  if ((vma.flags & VM.GROWSDOWN) === 0) return vma.start;
  return Math.max(0, vma.start - STACK_GUARD_PAGES);
}
