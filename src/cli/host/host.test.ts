import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { stripVTControlCharacters } from 'node:util';
import { isInstalled, MAIN, ptshare } from '../../../test/command_line.ts';
import { hostReport } from '../../../test/host_report.ts';
import { comparisonSchema } from '../../report/compare/schema.ts';
import { hostReportSchema } from '../../report/schema.ts';

let folder = '';
let snapshot = '';

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'ptshare-host-'));
  snapshot = join(folder, 'host.parquet');
  const { status, stderr } = ptshare(['--pid', String(process.pid), '--save', snapshot]);
  assert.equal(status, 0, stderr);
});
after(() => rmSync(folder, { recursive: true }));

const inFolder = (name: string): string => join(folder, name);

test('host is what runs without a command, on this host', () => {
  const { status, stdout, stderr } = ptshare([]);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /^ptshare host: /);
  assert.match(stdout, /Page tables take /);
  assert.ok(Math.max(...stdout.split('\n').map((line) => line.length)) <= 100);
});

test('--json is one report of the documented schema, and nothing else', () => {
  const { status, stdout } = ptshare(['host', '--json', '--pid', String(process.pid)]);
  assert.equal(status, 0);
  const data: unknown = JSON.parse(stdout);
  const report = hostReportSchema.parse(data);
  // Strictly: the schema would let further fields pass.
  assert.deepEqual(data, report);
  assert.deepEqual(
    report.processes.map(({ pid }) => pid),
    [process.pid],
  );
});

test('a snapshot gives the same report again, anywhere', () => {
  const first = ptshare(['--from', snapshot, '--json']);
  assert.equal(first.status, 0, first.stderr);
  assert.equal(ptshare(['--from', snapshot, '--json']).stdout, first.stdout);
  assert.equal(hostReportSchema.parse(JSON.parse(first.stdout)).processes[0]!.pid, process.pid);
});

test('--compare takes a snapshot or a report, and prints a comparison', () => {
  const json = inFolder('report.json');
  writeFileSync(json, JSON.stringify(hostReport()));
  for (const earlier of [snapshot, json]) {
    const args = ['--from', snapshot, '--compare', earlier];
    const { status, stdout } = ptshare([...args, '--json']);
    assert.equal(status, 0);
    const data: unknown = JSON.parse(stdout);
    assert.deepEqual(comparisonSchema.parse(data), data);
    assert.match(ptshare(args).stdout, /^ptshare compare: /);
  }
});

test('--redact leaves no name of the host in any output', () => {
  const html = inFolder('redacted.html');
  const saved = inFolder('redacted.parquet');
  const args = ['--from', snapshot, '--redact', '--json', '--html', html, '--save', saved];
  const { status, stdout } = ptshare(args);
  assert.equal(status, 0);
  const names = /libc\.so|bin\/node|"node"/;
  const read = ptshare(['--from', saved, '--json']).stdout;
  for (const text of [stdout, read, readFileSync(html, 'utf8')]) assert.doesNotMatch(text, names);
  assert.match(ptshare(['--from', snapshot, '--json']).stdout, names);
});

test('--project predicts a group with more processes, and names the groups there are not', () => {
  const { hostname: _, ...report } = JSON.parse(
    ptshare(['--from', snapshot, '--json', '--project', 'node=7']).stdout,
  ) as { hostname: string; groups: { name: string; processes: number }[]; notes: string[] };
  assert.equal(report.groups.find(({ name }) => name === 'node')?.processes, 7);
  assert.match(report.notes.join('\n'), /7 processes in group node/);
  const wrong = ptshare(['--from', snapshot, '--project', 'nobody=7']);
  assert.equal(wrong.status, 2);
  assert.match(wrong.stderr, /--project nobody/);
});

test('processes that there are not are a wrong use, not an empty report', () => {
  for (const filter of [
    ['--pid', '4194304'],
    ['--comm', 'no-such-command'],
    ['--cgroup', '/none'],
  ]) {
    const { status, stdout, stderr } = ptshare(filter);
    assert.deepEqual([status, stdout], [2, '']);
    assert.match(stderr, /no process with page tables matches --pid, --comm or --cgroup/);
  }
});

