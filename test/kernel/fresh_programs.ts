/** Programs nobody has seen before. */
import { newSeed } from '../seed.ts';
import { generateProgram } from './generator.ts';
import type { Program } from './program.ts';

/** @param count from as many seeds, the first of which is told */
export function freshPrograms(
  count: number,
  steps: number,
): { readonly seed: number; readonly programs: readonly Program[] } {
  const seed = newSeed();
  const programs = Array.from({ length: count }, (_, at) => generateProgram(seed + at, steps));
  return { seed, programs };
}
