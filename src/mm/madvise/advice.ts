/** The advice of madvise(2). */
import { MADV } from '../../uapi/mman.ts';

/** Of machines that map huge pages in pieces only; no kernel has it. @source HGM v1 and v2 */
export const MADV_SPLIT = 26;

/** As of a kernel without CONFIG_MEMORY_FAILURE. */
const UNKNOWN: readonly number[] = [MADV.HWPOISON, MADV.SOFT_OFFLINE];
const KNOWN: ReadonlySet<number> = new Set(
  Object.values(MADV).filter((advice) => !UNKNOWN.includes(advice)),
);

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
