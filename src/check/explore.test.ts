import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../test/kernel/random.ts';
import { newSeed } from '../../test/seed.ts';
import { type Exploration, type ExploreOptions, explore, replay, type Scenario } from './index.ts';

/** Programs over a few shared words, one step each: `['w', 0, 1]` stores 1 to word 0. */
type Instruction =
  | readonly ['w', number, number]
  | readonly ['r', number]
  | readonly ['l' | 'u', number];

const WORDS = 4;
const FREE = -1;

/** Words, locks and what each thread has read; a point is a word, negative for a read, or a lock. */
class Programs implements Scenario<number> {
  readonly #programs: readonly (readonly Instruction[])[];
  readonly #words = new Int32Array(WORDS);
  readonly #locks = new Int32Array(WORDS);
  readonly #forbidden: string | undefined;
  #seen: number[][] = [];

  constructor(programs: readonly (readonly Instruction[])[], forbidden?: string) {
    this.#programs = programs;
    this.#forbidden = forbidden;
  }

  start() {
    this.#words.fill(0);
    this.#locks.fill(FREE);
    this.#seen = this.#programs.map(() => []);
    return this.#programs.map((program, thread) => ({
      name: `thread ${thread}`,
      operation: this.#run(program, thread),
      isDaemon: false,
    }));
  }

  *#run(program: readonly Instruction[], thread: number): Generator<number, void, void> {
    for (const [what, word, value] of program) {
      yield 'rwlu'.indexOf(what) * WORDS + word;
      if (what === 'w') this.#words[word] = value;
      else if (what === 'r') this.#seen[thread]!.push(this.#words[word]!);
      else this.#locks[word] = what === 'l' ? thread : FREE;
    }
  }

  mayGo(_actor: number, at: number): boolean {
    return Math.floor(at / WORDS) !== 2 || this.#locks[at % WORDS] === FREE;
  }

  countChoices(): number {
    return 1;
  }

  choose(): void {}

  areDependent(one: number, other: number): boolean {
    if (one < WORDS && other < WORDS) return false;
    return one % WORDS === other % WORDS && one >= 2 * WORDS === other >= 2 * WORDS;
  }

  violation(): undefined {
    return undefined;
  }

  violationAtEnd(): string | undefined {
    return this.outcome() === this.#forbidden ? 'forbidden' : undefined;
  }

  describe(at: number): string {
    return `${'rwlu'[Math.floor(at / WORDS)]}${at % WORDS}`;
  }

  outcome(): string {
    return `${this.#words.join(' ')} | ${this.#seen.map((values) => values.join(' ')).join(' | ')}`;
  }
}

function outcomes(
  programs: Programs,
  options: ExploreOptions,
): Exploration & { readonly seen: string[] } {
  const seen = new Set<string>();
  const result = explore(programs, { ...options, onComplete: () => seen.add(programs.outcome()) });
  return { ...result, seen: [...seen].sort() };
}

test('store buffering has three outcomes, and as many executions that differ', () => {
  const buffering = () =>
    new Programs([
      [
        ['w', 0, 1],
        ['r', 1],
      ],
      [
        ['w', 1, 1],
        ['r', 0],
      ],
    ]);
  const all = outcomes(buffering(), { strategy: 'none' });
  const reduced = outcomes(buffering(), {});
  assert.equal(all.executions, 6);
  assert.deepEqual(all.seen, ['1 1 0 0 | 0 | 1', '1 1 0 0 | 1 | 0', '1 1 0 0 | 1 | 1']);
  assert.equal(reduced.executions, 3);
  assert.deepEqual(reduced.seen, all.seen);
  assert.ok(reduced.isComplete);
});

test('sleep sets reach every outcome of 400 random programs, in no more executions', () => {
  const seed = newSeed();
  const random = new Random(seed);
  let [all, reduced] = [0, 0];
  for (let round = 0; round < 400; round++) {
    const programs = Array.from({ length: 2 + random.below(2) }, (_, thread): Instruction[] => {
      const body = Array.from(
        { length: 1 + random.below(3) },
        (): Instruction =>
          random.below(2) === 0 ? ['w', random.below(2), thread + 1] : ['r', random.below(2)],
      );
      return random.below(3) === 0 ? [['l', 0], ...body.slice(0, 2), ['u', 0]] : body;
    });
    const without = outcomes(new Programs(programs), { strategy: 'none' });
    const withSleep = outcomes(new Programs(programs), { strategy: 'sleep' });
    const text = `seed ${seed}, round ${round}: ${JSON.stringify(programs)}`;
    assert.deepEqual(withSleep.seen, without.seen, text);
    assert.ok(withSleep.executions <= without.executions, text);
    all += without.executions;
    reduced += withSleep.executions;
  }
  assert.ok(reduced * 3 < all, `${reduced} executions instead of ${all}`);
});

const crossed = (): Programs =>
  new Programs([
    [
      ['l', 0],
      ['l', 1],
      ['u', 1],
      ['u', 0],
    ],
    [
      ['l', 1],
      ['l', 0],
      ['u', 0],
      ['u', 1],
    ],
  ]);

test('two locks taken in both orders are a deadlock, which replays', () => {
  const { finding, isComplete } = explore(crossed());
  assert.equal(finding?.property, 'deadlock');
  assert.equal(finding.schedule, '01');
  assert.equal(isComplete, false);
  assert.deepEqual(finding.steps, [
    { actor: 'thread 0', does: 'l0' },
    { actor: 'thread 1', does: 'l1' },
  ]);
  assert.deepEqual(replay(crossed(), finding.schedule), finding);
});

test('a bound that was hit is said, and nothing is called complete', () => {
  const many = () =>
    new Programs([0, 1, 2].map((thread) => [0, 1, 2].map(() => ['w', 0, thread] as const)));
  const few = explore(many(), { executionsMax: 10 });
  assert.deepEqual([few.bounds, few.isComplete, few.executions], [['executions'], false, 10]);
  const short = explore(many(), { stepsMax: 4 });
  assert.deepEqual([short.bounds, short.isComplete, short.executions], [['steps'], false, 0]);
});

test('three threads of three writes to one word have 1680 executions', () => {
  const same = new Programs(
    [0, 1, 2].map((thread) => [0, 1, 2].map(() => ['w', 0, thread] as const)),
  );
  assert.equal(explore(same).executions, 1680);
});

test('an execution that violates at its end replays to the same finding', () => {
  const racing = (): Programs =>
    new Programs(
      [
        [
          ['w', 0, 1],
          ['r', 1],
        ],
        [
          ['w', 1, 1],
          ['r', 0],
        ],
      ],
      '1 1 0 0 | 1 | 0',
    );
  const { finding } = explore(racing());
  assert.equal(finding?.property, 'forbidden');
  assert.deepEqual(replay(racing(), finding.schedule), finding);
});

test('a schedule that a scenario cannot follow is refused', () => {
  assert.throws(() => replay(crossed(), '001'), { name: 'RangeError', message: /step 2/ });
  assert.throws(() => replay(crossed(), 'no!'), { name: 'SyntaxError' });
});