test('files are replaced whole, for their owner only, and through links', () => {
  const target = inFolder('page.html');
  const link = inFolder('link.html');
  writeFileSync(target, 'old');
  chmodSync(target, 0o644);
  symlinkSync(target, link);
  const { status, stdout } = ptshare(['--from', snapshot, '--html', link]);
  assert.equal(status, 0);
  assert.match(stdout, /^ptshare host: /);
  assert.match(readFileSync(target, 'utf8'), /^<!doctype html>/);
  assert.equal(statSync(target).mode & 0o777, 0o600);
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.endsWith('.partial')),
    [],
  );
});

test('what is no regular file is written to and stays what it is', () => {
  const command = `'${process.execPath}' '${MAIN}' --from '${snapshot}' --json --html /dev/stdout | cat`;
  const { stdout } = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
  assert.match(stdout, /^<!doctype html>.*<\/html>\n\{/s);
  assert.equal(ptshare(['--from', snapshot, '--html', '/dev/null']).status, 0);
  assert.ok(statSync('/dev/null').isCharacterDevice());
});

test('files that cannot be used are refused with cause, place and mend', () => {
  const json = inFolder('other.json');
  writeFileSync(json, '{"schema":"ptshare.host/1","takenAt":7}');
  const text = inFolder('text');
  writeFileSync(text, 'PAR');
  const cases: readonly (readonly [readonly string[], RegExp])[] = [
    [['--from', inFolder('none')], /Cannot read .*none: no such file/],
    [['--from', folder], /Cannot read .*: it is a directory/],
    [['--from', text], /Invalid snapshot/],
    [['--compare', text], /it is neither a snapshot nor JSON/],
    [['--compare', json], /no report of a host: takenAt: /],
    [['--from', snapshot, '--save', '/proc/none/x'], /Cannot write \/proc\/none\/x: no such file/],
    [['--from', snapshot, '--html', folder], /Cannot write .*: it is a directory/],
  ];
  for (const [args, message] of cases) {
    const { status, stdout, stderr } = ptshare(args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, message);
    assert.match(stderr, /Pass a (file|path)/);
    assert.doesNotMatch(stderr, /\n {4}at /);
  }
});

test('colours go to a terminal only, and not against NO_COLOR or --no-color', () => {
  const onTerminal = (env: Record<string, string>, ...more: string[]): string => {
    const command = [process.execPath, MAIN, '--from', snapshot, ...more, '2>/dev/null'].join(' ');
    const { stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      env: { PATH: process.env.PATH, LANG: 'C.UTF-8', TERM: 'xterm-256color', ...env },
      encoding: 'utf8',
    });
    return stdout;
  };
  const colored = onTerminal({});
  assert.notEqual(stripVTControlCharacters(colored), colored);
  for (const plain of [
    onTerminal({ NO_COLOR: '1' }),
    onTerminal({ TERM: 'dumb' }),
    onTerminal({}, '--no-color'),
    ptshare(['--from', snapshot]).stdout,
  ]) {
    assert.match(plain, /Page tables take /);
    assert.equal(stripVTControlCharacters(plain), plain);
  }
});

test('a locale without Unicode gets ASCII', () => {
  const env = { PATH: process.env.PATH, LC_ALL: 'C' };
  assert.match(ptshare(['--from', snapshot], { env }).stdout, /^[\n -~]*$/);
});

test('a reader that hangs up is no error', {
  skip: isInstalled('bash') ? false : 'no bash',
}, () => {
  const command = `"${process.execPath}" "${MAIN}" --from "${snapshot}" --json | head -c 1; echo "\${PIPESTATUS[0]}"`;
  const { stdout, stderr } = spawnSync('bash', ['-c', command], { encoding: 'utf8' });
  assert.deepEqual([stdout, stderr], ['{0\n', '']);
});

test('Ctrl-C ends with 130 in a shell, at once even if a read hangs, and leaves no file', () => {
  // Opening a pipe that nobody writes to does not return.
  const pipe = inFolder('pipe');
  const target = inFolder('interrupted.parquet');
  assert.equal(spawnSync('mkfifo', [pipe]).status, 0);
  const program = `
    '${process.execPath}' '${MAIN}' --from '${pipe}' --save '${target}' &
    sleep 1; kill -INT $!; wait $!; echo $?
  `;
  // Job control, because a shell without it has its background commands ignore Ctrl-C.
  const { stdout } = spawnSync('sh', ['-mc', program], { encoding: 'utf8' });
  assert.equal(stdout, '130\n');
  assert.deepEqual(
    readdirSync(folder).filter((name) => name.includes('interrupted')),
    [],
  );
});
