import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MAIN, ptshare } from '../../../test/command_line.ts';
import { temporaryFolder } from '../../../test/live/at_end.ts';
import { judgedTest, programs } from '../../../test/live/judge.ts';
import type { ReplayReport } from '../../replay/index.ts';
import { mountsOf } from './host_facts.ts';
import { Lines } from './lines.ts';

const THREADS = 'test/replay/recordings/threads.strace';

function json(args: readonly string[], input?: Buffer): ReplayReport {
  const options = input === undefined ? {} : { input };
  const { status, stdout, stderr } = ptshare(['replay', ...args, '--json'], options);
  assert.equal(status, 0, stderr);
  return JSON.parse(stdout) as ReplayReport;
}

test('a recording is read from a file, from standard input, and compressed', () => {
  const plain = json([THREADS]);
  assert.ok(plain.addresses.total > 50);
  const text = readFileSync(THREADS);
  assert.deepEqual(json(['-'], text), plain);
  assert.deepEqual(json(['-'], gzipSync(text)), plain);
});

judgedTest('a recording may be compressed by zstd', [programs('zstd')], () => {
  const folder = temporaryFolder();
  const file = join(folder, 'a.zst');
  assert.equal(ptshareShell(`zstd -q -o ${file} ${THREADS}`), 0);
  assert.deepEqual(json([file]), json([THREADS]));
});

function ptshareShell(command: string): number | null {
  return spawnSync('sh', ['-c', command]).status;
}

test('a difference ends with status 1, and is printed with both answers and the rule', () => {
  const lines = readFileSync(THREADS, 'latin1').split('\n');
  const at = lines.findIndex((line) => / mmap\(NULL, 913680/.test(line));
  lines[at] = lines[at]!.replace(/= 0x7\w+$/, '= 0x7e0000000000');
  const { status, stdout } = ptshare(['replay', '-', '--width', '80'], { input: lines.join('\n') });
  assert.equal(status, 1);
  assert.match(stdout, new RegExp(`^Line ${at + 1}, process \\d+: mmap\\(NULL`, 'm'));
  assert.match(stdout, /^ {2}kernel {2}0x7e0000000000$/m);
  assert.match(stdout, /^ {2}engine {2}0x7\w+: top-down: the highest gap below mmap_base$/m);
  for (const line of stdout.split('\n')) assert.ok(line.length <= 80, line);
});

test('--until and --show draw the address spaces of a moment', () => {
  const { status, stdout } = ptshare([
    'replay',
    THREADS,
    '--until',
    '150',
    '--show',
    '--top',
    '100',
  ]);
  assert.equal(status, 0);
  assert.match(stdout, /^150 lines: /);
  assert.match(stdout, /libc\.so\.6/);
  assert.match(stdout, /PGD #/);
});

const WRONG: readonly (readonly [readonly string[], string, RegExp])[] = [
  [[], '', /No recording is given/],
  [['/nowhere'], '', /Cannot read \/nowhere: no such file/],
  [['-'], 'hello\n', /standard input: it has no call that concerns memory/],
  [['-', '--strict'], 'hello\n', /Line 1: a call of strace is expected/],
  [['-', 'b'], '', /More than one recording/],
  [['-', '--save', 'x'], '', /--save is about a command/],
  [['-', '--until', '0'], '', /whole number/],
];

for (const [args, input, message] of WRONG) {
  test(`replay ${args.join(' ')} <<< '${input.trim()}' is wrong use`, () => {
    const { status, stdout, stderr } = ptshare(['replay', ...args], { input });
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, message);
    assert.match(stderr, /\n./);
  });
}

test('what is compressed and cut off is refused', () => {
  const input = gzipSync(readFileSync(THREADS)).subarray(0, 900);
  assert.throws(() => gunzipSync(input));
  const { status, stderr } = ptshare(['replay', '-'], { input });
  assert.equal(status, 2);
  assert.match(stderr, /Cannot decompress -: it is damaged or cut off/);
});

judgedTest(
  'a command is recorded, its output goes to stderr, and nothing is left',
  [programs('strace')],
  () => {
    const folder = temporaryFolder();
    const saved = join(folder, 'echo.strace');
    const env = { ...process.env, TMPDIR: folder };
    const { status, stdout, stderr } = ptshare(
      ['replay', '--save', saved, '--', 'echo', '-n', 'hello'],
      { env },
    );
    assert.deepEqual([status, stderr], [0, 'hello']);
    assert.match(stdout, /^Addresses +(\d+) of \1 exact/m);
    assert.deepEqual(readdirSync(folder), ['echo.strace']);
    assert.equal(json([saved]).addresses.exact, json([saved]).addresses.total);
  },
);

judgedTest('a command that cannot be run is said so', [programs('strace')], () => {
  const { status, stderr } = ptshare(['replay', '--', '/nowhere/to/be/found']);
  assert.equal(status, 2);
  assert.match(stderr, /No such file or directory/);
});

judgedTest(
  'a signal ends the command, too, and nothing is left',
  [programs('strace')],
  async () => {
    const folder = temporaryFolder();
    const env = { ...process.env, TMPDIR: folder };
    const args = [MAIN, 'replay', '--', 'sh', '-c', 'echo started; exec sleep 1000'];
    const running = spawn(process.execPath, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [text] = (await once(running.stderr, 'data')) as [Buffer];
    assert.equal(String(text), 'started\n');
    running.kill('SIGTERM');
    const [, signal] = (await once(running, 'close')) as [null, string];
    assert.equal(signal, 'SIGTERM');
    assert.deepEqual(readdirSync(folder), []);
  },
);

test('without strace nothing can be recorded', () => {
  const { status, stderr } = ptshare(['replay', '--', 'true'], { env: { PATH: '/nowhere' } });
  assert.equal(status, 3);
  assert.match(stderr, /strace is not installed\nInstall strace/);
});

test('mounts are read from mountinfo, with escaped spaces', () => {
  const text = `36 35 98:0 /mnt1 /a\\040b rw,noexec - ext4 /dev/root rw\n37 35 0:5 / /dev rw master:1 - devtmpfs d rw\nhello\n`;
  assert.deepEqual(mountsOf(text), [
    { path: '/a b', fileSystem: 'ext4', isExecutable: false },
    { path: '/dev', fileSystem: 'devtmpfs', isExecutable: true },
  ]);
});

test('lines are whole wherever chunks end, and cut where they are too long', () => {
  const text = 'one\ntwo\r\n\n123456789\n12345678\nlast';
  for (let size = 1; size <= text.length; size++) {
    const seen: string[] = [];
    const lines = new Lines(8, (line) => seen.push(line));
    for (let at = 0; at < text.length; at += size)
      lines.push(Buffer.from(text.slice(at, at + size)));
    lines.end();
    assert.deepEqual(seen, ['one', 'two', '', '123456789', '12345678', 'last']);
  }
});
