/** Threads that share a search see what one thread sees, also when they are stopped and go on. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { ZOO } from '../../zoo/index.ts';
import { Farm, type SearchProgress } from './farm.ts';
import type { Job, SavedSearch, SearchResult, Subject } from './job.ts';

const folder = mkdtempSync(join(tmpdir(), 'ptshare-farm-'));
after(() => rmSync(folder, { recursive: true }));

/** lastzero(10): 3,328 executions (Abdulla et al., POPL 2014). */
const file = join(folder, 'last_zero.mjs');
writeFileSync(
  file,
  `import { World } from 'ptshare/check';
  export function scenario() {
    const world = new World();
    const words = Array.from({ length: 11 }, (_, i) => world.word('w' + i));
    const seeking = function* () {
      let at = 10;
      while ((yield* words[at].read()) !== 0) at--;
    };
    const writing = Array.from({ length: 10 }, (_, i) => function* () {
      const before = yield* words[i].read();
      yield* words[i + 1].write(before + 1);
    });
    return world.scenario([seeking, ...writing]);
  }`,
);
const LAST_ZERO: Subject = { kind: 'file', file };
const M1: Subject = { kind: 'zoo', id: 'M1', isBroken: false };

const jobOf = (subject: Subject): Job => ({
  subject,
  strategy: 'optimal',
  isSaved: false,
  shareAfterMs: 0,
});

async function search(
  jobs: readonly Job[],
  threads: number,
  onSaved: (saved: SavedSearch) => void = () => {},
  abort: AbortSignal = new AbortController().signal,
): Promise<SearchResult[]> {
  const results: SearchResult[] = [];
  const listener = {
    onProgress: (_: number, __: SearchProgress) => {},
    onSaved: (_: number, saved: SavedSearch) => onSaved(saved),
    onDone: (index: number, result: SearchResult) => {
      results[index] = result;
    },
  };
  await new Farm(listener, abort).run(jobs, threads);
  return results;
}

function seen({ executions, deepest, isComplete, blocked, bounds }: SearchResult): object {
  return { executions, deepest, isComplete, blocked, bounds };
}

for (const subject of [LAST_ZERO, M1]) {
  const name = subject.kind === 'zoo' ? subject.id : 'lastzero(10)';
  test(`three threads that share ${name} at once see what one sees`, async () => {
    const [one] = await search([jobOf(subject)], 1);
    const [three] = await search([jobOf(subject)], 3);
    assert.equal(one!.isComplete, true);
    assert.deepEqual(seen(three!), seen(one!));
  });
}

test('a shared search that is saved goes on from there, whatever it was saved as', async () => {
  const [whole] = await search([jobOf(LAST_ZERO)], 1);
  assert.equal(whole!.executions, 3328);
  let from: SavedSearch | undefined;
  let goes = 0;
  for (; goes < 200; goes++) {
    const stopping = new AbortController();
    const job: Job = { ...jobOf(LAST_ZERO), isSaved: true, ...(from && { from }) };
    const before = from?.figures.executions ?? 0;
    const onSaved = ({ figures }: SavedSearch): void => {
      if (figures.executions >= before + 500) stopping.abort();
    };
    const [result] = await search([job], 2, onSaved, stopping.signal);
    if (result!.saved === undefined) {
      assert.deepEqual(seen(result!), seen(whole!));
      break;
    }
    from = JSON.parse(JSON.stringify(result!.saved)) as SavedSearch;
  }
  assert.ok(goes < 200, 'it comes to an end');
});

test('what one of several searches finds does not stop the others', async () => {
  const entries = ZOO.filter(({ id }) => ['M1', 'M2', 'M4'].includes(id));
  const subjects = entries.flatMap(({ id }) =>
    [true, false].map((isBroken) => ({ kind: 'zoo', id, isBroken }) as const),
  );
  const results = await search(subjects.map(jobOf), 2);
  subjects.forEach(({ id, isBroken }, at) => {
    assert.equal(results[at]!.finding !== undefined, isBroken, id);
    assert.equal(results[at]!.isComplete, !isBroken, id);
  });
});
