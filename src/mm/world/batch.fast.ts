/** The blanked build of `batch.ts`: alone, a CPU takes all entries of a table in one go. */
export const ENTRIES_AT_ONCE = 512;
