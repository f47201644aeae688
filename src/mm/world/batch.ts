/**
 * How many neighbouring entries a step may take in one go: here one, for every other CPU may come
 * between two.
 *
 * In the blanked build `batch.fast.ts` takes this file's place.
 */
export const ENTRIES_AT_ONCE = 1;
