/** What Prometheus makes of the metrics, and of the files in examples/watch. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { type HostReport, hostReportSchema } from '../../src/report/schema.ts';
import { isInstalled, MAIN, ptshare } from '../command_line.ts';
import { freePort } from '../free_port.ts';

const EXAMPLES = 'examples/watch';
const TRIES = 100;
const PAUSE_MS = 500;
/** A program that does nothing, under a name that no other has. */
const NAME = `ptwatch-${process.pid}`;
const SLEEPERS = 5;

const TOKEN = 'of-sixteen-characters-or-more';
const AUTHORIZED = { authorization: `Bearer ${TOKEN}` };

let folder: string;
let tokenFile: string;
let exporter: ChildProcess;
let port: number;
const children: ChildProcess[] = [];

function start(program: string, ...args: string[]): ChildProcess {
  const child = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  children.push(child);
  return child;
}

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ptshare-prometheus-'));
  const sleeper = join(folder, NAME);
  copyFileSync('/bin/sleep', sleeper);
  tokenFile = join(folder, 'token');
  writeFileSync(tokenFile, `${TOKEN}\n`);
  for (let i = 0; i < SLEEPERS; i++) start(sleeper, '1000');
  const args = ['watch', '--every', '1s', '--cpu', '100', '--top', '1000'];
  const limits = ['--threshold', 'tables=1', '--threshold', 'tables=100%'];
  const serving = ['--listen', '127.0.0.1:0', '--token-file', tokenFile];
  exporter = start(process.execPath, MAIN, ...args, ...limits, ...serving);
  for await (const line of createInterface({ input: exporter.stderr! })) {
    port = Number(/127\.0\.0\.1:(\d+)/.exec(line)?.[1]);
    if (port > 0) break;
  }
});
after(async () => {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

/** Tries until `attempt` gives something. */
async function eventually<T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> {
  for (let i = 0; i < TRIES; i++) {
    const result = await attempt();
    if (result !== undefined) return result;
    await setTimeout(PAUSE_MS);
  }
  throw new Error(`${what} does not happen`);
}

async function metricsText(): Promise<string> {
  return eventually('a first sample', async () => {
    const response = await fetch(`http://127.0.0.1:${port}/metrics`, { headers: AUTHORIZED });
    const text = await response.text();
    return response.status === 200 ? text : undefined;
  });
}

function judged(context: TestContext, program: string): boolean {
  if (isInstalled(program)) return true;
  assert.ok(process.env.CI !== 'true', `${program} is installed where CI runs`);
  context.skip(`${program} is not installed (Debian package prometheus)`);
  return false;
}

function promtool(args: readonly string[], input?: string): void {
  const { status, stdout, stderr } = spawnSync('promtool', args, { input, encoding: 'utf8' });
  assert.equal(status, 0, stdout + stderr);
  if (input !== undefined) assert.equal(stdout + stderr, '');
}

test('promtool finds nothing to say about the metrics', async (context) => {
  if (judged(context, 'promtool')) promtool(['check', 'metrics'], await metricsText());
});

test('the example rules are raised when they should be, and the example configuration is one', (context) => {
  if (!judged(context, 'promtool')) return;
  promtool(['check', 'rules', join(EXAMPLES, 'alerts.yml')]);
  promtool(['test', 'rules', join(EXAMPLES, 'alerts_test.yml')]);
  promtool(['check', 'config', join(EXAMPLES, 'prometheus.yml')]);
});

test('every metric that the examples name is served', async () => {
  const text = await metricsText();
  for (const file of ['alerts.yml', 'alerts_test.yml', 'dashboard.json']) {
    const names = readFileSync(join(EXAMPLES, file), 'utf8').match(/ptshare_\w+/g);
    assert.ok(names !== null && names.length > 3, file);
    for (const name of names) assert.match(text, new RegExp(`^# TYPE ${name} `, 'm'));
  }
});

test('only GET of /metrics is answered with metrics', async () => {
  await metricsText();
  const status = async (path: string, method = 'GET'): Promise<number> =>
    (await fetch(`http://127.0.0.1:${port}${path}`, { method, headers: AUTHORIZED })).status;
  assert.equal(await status('/'), 200);
  assert.equal(await status('/metrics?x=1'), 200);
  assert.equal(await status('/etc/passwd'), 404);
  assert.equal(await status('/metrics', 'POST'), 405);
});

test('who has no token is refused', async () => {
  assert.equal((await fetch(`http://127.0.0.1:${port}/metrics`)).status, 401);
});

interface Series {
  readonly metric: Readonly<Record<string, string>>;
  readonly value: readonly [number, string];
}

async function seriesOf(server: string, promql: string): Promise<readonly Series[]> {
  const answer = await fetch(`${server}/api/v1/query?query=${encodeURIComponent(promql)}`);
  const said = (await answer.json()) as { error?: string; data?: { result: Series[] } };
  assert.ok(said.data, `${promql}: ${said.error}`);
  return said.data.result;
}

/** The newest value of each series, by name and labels. */
async function query(server: string, promql: string): Promise<Map<string, number>> {
  return new Map(
    (await seriesOf(server, promql)).map(({ metric, value }) => {
      const { __name__: name, group, object, threshold } = metric;
      const label = group ?? object ?? threshold;
      return [label === undefined ? name! : `${name} ${label}`, Number(value[1])];
    }),
  );
}

/** What the metrics should be by a report, as `query()` names them. */
function expected({ groups, objects, memory, exactness }: HostReport): Map<string, number> {
  const of = new Map<string, number>();
  of.set('ptshare_memory_bytes', memory.totalBytes);
  of.set('ptshare_whole_host', exactness.wholeHost ? 1 : 0);
  for (const { name, processes, vmPteBytes } of groups) {
    of.set(`ptshare_group_page_tables_bytes ${name}`, vmPteBytes);
    of.set(`ptshare_group_processes ${name}`, processes);
  }
  // Tables of a file are divided among all that have entries in them: only ours holds still.
  for (const { name, mappers, tableBytes } of objects) {
    if (name.includes(NAME)) of.set(`ptshare_object_mappers ${name}`, mappers);
    if (name.includes(NAME)) of.set(`ptshare_object_page_tables_bytes ${name}`, tableBytes);
  }
  return of;
}

function report(): HostReport {
  const { status, stdout, stderr } = ptshare(['host', '--json']);
  assert.equal(status, 0, stderr);
  return hostReportSchema.parse(JSON.parse(stdout));
}

test('a Prometheus that scrapes them has the values of `ptshare host --json`', async (context) => {
  if (!judged(context, 'prometheus')) return;
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    `scrape_configs:
  - job_name: ptshare
    scrape_interval: 1s
    authorization: {credentials_file: ${tokenFile}}
    static_configs: [{targets: ['127.0.0.1:${port}']}]\n`,
  );
  const listen = `127.0.0.1:${await freePort()}`;
  const server = `http://${listen}`;
  start(
    'prometheus',
    `--config.file=${config}`,
    `--storage.tsdb.path=${join(folder, 'data')}`,
    `--web.listen-address=${listen}`,
  ).stderr!.resume();
  await eventually('a scrape', async () => {
    const values = await query(server, 'ptshare_watch_samples_total').catch(() => new Map());
    return values.size > 0 ? values : undefined;
  });

  const start0 = report();
  const earlier = expected(start0);
  // The next sample but one was begun after the report, and its scrape is the one looked at.
  const samples = (await query(server, 'ptshare_watch_samples_total')).get(
    'ptshare_watch_samples_total',
  )!;
  const scraped = await eventually('two more samples', async () => {
    const values = await query(server, '{__name__=~"ptshare_.+"}');
    return values.get('ptshare_watch_samples_total')! >= samples + 2 ? values : undefined;
  });
  const later = expected(report());
  const still = [...earlier].filter(([name, value]) => later.get(name) === value);
  const ours = still.filter(([name]) => name.includes(NAME));
  assert.equal(ours.length, 4, 'tables and number of our processes, and of their program');
  for (const [name, value] of ours) assert.equal(scraped.get(name), value, name);
  assert.equal(scraped.get(`ptshare_group_processes ${NAME}`), SLEEPERS);
  // Others may change and change back between the two reports, but most of them do not.
  const equal = still.filter(([name, value]) => scraped.get(name) === value);
  assert.ok(equal.length >= still.length * 0.8, `${equal.length} of ${still.length}`);
  assert.equal(scraped.get('ptshare_threshold_exceeded tables=1'), 1);
  assert.equal(scraped.get('ptshare_threshold_exceeded tables=100%'), 0);
  await answersDashboard(server);
});

/** Each panel of the dashboard has something to show, for all hosts as Grafana asks for them. */
async function answersDashboard(server: string): Promise<void> {
  const { panels } = JSON.parse(readFileSync(join(EXAMPLES, 'dashboard.json'), 'utf8')) as {
    panels: { title: string; targets: { expr: string }[] }[];
  };
  assert.ok(panels.length > 0);
  for (const { title, targets } of panels) {
    assert.ok(targets.length > 0, title);
    for (const { expr } of targets) {
      const series = await seriesOf(server, expr.replaceAll('$instance', '.*'));
      assert.ok(series.length > 0, `${title}: ${expr}`);
    }
  }
}
