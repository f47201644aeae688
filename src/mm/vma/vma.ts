/** Virtual memory areas. Addresses and offsets are in pages, unless a name says bytes. */

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
  LOCKED: 0x2000,
  SEQ_READ: 0x8000,
  RAND_READ: 0x10000,
  DONTCOPY: 0x20000,
  LOCKONFAULT: 0x80000,
  ACCOUNT: 0x100000,
  NORESERVE: 0x200000,
  WIPEONFORK: 0x2000000,
  DONTDUMP: 0x4000000,
  HUGEPAGE: 0x20000000,
  NOHUGEPAGE: 0x40000000,
} as const;

export const VM_ACCESS = VM.READ | VM.WRITE | VM.EXEC;
export const VM_MAY_ACCESS = VM.MAYREAD | VM.MAYWRITE | VM.MAYEXEC;

/** What a VMA maps when it does not map private anonymous memory. */
export interface MemoryObject {
  /** How mmap(2) places it: `plain`, or by the 2 MiB like files of ext4, xfs and btrfs. */
  readonly placement: 'plain' | 'huge';
  /** How many it has: those behind can be mapped, but not accessed. */
  pages: number;
}

/** An open file: what was opened twice does not merge, though it is the same object. */
export interface MappedFile {
  readonly object: MemoryObject;
}

/** An identity: private pages of VMAs that share one may belong together. */
export interface AnonVma {
  readonly id: number;
}

export interface Vma {
  start: number;
  end: number;
  flags: number;
  readonly file: MappedFile | undefined;
  /** Which page of the file comes first. Of anonymous memory: where it was when first written. */
  pgoff: number;
  /** From the first private page on. */
  anonVma: AnonVma | undefined;
}

export function isAnonymous(vma: Vma): boolean {
  return vma.file === undefined;
}

/** Whether anything can be accessed at all: every right lets x86 read, but not always execute. */
export function isAccessible(vma: Vma): boolean {
  return (vma.flags & VM_ACCESS) !== 0;
}

/** What stays free below a stack. @source stack_guard_gap of mm/mmap.c */
export const STACK_GUARD_PAGES = 256;

/** Where the VMA starts, with the guard gap below a stack. */
export function startWithGap(vma: Vma): number {
  if ((vma.flags & VM.GROWSDOWN) === 0) return vma.start;
  return Math.max(0, vma.start - STACK_GUARD_PAGES);
}
