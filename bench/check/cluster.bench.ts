/**
 * The same search by one process, two of its threads, and two workers of a cluster on this machine:
 * `npm run bench -- check/cluster`, some 8 minutes for each of `PTSHARE_ROUNDS`. A race as text, because
 * workers run no code of others: `PTSHARE_RACE`, if not the usual one. The coordinator and Redis share the
 * CPUs with the workers here.
 *
 * One process takes more than one CPU: V8 compiles and collects garbage on what it finds idle. What a
 * second CPU gains is seen against a process that is kept on one.
 */
import assert from 'node:assert/strict';
import { loadavg } from 'node:os';
import type { CheckReport } from '../../src/cli/check/report.ts';
import { isInstalled } from '../../test/command_line.ts';
import { kill, RedisServer, startPtshare, startWorker } from '../../test/jobs/redis_server.ts';

const RACE = process.env.PTSHARE_RACE ?? 'bench/check/programs/three_cpus_minutes.txt';
const ROUNDS = Number(process.env.PTSHARE_ROUNDS ?? 3);
const print = (line: string): boolean => process.stdout.write(`${line}\n`);

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1]!;
}

async function main(): Promise<void> {
  if (!isInstalled('redis-server')) return void print('redis-server is not installed: skipped');
  const server = await RedisServer.start();
  const workers = [startWorker(server.url), startWorker(server.url)];
  const ways = [
    ['one process on one CPU', ['--workers', '1'], ['taskset', '--cpu-list', '0']],
    ['one process', ['--workers', '1'], []],
    ['two threads', ['--workers', '2'], []],
    ['two workers of a cluster', ['--queue', server.url], []],
  ] as const;
  const walls = ways.map((): number[] => []);
  const totals = new Set<number | undefined>();
  try {
    for (let round = 0; round < ROUNDS; round++) {
      for (const [index, [, options, within]] of ways.entries()) {
        const begun = performance.now();
        const run = startPtshare(['check', RACE, '--json', ...options], within);
        const { status, stdout } = await run.outcome;
        walls[index]!.push((performance.now() - begun) / 1000);
        assert.equal(status, 0, 'the search is complete and clean');
        totals.add((JSON.parse(stdout) as CheckReport).entries[0]!.off?.executions);
      }
    }
  } finally {
    await Promise.all(workers.map(kill));
    await server.end();
  }
  print(`load ${loadavg()[0]!.toFixed(1)}; ${[...totals].join(' or ')} executions; medians, in s`);
  print(`${''.padEnd(28)}   wall  of one CPU  of one process`);
  const medians = walls.map(median);
  for (const [index, [name]] of ways.entries()) {
    const ratios = medians.slice(0, 2).map((one) => `${(one / medians[index]!).toFixed(2)}x`);
    const wall = medians[index]!.toFixed(1).padStart(7);
    print(`${name.padEnd(28)}${wall}${ratios[0]!.padStart(12)}${ratios[1]!.padStart(16)}`);
  }
  assert.equal(totals.size, 1, `not the same executions: ${[...totals]}`);
}

await main();
