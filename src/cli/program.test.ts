import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { ptshare } from '../../test/command_line.ts';

/** In the order of the help: what most people want comes first. */
const COMMANDS = [
  'host',
  'compare',
  'watch',
  'fleet',
  'run',
  'replay',
  'check',
  'view',
  'worker',
  'completion',
];

test('--help shows every command, and every command its options', () => {
  const { status, stdout, stderr } = ptshare(['--help']);
  assert.deepEqual([status, stderr], [0, '']);
  const commands = [...stdout.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!);
  assert.deepEqual(commands, [...COMMANDS, 'help']);
  for (const command of COMMANDS) {
    for (const args of [
      [command, '--help'],
      ['help', command],
    ]) {
      const help = ptshare(args);
      assert.equal(help.status, 0);
      assert.match(help.stdout, new RegExp(`^Usage: ptshare ${command} `));
      assert.match(help.stdout, /--help/);
    }
  }
});

test('no line of help is wider than 100 columns', () => {
  for (const args of [['--help'], ...COMMANDS.map((name) => [name, '--help'])]) {
    const wide = ptshare(args)
      .stdout.split('\n')
      .filter((line) => line.length > 100);
    assert.deepEqual(wide, []);
  }
});

test('--version is the version of the package', () => {
  const { version } = JSON.parse(readFileSync('package.json', 'utf8')) as { version: string };
  assert.deepEqual(ptshare(['--version']), { status: 0, stdout: `${version}\n`, stderr: '' });
});

const WRONG: readonly (readonly [readonly string[], RegExp])[] = [
  [
    ['frobnicate'],
    new RegExp(`Unknown command: frobnicate\\nUse one of: help, ${COMMANDS.join(', ')}`),
  ],
  [['--frob'], /unknown option '--frob'.*\nRun `ptshare host --help`/s],
  [['host', '--jsno'], /Did you mean --json\?/],
  [['host', 'extra'], /too many arguments for 'host'/],
  [['--pid', 'postgres'], /'--pid <pids>' argument 'postgres' is invalid. A whole number from 1/],
  [['--pid', '1,,2'], /A whole number from 1/],
  [['--budget', '0'], /A number of seconds above 0 is wanted/],
  [['--budget', 'Infinity'], /A number of seconds above 0 is wanted/],
  [['--width', '59'], /A whole number from 60 to 10000 is wanted/],
  [['--top', '0'], /A whole number from 1/],
  [['--project', 'postgres'], /A group and a number are wanted, as in postgres=500/],
  [['--from', 'a', '--pid', '1'], /'--from <snapshot>' cannot be used with option '--pid <pids>'/],
  [['--compare', 'a', '--html', 'b'], /cannot be used with option/],
  [['--html'], /argument missing/],
  [['watch', '--listen', '0.0.0.0:80'], /An address of this machine is wanted/],
  [['watch', '--threshold', 'tables'], /A limit is wanted, as in tables=2%/],
  [['fleet'], /missing required argument 'file-or-folder'/],
  [['fleet', 'a', '--sql', 'b', '--html', 'c'], /cannot be used with option/],
  [['run'], /No scenario is given/],
  [['run', '--cpus', '31'], /A whole number from 1 to 30 is wanted/],
  [['run', '--memory', '17G'], /A size from 1M to 16G is wanted/],
  [['run', '--format', 'arm64-64k-48bit'], /Allowed choices are x86_64-4level/],
  [['run', '-i', '--json'], /cannot be used with option/],
  [['check', '--strategy', 'dpor'], /One of optimal, sleep, none, preemptions=N/],
  [['check', '--strategy', 'pct'], /One of optimal/],
  [['check', 'M1', '--schedule', '0-1'], /Signs 0-9, a-z, A-Z/],
  [['check', '--timeout', '0'], /A number of seconds above 0 is wanted/],
  [['check', '--workers', '0'], /A whole number from 1 to 1024/],
  [['check', '--list', '--all'], /cannot be used with option/],
  [['completion'], /missing required argument 'shell'/],
  [['completion', 'tcsh'], /Allowed choices are bash, zsh, fish/],
];

test('wrong use ends with 2, says what is wrong, and in one line how to mend it', () => {
  for (const [args, message] of WRONG) {
    const { status, stdout, stderr } = ptshare(args);
    assert.deepEqual([status, stdout], [2, ''], args.join(' '));
    assert.match(stderr, message);
    assert.match(stderr, /^ptshare: /);
    assert.match(stderr.trimEnd().split('\n').at(-1)!, /^(Run `ptshare .*--help`|Use one of)/);
    assert.doesNotMatch(stderr, /\n {4}at /);
  }
});

test('what a user typed cannot act on the terminal when it is repeated', () => {
  const { stderr } = ptshare(['\u001b[2J\u202e']);
  assert.match(stderr, /Unknown command: \\x1b\[2J\\u\{202e\}/);
});
