/** A history whose writer is killed at any moment has every sample that was said to be there, once. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { fleetReportSchema } from '../../src/fleet/schema.ts';
import { MAIN, ptshare } from '../command_line.ts';
import { Random } from '../kernel/random.ts';
import { newSeed } from '../seed.ts';

const KILLS = 20;
const ENDLESS = fileURLToPath(new URL('./endless_history.js', import.meta.url));

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-killed-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/**
 * Starts a program, lets it print so many lines, and kills it a moment later.
 *
 * @returns all lines it printed
 */
async function killed(
  args: readonly string[],
  count: number,
  milliseconds: number,
): Promise<string[]> {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  const errors = text(child.stderr);
  const exit = once(child, 'exit');
  let output = '';
  const enough = new Promise<void>((resolve) => {
    child.stdout.on('data', (part: Buffer) => {
      output += part.toString();
      if (output.split('\n').length > count) resolve();
    });
  });
  const ended = once(child.stdout, 'end');
  await Promise.race([enough, exit]);
  await setTimeout(milliseconds);
  child.kill('SIGKILL');
  assert.deepEqual(await exit, [null, 'SIGKILL'], await errors);
  await ended;
  // What is behind the last line end is a line that was not finished.
  return output.split('\n').slice(0, -1);
}

/** Times of the samples in all files, as DuckDB reads them: none may be there twice. */
async function timesIn(folder: string): Promise<string[]> {
  const { DuckDBInstance } = await import('@duckdb/node-api');
  const instance = await DuckDBInstance.create(':memory:');
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(
    `SELECT epoch_ms(taken_at)::DOUBLE FROM read_parquet('${folder}/host=*/day=*/*.parquet')
     WHERE record = 'host' ORDER BY taken_at`,
  );
  const times = reader.getRowsJS().map(([time]) => new Date(Number(time)).toISOString());
  connection.closeSync();
  instance.closeSync();
  return times;
}

/** All that were said, and at most one more after each that was killed before it could say so. */
function holds(times: readonly string[], said: readonly string[], kills: number): void {
  assert.deepEqual(times, [...new Set(times)], 'none is there twice');
  assert.deepEqual(
    said.filter((time) => !times.includes(time)),
    [],
  );
  assert.ok(times.length <= said.length + kills, `${times.length} for ${said.length}`);
}

test(`a history that is killed ${KILLS} times, while days end and are made one file`, async (context) => {
  const folder = folderOf(context);
  const seed = newSeed();
  const random = new Random(seed);
  const said: string[] = [];
  for (let kill = 1; kill <= KILLS; kill++) {
    // Hours that no other process has: 100 days for each.
    const args = [ENDLESS, folder, String(kill * 2400)];
    const lines = await killed(args, random.between(1, 12), random.below(50));
    assert.ok(lines.length < 300, 'it was killed before its hours were over');
    said.push(...lines);
    holds(await timesIn(folder), said, kill);
  }
  context.diagnostic(`seed ${seed}: ${said.length} samples`);
});

test(`ptshare watch that is killed ${KILLS} times`, async (context) => {
  const folder = folderOf(context);
  const random = new Random(newSeed());
  const said: string[] = [];
  const args = ['watch', '--every', '0.1s', '--cpu', '100', '--json', '--store', folder];
  for (let kill = 1; kill <= KILLS; kill++) {
    const lines = await killed([MAIN, ...args], 1, random.below(300));
    for (const line of lines) said.push((JSON.parse(line) as { takenAt: string }).takenAt);
  }
  holds(await timesIn(folder), said, KILLS);
  assert.ok(said.length >= KILLS, 'each has taken a sample');
  const { status, stdout, stderr } = ptshare(['fleet', folder, '--json']);
  assert.equal(status, 0, stderr);
  assert.equal(fleetReportSchema.parse(JSON.parse(stdout)).hosts, 1);
});
