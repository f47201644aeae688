/** `ptshare watch` as a user runs it. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { type TestContext, test } from 'node:test';
import type { Cost } from '../../src/watch/watch.ts';
import { MAIN, ptshare } from '../command_line.ts';

/** USER_HZ, which is 100 on every Linux. */
const TICKS_PER_SECOND = 100;
const NOBODY = '65534';

interface Line {
  readonly schema: string;
  readonly takenAt: string;
  readonly pageTablesBytes: number;
  readonly alarms: readonly { readonly threshold: string; readonly state: string }[];
  readonly raised: readonly string[];
  readonly cost: Cost;
}

function folderOf(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-watch-'));
  context.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

/** A watch, and its lines one by one. */
function startWatch(context: TestContext, ...args: string[]) {
  const child = spawn(process.execPath, [MAIN, 'watch', '--json', ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  context.after(() => child.kill('SIGKILL'));
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<Line> => {
    const { value, done } = await lines.next();
    assert.ok(done !== true, 'it goes on');
    return JSON.parse(value) as Line;
  };
  return { child, next };
}

test('--once tells by its status whether a threshold is passed', () => {
  const passed = ptshare(['watch', '--once', '--threshold', 'tables=1', '--json']);
  assert.equal(passed.status, 1, passed.stderr);
  const line = JSON.parse(passed.stdout) as Line;
  assert.equal(line.schema, 'ptshare.watch/1');
  assert.deepEqual(line.raised, ['tables=1']);
  assert.equal(line.alarms[0]?.state, 'raised');
  const notPassed = ptshare(['watch', '--once', '--threshold', 'tables=100%']);
  assert.equal(notPassed.status, 0, notPassed.stderr);
  assert.match(notPassed.stdout, /^\d\d:\d\d:\d\d {2}page tables .+ of memory/);
});

test('what cannot be done is said with a mend', () => {
  const cases: [string[], RegExp][] = [
    [['--listen', '0.0.0.0:9469'], /address of this machine is wanted/],
    [['--threshold', 'tables'], /A limit is wanted, as in tables=2%/],
    [['--every', '0'], /A time from 0\.1s to 7d is wanted/],
    [['--cpu', '0'], /percentage/],
    [['--disk', '10'], /size of 1M or more/],
    [['--once', '--token-file', '/dev/null'], /nothing is served.*--listen/s],
    [['--listen', '127.0.0.1:0', '--token-file', '/dev/null'], /not of 16 to 1024 characters/],
    [['--listen', '127.0.0.1:0', '--token-file', '/dev/zero'], /not of 16 to 1024 characters/],
    [
      ['--listen', '127.0.0.1:0', '--token-file', '/proc/none'],
      /the token in \/proc\/none: no such/,
    ],
    [['--once', '--store', '/proc/none'], /Cannot record in \/proc\/none: no such file/],
  ];
  for (const [args, message] of cases) {
    const { status, stderr } = ptshare(['watch', ...args]);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, message);
  }
});

async function endsBy(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  const exit = once(child, 'exit');
  child.kill(signal);
  assert.deepEqual(await exit, [null, signal]);
}

test('a signal ends it as a shell expects, and nothing unfinished stays', async (context) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    const folder = folderOf(context);
    const { child, next } = startWatch(context, '--store', folder, '--listen', '127.0.0.1:0');
    await next();
    await endsBy(child, signal);
    const names = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    assert.equal(names.filter((name) => name.endsWith('.parquet')).length, 1);
    assert.ok(!names.some((name) => name.endsWith('.partial')));
  }
});

test('a second one does not record into the same history', async (context) => {
  const folder = folderOf(context);
  const { child, next } = startWatch(context, '--store', folder);
  await next();
  const second = ptshare(['watch', '--once', '--store', folder]);
  assert.equal(second.status, 2);
  assert.match(second.stderr, /Another process records this host there/);
  await endsBy(child, 'SIGKILL');
  assert.equal(ptshare(['watch', '--once', '--store', folder]).status, 0, 'the lock is gone');
});

function cpuSecondsOf(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const [utime, stime] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return (Number(utime) + Number(stime)) / TICKS_PER_SECOND;
}

test('it keeps to its share of a CPU, by the clock of the kernel', async (context) => {
  const percent = 25;
  const { child, next } = startWatch(context, '--every', '0.1s', '--cpu', String(percent));
  await next();
  for (let sample = 2; sample <= 4; sample++) {
    const line = await next();
    const { cpuSeconds, cpuPercent, sampleCpuSeconds, sampleSeconds } = line.cost;
    const measured = cpuSecondsOf(child.pid!);
    assert.ok(measured >= cpuSeconds - 2 / TICKS_PER_SECOND, 'it says what the kernel counts');
    // When this sample was begun, all that was before it was within the share.
    const began = cpuSeconds / (cpuPercent / 100) - sampleSeconds;
    const share = ((cpuSeconds - sampleCpuSeconds) / began) * 100;
    assert.ok(share <= percent + 1, `${share.toFixed(1)}% at sample ${sample}`);
  }
  await endsBy(child, 'SIGKILL');
});

/** The capabilities of examples/watch/ptshare-watch.service. */
const UNIT = readFileSync('examples/watch/ptshare-watch.service', 'utf8');
const CAPABILITIES = /^AmbientCapabilities=(.+)$/m
  .exec(UNIT)![1]!
  .split(' ')
  .map((name) => name.replace('CAP_', '').toLowerCase());

/** What `ptshare host` sees as a user who has no rights but these capabilities. */
function seenWith(capabilities: readonly string[]): { processes: number; exact: number } {
  const list = ['-all', ...capabilities.map((name) => `+${name}`)].join(',');
  const sets = ['--inh-caps', '--ambient-caps', '--bounding-set'].map((set) => `${set}=${list}`);
  const user = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'];
  const { status, stdout, stderr } = spawnSync(
    'setpriv',
    [...user, ...sets, process.execPath, MAIN, 'host', '--json'],
    { encoding: 'utf8', maxBuffer: 2 ** 28 },
  );
  assert.equal(status, 0, stderr);
  return (JSON.parse(stdout) as { exactness: { processes: number; exact: number } }).exactness;
}

test('the capabilities of the example unit are enough without root, and none is too many', (context) => {
  if (process.geteuid?.() !== 0) {
    context.skip('only root can give capabilities away');
    return;
  }
  assert.deepEqual(CAPABILITIES, ['sys_ptrace', 'dac_read_search']);
  const { processes, exact } = seenWith(CAPABILITIES);
  assert.ok(exact > processes / 2, `${exact} of ${processes}`);
  // Without the other one it could not even read its own program in a folder of root.
  const fewer = seenWith(['dac_read_search']);
  assert.ok(fewer.exact <= 1, `${fewer.exact} of ${fewer.processes}`);
});

const systemd = spawnSync('systemd-analyze', ['--version']).status === 0;
const noSystemd = !systemd && !process.env.CI && 'systemd-analyze is not installed';

test('systemd finds nothing wrong with the example unit', { skip: noSystemd }, () => {
  const verify = ['verify', '--man=no', 'examples/watch/ptshare-watch.service'];
  const { status, stderr } = spawnSync('systemd-analyze', verify, { encoding: 'utf8' });
  const said = stderr.split('\n').filter((line) => line.includes('ptshare-watch'));
  assert.deepEqual({ status, said }, { status: 0, said: [] });
});
