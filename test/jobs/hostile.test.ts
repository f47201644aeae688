/** Work and results of strangers: what is no such thing is refused, whatever it is. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Subject } from '../../src/cli/check/job.ts';
import { SharedSource } from '../../src/cli/check/shared_source.ts';
import { parseState } from '../../src/cli/check/shared_state.ts';
import { perform } from '../../src/cli/jobs/perform.ts';
import { parseResult, parseTask } from '../../src/cli/jobs/task.ts';
import { TaskError } from '../../src/cli/jobs/task_error.ts';
import { ThreadPool } from '../../src/cli/jobs/threads.ts';
import { Random } from '../kernel/random.ts';
import { newSeed } from '../seed.ts';

const MUTANTS = 5000;
const VERSION = '1';
const M1 = { kind: 'zoo', id: 'M1', isBroken: false } as const;

const RACE = {
  kind: 'race',
  file: 'race.txt',
  source: {
    text: readFileSync('examples/check/munmap_against_store.txt', 'utf8'),
    format: 'x86_64-4level',
    design: 'none',
    bugs: [],
  },
} as const;

/** Some way into a search, so that there is something of everything. */
async function someWork(
  subject: Subject,
): Promise<{ task: string; result: string; state: string }> {
  const source = await SharedSource.open([subject], VERSION, { unit: 7 });
  for (let units = 0; units < 5; units++) {
    const { id, text } = source.next(3)!;
    source.take({ id, result: perform(text, VERSION) });
  }
  const { text } = source.next(3)!;
  return { task: text, result: perform(text, VERSION), state: source.save('it') };
}

/** Bytes, numbers, and pieces of JSON go, come, or change places. */
function mutate(text: string, random: Random): string {
  const at = random.below(text.length);
  const to = Math.min(at + random.between(1, 20), text.length);
  const [before, within, behind] = [text.slice(0, at), text.slice(at, to), text.slice(to)];
  const numbers = ['-1', '1e99', '300', '0.5', 'null', '"x"', '[]', '{}', '99999999999'];
  switch (random.below(5)) {
    case 0:
      return before + behind;
    case 1:
      return before + within + within + behind;
    case 2:
      return before + String.fromCharCode(random.below(0x2000)) + behind;
    case 3:
      return before + text.slice(at).replace(/\d+/, () => random.pick(numbers));
    default:
      return before + [...within].reverse().join('') + behind;
  }
}

test(`${MUTANTS} mutated tasks, results and states are refused, or are what they say`, async () => {
  const seed = newSeed();
  const random = new Random(seed);
  const works = [await someWork(M1), await someWork(RACE)];
  let refused = 0;
  for (let round = 0; round < MUTANTS; round++) {
    const kind = random.pick(['task', 'result', 'state'] as const);
    const text = mutate(random.pick(works)[kind], random);
    try {
      if (kind === 'state') parseState(text, 'it');
      else if (kind === 'result') parseResult(text);
      else {
        const input = parseTask(text, VERSION);
        // Whoever sends work says how much: not here.
        if (input.kind === 'search' && input.executionsMax < 100) perform(text, VERSION);
      }
    } catch (error) {
      if (!(error instanceof TaskError)) {
        assert.fail(`seed ${seed}, round ${round}: ${String(error)}: ${text.slice(0, 2000)}`);
      }
      assert.ok(error.message.length < 1200);
      refused++;
    }
  }
  assert.ok(refused > MUTANTS / 4, `${refused} were refused`);
});

function partsOf(text: string): number {
  const input = parseTask(text, VERSION);
  return input.kind === 'search' ? input.parts.length : 0;
}

test('mutated results never end a search as complete that has not seen all', async () => {
  const seed = newSeed();
  const random = new Random(seed);
  for (let round = 0; round < 20; round++) {
    const source = await SharedSource.open([M1], VERSION, { unit: 40 });
    let refused = 0;
    for (let task = source.next(2); task !== undefined; task = source.next(2)) {
      const result = perform(task.text, VERSION);
      const isBad = random.chance(30);
      source.take({
        id: task.id,
        result: isBad ? result.slice(0, random.below(result.length)) : result,
      });
      // Parts of a unit that was refused are tried again, each alone.
      if (isBad && partsOf(task.text) === 1) refused++;
    }
    const [end] = source.results();
    assert.equal(end!.isComplete, refused === 0, `seed ${seed}, round ${round}`);
    assert.equal(source.poison.length, refused);
    if (refused === 0) assert.equal(end!.executions, 644);
  }
});

test('a unit that is none is set aside by a thread, which goes on', async () => {
  const threads = new ThreadPool(VERSION);
  await assert.rejects(threads.run('{'), { name: 'TaskError' });
  const { task, result } = await someWork(M1);
  assert.equal(await threads.run(task), result);
  await threads.close();
});
