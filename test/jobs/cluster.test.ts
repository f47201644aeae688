/** A search that a cluster does is the search that one process does, whoever dies meanwhile. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { CheckReport } from '../../src/cli/check/report.ts';
import { Cluster } from '../../src/cli/jobs/cluster.ts';
import { serve } from '../../src/cli/jobs/serve.ts';
import { readVersion } from '../../src/cli/version.ts';
import { isInstalled, ptshare } from '../command_line.ts';
import { GIB, generateHost } from '../fixtures/generate_host.ts';
import { runFleet, writeSnapshots } from '../fleet_run.ts';
import { Random } from '../kernel/random.ts';
import { newSeed } from '../seed.ts';
import { kill, RedisServer, startPtshare, startWorker } from './redis_server.ts';

const KILLS = Number(process.env.PTSHARE_KILLS ?? 4);
const skip =
  isInstalled('redis-server') || process.env.CI ? false : 'redis-server is not installed';
/** 644 executions, or 5,513 and 5,032: each is a unit in the longest test. */
const ENTRIES = KILLS > 10 ? ['B7', 'S8'] : ['M1'];
/** Four of its ten cases find something. */
const QUESTION = 'mshare-dontneed';
const RACE = 'examples/check/munmap_against_store.txt';
const random = new Random(newSeed());

let server: RedisServer;
if (skip === false) {
  before(async () => {
    server = await RedisServer.start();
  });
  after(() => server.end());
}

interface Figures {
  readonly executions: number | undefined;
  readonly complete: boolean | undefined;
  readonly deepest: number | undefined;
  readonly found: string | null | undefined;
}

function figuresOf(stdout: string): readonly Figures[] {
  return (JSON.parse(stdout) as CheckReport).entries.map(({ on, off }) => {
    const { executions, complete, deepest } = off ?? {};
    return { executions, complete, deepest, found: on?.property };
  });
}

const unheard = { onReady: () => {}, onTask: () => {} };

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function allKeys(): Promise<string[]> {
  const redis = server.client();
  const keys = await redis.keys('ptshare:*');
  redis.disconnect();
  return keys;
}

/** Without what is of the queue itself. */
async function jobKeys(): Promise<string[]> {
  return (await allKeys()).filter((key) => /:(job|result):|\.[0-9a-f]{40}$/.test(key));
}

test('one process, two threads and two workers come to the same', { skip }, async (t) => {
  const workers = [startWorker(server.url), startWorker(server.url)];
  try {
    const runs = [
      ['--workers', '1'],
      ['--share', '--workers', '2'],
      ['--queue', server.url],
    ];
    const seconds: number[] = [];
    const seen = runs.map((options) => {
      const begun = performance.now();
      const what = [...ENTRIES, RACE, '--json', '--unit', '50'];
      const { stdout } = ptshare(['check', ...what, ...options]);
      seconds.push((performance.now() - begun) / 1000);
      return figuresOf(stdout);
    });
    assert.ok(seen[0]!.every(({ complete }) => complete));
    assert.deepEqual(seen[1], seen[0]);
    assert.deepEqual(seen[2], seen[0]);
    const [one, threads, cluster] = seconds as [number, number, number];
    t.diagnostic(
      `two threads ${(one / threads).toFixed(2)}x, two workers ${(one / cluster).toFixed(2)}x as fast as one process`,
    );
    assert.deepEqual(await jobKeys(), [], 'nothing is left on the server');
  } finally {
    await Promise.all(workers.map(kill));
  }
});

test('a worker with nothing to do gets some of what another one is at', { skip }, async () => {
  const whole = figuresOf(ptshare(['check', 'S8', '--off', '--json']).stdout);
  const stopping = new AbortController();
  const done = [0, 0];
  const serving = done.map((_, at) => {
    const onTask = (): void => {
      done[at]!++;
    };
    const options = { url: server.url, version: readVersion(), threads: 1, leaseSeconds: 30 };
    return serve({ ...options, ...unheard, onTask }, stopping.signal);
  });
  const all = ['--unit', '1000000000'];
  const search = ['check', 'S8', '--off', '--json', '--queue', server.url, ...all];
  const { stdout, stderr } = await startPtshare(search).outcome;
  stopping.abort();
  await Promise.all(serving);
  assert.deepEqual(figuresOf(stdout), whole, stderr);
  assert.ok(Math.min(...done) > 0, `one worker did all: ${done.join(' and ')} units`);
});

