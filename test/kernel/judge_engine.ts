/** Holds the engine against the running kernel, and makes what differs small. */
import { type CallName, PLACE } from './calls.ts';
import { type Difference, firstDifference } from './compare.ts';
import { COVERED_WEIGHTS } from './covered.ts';
import { countDisturbances } from './disturbance.ts';
import { runOnEngine } from './engine/engine.ts';
import { generateProgram } from './generator.ts';
import { runAllOnKernel, runOnKernel } from './kernel_judge.ts';
import { formatProgram, type Program, type Step } from './program.ts';
import type { KernelReport } from './report.ts';
import { shrink } from './shrink.ts';

const STEPS = 250;
/** How often a difference must be seen again to count. */
const AGAIN = 5;

export interface Mismatch {
  readonly seed: number;
  readonly program: Program;
  readonly difference: Difference;
}

export interface Comparison {
  readonly programs: number;
  /** Steps that were compared: not those behind one that the engine leaves out. */
  readonly operations: number;
  /** How often each call was compared. */
  readonly calls: ReadonlyMap<CallName, number>;
  readonly mismatches: readonly Mismatch[];
  /** Programs that differed, and not each time: khugepaged was at work, or huge pages were missing. */
  readonly disturbed: readonly Mismatch[];
}

/** One random program for each of `seeds`. */
export function compareRandomPrograms(
  seeds: readonly number[],
  draw: (seed: number) => Program = randomProgram,
): Comparison {
  const programs = seeds.map((seed) => draw(seed));
  const before = countDisturbances();
  const reports = runAllOnKernel(programs);
  const isDisturbed = countDisturbances() > before;
  const mismatches: Mismatch[] = [];
  const disturbed: Mismatch[] = [];
  const calls = new Map<CallName, number>();
  let operations = 0;
  programs.forEach((program, index) => {
    const { difference, compared } = compare(program, reports[index]!);
    if (difference !== undefined) {
      // What nothing has disturbed counts though it be there only once.
      const isExcused = isDisturbed && !isLasting(program);
      const found = { seed: seeds[index]!, program, difference };
      (isExcused ? disturbed : mismatches).push(found);
    }
    for (const { call } of program.steps.slice(0, compared)) {
      calls.set(call.name, (calls.get(call.name) ?? 0) + 1);
    }
    operations += compared;
  });
  return { programs: programs.length, operations, calls, mismatches, disturbed };
}

/** Three in four have no files on a disk, whose page cache is not compared. */
export function randomProgram(seed: number): Program {
  const { steps } = generateProgram(seed, STEPS, COVERED_WEIGHTS);
  return { steps: seed % 4 === 0 ? steps : steps.map(withoutDisk) };
}

export function withoutDisk(step: Step): Step {
  const { call } = step;
  return call.name === 'open' ? { ...step, call: { ...call, place: PLACE.tmpfs } } : step;
}

/** Whether the two differ whenever the kernel is asked. */
function isLasting(program: Program): boolean {
  for (let again = 0; again < AGAIN; again++) {
    if (differenceIn(program) === undefined) return false;
  }
  return true;
}

/** Where kernel and engine differ first. */
export function differenceIn(
  program: Program,
  kernel: KernelReport = runOnKernel(program),
): Difference | undefined {
  return compare(program, kernel).difference;
}

/** An engine that gives up differs, too. */
function compare(
  program: Program,
  kernel: KernelReport,
): { readonly difference: Difference | undefined; readonly compared: number } {
  try {
    const engine = runOnEngine(program, kernel);
    const difference = firstDifference(program, kernel, engine);
    return { difference, compared: engine.outcomes.length };
  } catch (error) {
    const { message } = error as Error;
    const difference = { kind: message, kernel: 'goes on', engine: (error as Error).stack! };
    return { difference, compared: 0 };
  }
}

/** The smallest program that can be found in which the same kind of fact differs. */
export function shrinkMismatch({ seed, program, difference }: Mismatch): Mismatch {
  const small = shrink(program, (candidate) => differenceIn(candidate)?.kind === difference.kind);
  return { seed, program: small, difference: differenceIn(small) ?? difference };
}

/** To be read, and to be pasted into a rule. */
export function describeMismatch({ seed, program, difference }: Mismatch): string {
  const { kind, kernel, engine } = difference;
  return [
    `seed ${seed}: ${kind}`,
    formatProgram(program),
    `kernel: ${kernel}`,
    `engine: ${engine}`,
  ].join('\n');
}
