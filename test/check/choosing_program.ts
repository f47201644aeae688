/** Random programs whose steps can go in several ways, as the hardware's can. */
import type { Scenario } from '../../src/check/index.ts';
import type { Random } from '../kernel/random.ts';
import { type Taken, traceOf } from './random_program.ts';

const WORDS = 4;
/** What a step does to its word. `GUESS` reads in as many ways as the word's value says. */
const [READ, WRITE, GUESS, ADD, LOCK, UNLOCK] = [0, 1, 2, 3, 4, 5];
/** Those that any step can have. */
const KINDS = 4;
/** The last word is a lock. */
const LOCK_WORD = WORDS - 1;
/** Added to a point that is left out unless the step before it went another than the first way. */
const CONDITIONAL = 32;

/** Of each thread, its points: `kind * WORDS + word`, conditional or not. */
export type ChoosingProgram = readonly (readonly number[])[];

export function choosingProgram(random: Random): ChoosingProgram {
  const threads = random.between(2, 4);
  const stepsMax = [4, 3, 2][threads - 2]!;
  const lockers = random.chance(30) ? 50 : 0;
  return Array.from({ length: threads }, () => {
    const points = Array.from(
      { length: random.between(1, stepsMax) },
      () =>
        random.below(KINDS) * WORDS +
        random.below(threads === 2 ? 2 : 3) +
        (random.chance(20) ? CONDITIONAL : 0),
    );
    if (random.chance(lockers)) {
      points.unshift(LOCK * WORDS + LOCK_WORD);
      points.splice(random.between(1, points.length), 0, UNLOCK * WORDS + LOCK_WORD);
    }
    return points;
  });
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
    let last = 0;
    for (const each of points) {
      if (each >= CONDITIONAL && last === 0) continue;
      const at = each % CONDITIONAL;
      yield at;
      last = choice;
      steps.push({ actor, at, choice });
      const word = at % WORDS;
      if (kindOf(at) === WRITE || kindOf(at) === LOCK) words[word] = actor + 1;
      if (kindOf(at) === ADD) words[word]! += choice;
      if (kindOf(at) === UNLOCK) words[word] = 0;
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
    mayGo: (_actor, at) => kindOf(at) !== LOCK || words[LOCK_WORD] === 0,
    countChoices: (_actor, at) => {
      if (kindOf(at) === GUESS) return 1 + (words[at % WORDS]! % 3);
      return kindOf(at) === ADD ? 2 : 1;
    },
    choose: (next) => {
      choice = next;
    },
    areDependent: (one, other) =>
      one % WORDS === other % WORDS && !(isReading(one) && isReading(other)),
    canWait: (at) => kindOf(at) === LOCK,
    canChoose: (at) => kindOf(at) === GUESS || kindOf(at) === ADD,
    violation: () => undefined,
    violationAtEnd: () => undefined,
    describe: (at) => `${kindOf(at)} of word ${at % WORDS}`,
  };
  return { scenario, trace: () => traceOf(steps, program.length, scenario) };
}
