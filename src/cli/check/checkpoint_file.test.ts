/** A search that is killed again and again ends as one that is not. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN, ptshare } from '../../../test/command_line.ts';
import { Random } from '../../../test/kernel/random.ts';
import { newSeed } from '../../../test/seed.ts';
import type { CheckReport } from './report.ts';

/** How often to kill: `PTSHARE_KILLS=50`, for the bar. */
const KILLS = Number(process.env.PTSHARE_KILLS ?? 3);

/** lastzero(n), and a violation in its last executions if `isBroken`. */
const lastZero = (n: number, isBroken: boolean): string => `
  import { World } from 'ptshare/check';
  const world = new World();
  const words = Array.from({ length: ${n} + 1 }, (_, i) => world.word('w' + i));
  const seeking = function* () {
    let at = ${n};
    while ((yield* words[at].read()) !== 0) at--;
  };
  const writing = Array.from({ length: ${n} }, (_, i) => function* () {
    const before = yield* words[i].read();
    yield* words[i + 1].write(before + 1);
  });
  const isLast = () => words.every((word, i) => word.value === i);
  export default world.scenario([seeking, ...writing], () =>
    ${isBroken} && isLast() ? 'all in a row' : undefined);
`;

const parent = mkdtempSync(join(tmpdir(), 'ptshare-checkpoint-'));
after(() => rmSync(parent, { recursive: true }));

function reportOf(stdout: string): unknown {
  const { off } = (JSON.parse(stdout) as CheckReport).entries[0]!;
  const { verdict, complete, executions, blocked, deepest, property, schedule } = off!;
  return { verdict, complete, executions, blocked, deepest, property, schedule };
}

const seed = newSeed();
const random = new Random(seed);

for (const isBroken of [false, true]) {
  const name = isBroken ? 'finds the same' : 'counts the same';
  test(`a search killed at random points ${name} as one that is not (seed ${seed})`, async () => {
    const file = join(parent, `${isBroken}.mjs`);
    const checkpoint = join(parent, `${isBroken}.json`);
    writeFileSync(file, lastZero(10, isBroken));
    // Of several threads, the first to find something is another one each time.
    const search = ['check', file, '--json', ...(isBroken ? ['--workers', '1'] : ['--share'])];
    const whole = reportOf(ptshare(search).stdout);
    const args = [...search, '--checkpoint', checkpoint];
    for (let kills = 0; kills < KILLS; ) {
      const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'ignore' });
      const ended = once(child, 'exit');
      await Promise.race([sleep(random.between(500, 1800)), ended]);
      child.kill('SIGKILL');
      const [status] = await ended;
      if (status === null) kills++;
      else rmSync(checkpoint);
    }
    assert.deepEqual(reportOf(ptshare(args).stdout), whole);
    assert.deepEqual(reportOf(ptshare(args).stdout), whole, 'what is done is kept');
  });
}

test('Ctrl-C ends with what was seen, saves it, and a search of another file refuses it', async () => {
  // In a folder of its own: searches that were killed leave theirs half written.
  const folder = mkdtempSync(join(parent, 'interrupted-'));
  const file = join(folder, 'long.mjs');
  const checkpoint = join(folder, 'long.json');
  writeFileSync(file, lastZero(14, false));
  const args = ['check', file, '--checkpoint', checkpoint];
  const child = spawn(process.execPath, [MAIN, ...args]);
  let shown = '';
  child.stdout.on('data', (data) => {
    shown += data;
  });
  while (!existsSync(checkpoint) && child.exitCode === null) await sleep(50);
  child.kill('SIGINT');
  const [status, signal] = await once(child, 'close');
  assert.deepEqual([status, signal], [null, 'SIGINT']);
  assert.match(
    shown,
    /not verified: nothing found in [\d,]+ executions, .*, but it was interrupted/,
  );
  assert.deepEqual(readdirSync(folder).sort(), ['long.json', 'long.mjs'], 'nothing half written');
  writeFileSync(file, lastZero(13, false));
  const other = ptshare(args);
  assert.equal(other.status, 2);
  assert.match(other.stderr, /is of another search/);
});
