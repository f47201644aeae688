/** The advice of madvise(2). */

/** @source uapi/asm-generic/mman-common.h of Linux 6.18 */
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
  GUARD_INSTALL: 102,
  GUARD_REMOVE: 103,
} as const;

/** Of machines that map huge pages in pieces only; no kernel has it. @source HGM v1 and v2 */
export const MADV_SPLIT = 26;

const KNOWN: ReadonlySet<number> = new Set(Object.values(MADV));

/** MADV_HWPOISON and MADV_SOFT_OFFLINE are not: as in a kernel without CONFIG_MEMORY_FAILURE. */
export function isKnownAdvice(advice: number): boolean {
  return KNOWN.has(advice);
}

/** What may be asked on behalf of another process. @source process_madvise_remote_valid() */
export function isRemoteAdvice(advice: number): boolean {
  return (
    advice === MADV.COLD ||
    advice === MADV.PAGEOUT ||
    advice === MADV.WILLNEED ||
    advice === MADV.COLLAPSE
  );
}

/** What is held while an advice is followed. */
export const MadviseLock = { MMAP_READ: 0, MMAP_WRITE: 1, VMA_READ: 2 } as const;
export type MadviseLock = (typeof MadviseLock)[keyof typeof MadviseLock];

/** What changes flags of VMAs needs them to itself. @source mm/madvise.c get_lock_mode() */
export function lockOfAdvice(advice: number): MadviseLock {
  switch (advice) {
    case MADV.REMOVE:
    case MADV.WILLNEED:
    case MADV.COLD:
    case MADV.PAGEOUT:
    case MADV.POPULATE_READ:
    case MADV.POPULATE_WRITE:
    case MADV.COLLAPSE:
    case MADV.GUARD_INSTALL:
    case MADV.GUARD_REMOVE:
      return MadviseLock.MMAP_READ;
    case MADV.DONTNEED:
    case MADV.DONTNEED_LOCKED:
    case MADV.FREE:
      return MadviseLock.VMA_READ;
    default:
      return MadviseLock.MMAP_WRITE;
  }
}
