/** Random programs whose steps can go in several ways, as the hardware's can. */
import type { Scenario } from '../../src/check/index.ts';
import type { Random } from '../kernel/random.ts';
import { type Taken, traceOf } from './random_program.ts';

const WORDS = 4;
/** What a step does to its word. `GUESS` reads in as many ways as the word's value says. */
const [READ, WRITE, GUESS, ADD] = [0, 1, 2, 3];
const KINDS = 4;

/** Of each thread, its points: `kind * WORDS + word`. */
export type ChoosingProgram = readonly (readonly number[])[];

export function choosingProgram(random: Random): ChoosingProgram {
  const threads = random.between(2, 4);
  const stepsMax = [4, 3, 2][threads - 2]!;
  return Array.from({ length: threads }, () =>
    Array.from(
      { length: random.between(1, stepsMax) },
      () => random.below(KINDS) * WORDS + random.below(threads === 2 ? 2 : 3),
    ),
  );
}

/** A scenario of `program`, and what tells apart executions of it. */
export function watchChoices(program: ChoosingProgram): {
  readonly scenario: Scenario;
  trace(): string;
} {
  const words = new Int32Array(WORDS);
  const steps: Taken[] = [];
  let choice = 0;
  const kindOf = (at: number): number => Math.floor(at / WORDS);
  const isReading = (at: number): boolean => kindOf(at) === READ || kindOf(at) === GUESS;
  function* run(points: readonly number[], actor: number): Generator<number, void, void> {
    for (const at of points) {
      yield at;
      steps.push({ actor, at, choice });
      if (kindOf(at) === WRITE) words[at % WORDS] = actor + 1;
      if (kindOf(at) === ADD) words[at % WORDS]! += choice;
    }
  }
  const scenario: Scenario = {
    start: () => {
      words.fill(0);
      steps.length = 0;
      return program.map((points, actor) => ({
        name: `thread ${actor}`,
        operation: run(points, actor),
        isDaemon: false,
      }));
    },
    mayGo: () => true,
    countChoices: (_actor, at) => {
      if (kindOf(at) === GUESS) return 1 + (words[at % WORDS]! % 3);
      return kindOf(at) === ADD ? 2 : 1;
    },
    choose: (next) => {
      choice = next;
    },
    areDependent: (one, other) =>
      one % WORDS === other % WORDS && !(isReading(one) && isReading(other)),
    canWait: () => false,
    canChoose: (at) => kindOf(at) === GUESS || kindOf(at) === ADD,
    violation: () => undefined,
    violationAtEnd: () => undefined,
    describe: (at) => `${kindOf(at)} of word ${at % WORDS}`,
  };
  return { scenario, trace: () => traceOf(steps, program.length, scenario) };
}