test('a question is answered by two workers as by one process', { skip }, async () => {
  const workers = [startWorker(server.url), startWorker(server.url)];
  const answersOf = (...options: readonly string[]): unknown => {
    const { stdout } = ptshare(['check', '--questions', QUESTION, '--json', ...options]);
    const isMeasured = (key: string): boolean => key === 'seconds';
    return JSON.parse(stdout, (key, value: unknown) => (isMeasured(key) ? 0 : value));
  };
  try {
    assert.deepEqual(answersOf('--queue', server.url), answersOf());
  } finally {
    await Promise.all(workers.map(kill));
  }
});

test(`${KILLS} times a worker is killed, once the server: the totals are the same`, {
  skip,
}, async (t) => {
  const whole = figuresOf(ptshare(['check', ...ENTRIES, '--off', '--json']).stdout);
  const workers = [startWorker(server.url), startWorker(server.url)];
  try {
    const search = ['check', ...ENTRIES, '--off', '--json', '--unit', '1', '--queue', server.url];
    const { outcome } = startPtshare(search);
    while (!(await allKeys()).some((key) => key.startsWith('ptshare:result:'))) await sleep(20);
    let isOver = false;
    const result = outcome.finally(() => {
      isOver = true;
    });
    let kills = 0;
    for (; kills < KILLS && !isOver; kills++) {
      await sleep(random.between(200, 1500));
      const victim = random.below(2);
      await kill(workers[victim]!);
      workers[victim] = startWorker(server.url);
      if (kills === Math.floor(KILLS / 2)) await server.killAndRestart();
    }
    const { status, stdout, stderr } = await result;
    assert.equal(status, 0, stderr);
    assert.deepEqual(figuresOf(stdout), whole);
    t.diagnostic(`${kills} workers were killed before the search was over`);
    assert.ok(kills > 0);
  } finally {
    await Promise.all(workers.map(kill));
  }
});

test('a coordinator that is killed goes on when it is started again', { skip }, async () => {
  const whole = figuresOf(ptshare(['check', ...ENTRIES, '--off', '--json']).stdout);
  const worker = startWorker(server.url);
  const search = ['check', ...ENTRIES, '--off', '--json', '--unit', '2', '--queue', server.url];
  const job = [...search, '--job', 'again'];
  try {
    const first = startPtshare(job);
    const redis = server.client();
    while ((await redis.exists('ptshare:job:again')) === 0) await sleep(20);
    redis.disconnect();
    await sleep(random.between(0, 500));
    await kill(first.child);
    const other = ptshare(['check', ...ENTRIES, '--on', '--queue', server.url, '--job', 'again']);
    assert.equal(other.status, 2);
    assert.match(other.stderr, /Cannot go on with job again: The job is of another search/);
    const { stdout, stderr } = await startPtshare(job).outcome;
    assert.deepEqual(figuresOf(stdout), whole, stderr);
  } finally {
    await kill(worker);
  }
});

test('a worker of another version is seen, and gets no work', { skip }, async () => {
  const stopping = new AbortController();
  let tasks = 0;
  const serving = serve(
    {
      url: server.url,
      version: '99.0.0',
      threads: 1,
      leaseSeconds: 2,
      ...unheard,
      onTask: () => {
        tasks++;
      },
    },
    stopping.signal,
  );
  const cluster = await Cluster.open(server.url, readVersion(), 'versions');
  await cluster.submit({ id: 'one', text: '{}' });
  await cluster.outcomes(AbortSignal.timeout(2500));
  assert.equal(tasks, 0);
  assert.equal(cluster.about(), '0 workers; 1 of another version (99.0.0)');
  await cluster.remove(true);
  await cluster.close();
  stopping.abort();
  await serving;
});

