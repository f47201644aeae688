/**
 * Where random tests begin. Each run draws anew; `PTSHARE_SEED` repeats what a run has printed. In
 * continuous integration it is set by what is tested, so that what failed there fails here too.
 */

/** A seed below 2^29, if none is set: tests count on from it. In a browser there is no environment. */
export function newSeed(): number {
  return Number(globalThis.process?.env.PTSHARE_SEED ?? Date.now() % 2 ** 29);
}
