/** Makes a failing program small. */
import type { Program, Step } from './program.ts';

/**
 * Drops steps as long as `fails` holds: in halves first, then in ever smaller pieces, until no
 * single step can go.
 *
 * @param program one for which `fails` holds
 * @returns one for which it holds too, with the ids of the steps kept
 */
export function shrink(program: Program, fails: (program: Program) => boolean): Program {
  let steps: readonly Step[] = program.steps;
  let size = Math.ceil(steps.length / 2);
  while (size > 0) {
    const before = steps.length;
    // From the end: later steps depend on earlier ones.
    for (let end = steps.length; end > 0; end -= size) {
      const rest = [...steps.slice(0, Math.max(0, end - size)), ...steps.slice(end)];
      if (fails({ steps: rest })) steps = rest;
    }
    if (size > 1) size = Math.ceil(size / 2);
    else if (steps.length === before) size = 0;
  }
  return { steps };
}
