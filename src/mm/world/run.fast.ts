/** The blanked build of `run.ts`: the operation has run already. */
import type { Op } from './op.ts';

export function run<T>(done: Op<T>): T {
  return done;
}
