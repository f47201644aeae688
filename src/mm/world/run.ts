/** Runs an operation to its end, alone: no other CPU gets a turn. */
import type { Op } from './op.ts';

export function run<T>(operation: Op<T>): T {
  for (;;) {
    const step = operation.next();
    if (step.done === true) return step.value;
  }
}
