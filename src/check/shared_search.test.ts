/**
 * A search in parts, explored in any order, sees what one search sees: each execution once.
 *
 * `PTSHARE_RANDOM_PROGRAMS=10000` makes it as many as that.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  type ChoosingProgram,
  choosingProgram,
  watchChoices,
} from '../../test/check/choosing_program.ts';
import {
  fetchAdds,
  fileSystem,
  identicalAdds,
  identicalReaders,
  indexer,
  lastZero,
  readers,
} from '../../test/check/literature.ts';
import {
  identicalProgram,
  keepingProgram,
  randomProgram,
  watch,
} from '../../test/check/random_program.ts';
import { Random } from '../../test/kernel/random.ts';
import { newSeed } from '../../test/seed.ts';
import {
  type Exploration,
  explore,
  exploreParts,
  type Part,
  type Scenario,
  SharedSearch,
} from './index.ts';

const RANDOM_PROGRAMS = Number(process.env.PTSHARE_RANDOM_PROGRAMS ?? 300);

const runsOf = (results: readonly Exploration[]): number =>
  results.reduce((sum, { executions, blocked }) => sum + executions + blocked, 0);

const throughJson = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

interface Seen {
  executions: number;
  parts: number;
}

/** Several parts are under way at once, and end in a random order; now and then all is restored. */
function exploreInParts(
  newScenario: () => Scenario,
  random: Random,
  onComplete: () => void = () => {},
): Seen {
  const seen: Seen = { executions: 0, parts: 0 };
  const scenario = newScenario();
  let search = new SharedSearch(scenario);
  let underWay: Part[][] = [];
  while (!search.isDone) {
    const lanes = random.between(1, 5);
    while (underWay.length < lanes) {
      const parts = search.take(random.between(1, 4), lanes);
      if (parts.length === 0) break;
      underWay.push(parts);
    }
    assert.ok(underWay.length > 0, 'a search that is not done has a part');
    const [parts] = underWay.splice(random.below(underWay.length), 1);
    const executionsMax = random.between(1, 9);
    const results = exploreParts(scenario, throughJson(parts!), { executionsMax, onComplete });
    assert.ok(results.length > 0 && runsOf(results) <= executionsMax);
    for (const part of parts!.slice(results.length)) search.giveBack(part);
    for (const [at, result] of results.entries()) {
      assert.equal(result.finding, undefined);
      seen.executions += result.executions;
      seen.parts++;
      search.add(parts![at]!, throughJson(result));
    }
    if (random.chance(10)) {
      search = new SharedSearch(scenario, throughJson(search.save()));
      underWay = [];
    }
  }
  assert.deepEqual(search.take(1, 1), [], 'a search that is done has no part');
  return seen;
}

const PROGRAMS: readonly (readonly [string, () => Scenario])[] = [
  ['readers(6)', () => readers(6)],
  ['lastzero(6)', () => lastZero(6)],
  ['filesystem(17)', () => fileSystem(17)],
  ['indexer(13)', () => indexer(13)],
  ['fetchadds(3, 2)', () => fetchAdds(3, 2)],
  ['identical readers(9)', () => identicalReaders(9)],
  ['identical fetchadds(3, 3)', () => identicalAdds(3, 3)],
];

for (const [name, program] of PROGRAMS) {
  test(`${name} in parts has the executions of one search`, () => {
    const { executions, parts } = exploreInParts(program, new Random(1));
    assert.equal(executions, explore(program()).executions);
    assert.ok(parts > 2);
  });
}

test('random programs with identical threads in parts: what one search sees, once', () => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < RANDOM_PROGRAMS / 3; round++) {
    const { program, groups } = identicalProgram(random);
    const place = `seed ${seed}, round ${round}: ${JSON.stringify({ program, groups })}`;
    const { scenario, trace } = watch(program);
    const same: Scenario = { ...scenario, identical: groups };
    const whole: string[] = [];
    const options = { executionsMax: 3000, onComplete: () => whole.push(trace()) };
    if (!explore(same, options).isComplete) continue;
    const seen: string[] = [];
    exploreInParts(
      () => same,
      random,
      () => seen.push(trace()),
    );
    assert.deepEqual(seen.sort(), whole.sort(), place);
  }
});

test(`${RANDOM_PROGRAMS} random programs in parts: each order of dependent steps is seen, and once`, () => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < RANDOM_PROGRAMS; round++) {
    const program = random.chance(70) ? randomProgram(random) : keepingProgram(random);
    const place = `seed ${seed}, round ${round}: ${JSON.stringify(program)}`;
    const all = new Set<string>();
    const watched = watch(program);
    const whole = explore(watched.scenario, {
      strategy: 'sleep',
      executionsMax: 3000,
      onComplete: () => all.add(watched.trace()),
    });
    if (!whole.isComplete) continue;
    const seen: string[] = [];
    exploreInParts(
      () => watched.scenario,
      random,
      () => seen.push(watched.trace()),
    );
    assert.deepEqual([...seen].sort(), [...all].sort(), place);
  }
});

/** Holds a search in parts against all orders, and says whether there are few enough of them. */
function compareChoices(program: ChoosingProgram, random: Random, place: string): boolean {
  const { scenario, trace } = watchChoices(program);
  const all = new Set<string>();
  const onComplete = () => all.add(trace());
  if (!explore(scenario, { strategy: 'sleep', executionsMax: 3000, onComplete }).isComplete) {
    return false;
  }
  const seen: string[] = [];
  exploreInParts(
    () => scenario,
    random,
    () => seen.push(trace()),
  );
  assert.deepEqual(seen.sort(), [...all].sort(), `${place}: ${JSON.stringify(program)}`);
  return true;
}

test(`${RANDOM_PROGRAMS} random programs whose steps have choices, in parts: each once`, () => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < RANDOM_PROGRAMS; ) {
    const isCompared = compareChoices(choosingProgram(random), random, `seed ${seed}`);
    if (isCompared) round++;
  }
});

/** In which what one part finds for one choice may come long before what another finds for the next. */
const FAR_CHOICES: readonly ChoosingProgram[] = [
  // Orders of the first actors' choices come back before, or behind, what belongs behind all of them.
  [[10], [12], [14], [12]],
  // What is put behind a choice has races with steps before it that no execution has shown.
  [[9, 5], [14, 5], [10, 40], [4]],
  // A part takes a sequence for one that covers all that begins with it.
  [[12], [13], [12], [1, 0]],
  [[12, 4], [13], [12], [1, 0]],
];

for (const program of FAR_CHOICES) {
  test(`choices that are found far from each other: ${JSON.stringify(program)}`, () => {
    const seed = newSeed();
    const random = new Random(seed);
    for (let round = 0; round < 200; round++) compareChoices(program, random, `seed ${seed}`);
  });
}
