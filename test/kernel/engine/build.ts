/** The build of the engine that is compared: the one that runs at full speed. */
import type * as canonical from '../../../src/mm/index.ts';

/** The blanked build has the same names; an operation returns its result instead of a generator. */
export const mm = (await import(
  new URL('../../../fast/src/mm/index.js', import.meta.url).href
)) as typeof canonical;
