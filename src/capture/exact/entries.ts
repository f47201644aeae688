/**
 * Entries of x86-64 page tables, as far as counting tables needs them.
 *
 * @source Intel SDM vol. 3A, chapter "Paging"; Linux arch/x86/include/asm/pgtable.h pte_none()
 */

export const ENTRIES = 512;
export const LEVELS = 4;
/** The lower half of a root maps user space. */
export const USER_ROOT_ENTRIES = 256;

const PRESENT = 1 << 0;
const LARGE = 1 << 7;
/** Processors with an old erratum may set these in an empty entry: Linux ignores them. */
const ACCESSED_AND_DIRTY = (1 << 5) | (1 << 6);
/** Frames per unit of the high word, which holds bits 32 to 51 of the address. */
const FRAMES_PER_HIGH = 1 << 20;
const FRAME_HIGH_MASK = 0xfffff;

export const isNone = (low: number, high: number): boolean =>
  (low & ~ACCESSED_AND_DIRTY) === 0 && high === 0;

/** Whether an entry above level 0 points to a table; an entry for a swapped huge page does not. */
export const isTable = (low: number): boolean => (low & (PRESENT | LARGE)) === PRESENT;

export const isPresent = (low: number): boolean => (low & PRESENT) !== 0;

export const frameOf = (low: number, high: number): number =>
  (high & FRAME_HIGH_MASK) * FRAMES_PER_HIGH + (low >>> 12);
