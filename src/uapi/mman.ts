/**
 * mmap(2) and its relatives.
 *
 * @source uapi/asm-generic/mman-common.h, mman.h, uapi/linux/mman.h, uapi/asm/mman.h of x86 (Linux 6.18)
 */

export const PROT = {
  READ: 0x1,
  WRITE: 0x2,
  EXEC: 0x4,
  SEM: 0x8,
  GROWSDOWN: 0x1000000,
  GROWSUP: 0x2000000,
} as const;
export const PROT_RW = PROT.READ | PROT.WRITE;

export const MAP = {
  SHARED: 0x1,
  PRIVATE: 0x2,
  DROPPABLE: 0x8,
  FIXED: 0x10,
  ANONYMOUS: 0x20,
  '32BIT': 0x40,
  GROWSDOWN: 0x100,
  DENYWRITE: 0x800,
  LOCKED: 0x2000,
  NORESERVE: 0x4000,
  POPULATE: 0x8000,
  NONBLOCK: 0x10000,
  STACK: 0x20000,
  HUGETLB: 0x40000,
  SYNC: 0x80000,
  FIXED_NOREPLACE: 0x100000,
} as const;
/** The bits that say what kind of mapping it is, and a kind that takes two of them. */
export const MAP_TYPE = 0xf;
export const MAP_SHARED_VALIDATE = 0x3;

export const MREMAP = { MAYMOVE: 1, FIXED: 2, DONTUNMAP: 4 } as const;

export const MADV = {
  NORMAL: 0,
  RANDOM: 1,
  SEQUENTIAL: 2,
  WILLNEED: 3,
  DONTNEED: 4,
  FREE: 8,
  REMOVE: 9,
  DONTFORK: 10,
  DOFORK: 11,
  MERGEABLE: 12,
  UNMERGEABLE: 13,
  HUGEPAGE: 14,
  NOHUGEPAGE: 15,
  DONTDUMP: 16,
  DODUMP: 17,
  WIPEONFORK: 18,
  KEEPONFORK: 19,
  COLD: 20,
  PAGEOUT: 21,
  POPULATE_READ: 22,
  POPULATE_WRITE: 23,
  DONTNEED_LOCKED: 24,
  COLLAPSE: 25,
  HWPOISON: 100,
  SOFT_OFFLINE: 101,
  GUARD_INSTALL: 102,
  GUARD_REMOVE: 103,
} as const;

export const MS = { ASYNC: 1, INVALIDATE: 2, SYNC: 4 } as const;
export const MCL = { CURRENT: 1, FUTURE: 2, ONFAULT: 4 } as const;
export const MLOCK = { ONFAULT: 1 } as const;

/** Bytes of a page, which is what these calls count in. */
export const PAGE_BYTES = 4096;