test('what is no task is set aside, and the work behind it is done', { skip }, async () => {
  const stopping = new AbortController();
  const version = '98.0.0';
  const cluster = await Cluster.open(server.url, version, 'hostile');
  const texts = [
    '',
    '{',
    '{"version":"98.0.0"}',
    '['.repeat(100_000),
    '{"version":"1","input":{}}',
  ];
  for (const [at, text] of texts.entries()) await cluster.submit({ id: `bad${at}`, text });
  // What the queue itself cannot read.
  const redis = server.client();
  await redis.hset(`ptshare:tasks-${version}:hostile.bad0`, 'data', '{"');
  const serving = serve(
    { url: server.url, version, threads: 1, leaseSeconds: 1, ...unheard },
    stopping.signal,
  );
  const whys = new Map<string, string>();
  while (whys.size < texts.length) {
    for (const outcome of await cluster.outcomes(AbortSignal.timeout(60_000))) {
      assert.ok('why' in outcome);
      whys.set(outcome.id, outcome.why);
    }
  }
  for (const [id, why] of whys) if (id !== 'bad0') assert.match(why, /^This is not a task/);
  await cluster.remove(true);
  await cluster.close();
  redis.disconnect();
  stopping.abort();
  await serving;
});

test('a fleet that workers analyse is the fleet that is analysed here', { skip }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-jobs-'));
  const worker = startWorker(server.url);
  try {
    writeSnapshots(join(folder, 'hosts'), [generateHost({ processes: 6, segmentBytes: GIB })], 12);
    const here = runFleet(join(folder, 'hosts')).report;
    assert.deepEqual(runFleet(join(folder, 'hosts'), '--queue', server.url).report, here);
  } finally {
    rmSync(folder, { recursive: true });
    void kill(worker);
  }
});

test('a sweep that workers do is the sweep that is done here', { skip }, () => {
  const worker = startWorker(server.url);
  const args = ['compare', 'database', '--designs', 'today,mshare', '--json'];
  const sweep = ['--processes', '2', '--size', '2M', '--sweep', 'size=1G,7G,1G'];
  try {
    const here = ptshare([...args, ...sweep]);
    const there = ptshare([...args, ...sweep, '--queue', server.url]);
    assert.deepEqual([here.status, there.status], [0, 0], there.stderr);
    assert.deepEqual(JSON.parse(there.stdout), JSON.parse(here.stdout));
    assert.equal((JSON.parse(there.stdout) as { sweep: unknown[] }).sweep.length, 3);
  } finally {
    void kill(worker);
  }
});

test('a worker says as lines of JSON what it has done', { skip }, async () => {
  const worker = startPtshare(['worker', '--threads', '1', '--json', '--queue', server.url]);
  const { stdout } = ptshare(['check', 'M4', '--off', '--json', '--queue', server.url]);
  assert.equal(figuresOf(stdout).length, 1);
  worker.child.kill('SIGTERM');
  const said = (await worker.outcome).stdout.trimEnd().split('\n');
  const [first, ...units] = said.map((line) => JSON.parse(line) as Record<string, unknown>);
  assert.deepEqual(first, { event: 'ready', version: readVersion(), threads: 1 });
  const last = units.pop();
  assert.ok(units.length > 0);
  for (const [at, { event, job, id, seconds, ...counts }] of units.entries()) {
    assert.deepEqual([event, counts], ['unit', { why: null, done: at + 1, failed: 0 }]);
    assert.match(`${job} ${id}`, /^[\w-]+ [0-9a-f]+$/);
    assert.ok(Number(seconds) > 0);
  }
  assert.deepEqual(last, { event: 'end', done: units.length, failed: 0 });
});

test('a server that is not there, or wants another password, is said so with 3', { skip }, () => {
  for (const url of ['redis://127.0.0.1:1', server.url.replace('only', 'not')]) {
    const { status, stderr } = ptshare(['worker', '--queue', url]);
    assert.equal(status, 3);
    assert.match(stderr, /^ptshare: Cannot reach the queue: /);
    assert.doesNotMatch(stderr, /not-for-this-test/);
  }
  assert.equal(ptshare(['worker', '--queue', 'http://127.0.0.1/']).status, 2);
  assert.equal(ptshare(['worker']).status, 2);
});
