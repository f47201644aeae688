/** Threads of a worker: a search ends early for those who have nothing to do. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedSource } from '../../src/cli/check/shared_source.ts';
import { type PartOutcomeData, parseResult } from '../../src/cli/jobs/task.ts';
import { ThreadPool } from '../../src/cli/jobs/threads.ts';

const VERSION = '1';
/** 5,032 executions. */
const LONG = { kind: 'zoo', id: 'S8', isBroken: false } as const;

function outcomesOf(text: string): readonly PartOutcomeData[] {
  const result = parseResult(text);
  assert.ok(result.kind === 'search');
  return result.outcomes;
}

const executionsOf = (outcomes: readonly PartOutcomeData[]): number =>
  outcomes.reduce((sum, { figures }) => sum + figures.executions, 0);

test('a search that is to end early says what is left; not for those of another job', async () => {
  const threads = new ThreadPool(VERSION);
  const runHurried = async (text: string, job: string): Promise<string> => {
    const timer = setInterval(() => threads.hurry(job), 5);
    return threads.run(text, 'this').finally(() => clearInterval(timer));
  };
  const newSource = (): Promise<SharedSource> =>
    SharedSource.open([LONG], VERSION, { unit: 1_000_000 });
  try {
    const { text } = (await newSource()).next(1)!;
    const [whole] = outcomesOf(await runHurried(text, 'other'));
    assert.equal(whole!.rest, undefined);

    const source = await newSource();
    let units = 0;
    for (let task = source.next(1); task !== undefined; task = source.next(1)) {
      const result = await runHurried(task.text, 'this');
      if (units++ === 0) assert.ok(executionsOf(outcomesOf(result)) < whole!.figures.executions);
      source.take({ id: task.id, result });
    }
    const [all] = source.results();
    assert.equal(all!.isComplete, true);
    assert.equal(all!.executions, whole!.figures.executions);
    assert.ok(units > 1);
  } finally {
    await threads.close();
  }
});
