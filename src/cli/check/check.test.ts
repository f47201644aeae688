import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Outcome, ptshare } from '../../../test/command_line.ts';
import { Findings } from '../../document/findings.ts';
import { tellStory } from '../../document/story.ts';
import { ZOO } from '../../zoo/index.ts';
import type { CheckReport } from './report.ts';

const EXAMPLES = 'examples/check';

/** Two threads that add one to a counter, with a lock or without. */
const counter = (isLocked: boolean): string => `
  import { World, type Scenario } from 'ptshare/check';
  export function scenario(): Scenario {
    const world = new World();
    const value = world.word('value');
    const lock = world.mutex('lock');
    const adding = function* () {
      ${isLocked ? 'yield* lock.lock();' : ''}
      const before = yield* value.read();
      yield* value.write(before + 1);
      ${isLocked ? 'yield* lock.unlock();' : ''}
    };
    return world.scenario([adding, adding], () => (value.value === 2 ? undefined : 'lost update'));
  }
`;

function checkModule(name: string, text: string, ...options: readonly string[]): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-check-'));
  try {
    writeFileSync(join(folder, name), text);
    return ptshare(['check', join(folder, name), ...options]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const jsonOf = (stdout: string): CheckReport => JSON.parse(stdout) as CheckReport;

test('--list names every entry', () => {
  const { status, stdout, stderr } = ptshare(['check', '--list']);
  assert.deepEqual([status, stderr], [0, '']);
  for (const { id } of ZOO) assert.match(stdout, new RegExp(`^ {2}${id} `, 'm'));
  const { entries } = JSON.parse(ptshare(['check', '--list', '--json']).stdout) as {
    entries: readonly { id: string; title: string; fix: string | null }[];
  };
  const known = ZOO.map(({ id, title, fix = null }) => ({ id, title, fix }));
  assert.deepEqual(
    entries.map(({ id, title, fix }) => ({ id, title, fix })),
    known,
  );
});

test('a bug of the zoo is found, drawn, and shown again by the command it prints', () => {
  const { status, stdout, stderr } = ptshare(['check', 'Unlock-Before-Flush']);
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /With the mistake: found P-DATA in \d+ executions/);
  assert.match(stdout, /A write is lost, or a stale value is read/);
  assert.match(stdout, /^ {5}CPU 0: munmap +CPU 1: mmap, store, load$/m);
  assert.match(stdout, /^ +\d+ +! load through the TLB of CPU 1: a stale$/m);
  assert.match(stdout, /Without it: verified: nothing found in all [\d,]+ executions/);
  const [, schedule] = /Again: ptshare check M1 --on --schedule "(.*)"$/m.exec(stdout)!;
  const again = ptshare(['check', 'M1', '--on', '--schedule', schedule!]);
  assert.equal(again.status, 0);
  assert.match(again.stdout, /Then: P-DATA/);
  const clean = ptshare(['check', 'M1', '--off', '--schedule', '0']);
  assert.deepEqual([clean.status, clean.stdout], [0, 'Nothing is violated under this schedule\n']);
});

test('what a CPU holds where another one goes on is drawn', () => {
  const { stdout } = ptshare(['check', 'M3', '--on']);
  assert.match(stdout, /└─ holds irqs off/);
});

test('the state before the last step of a finding and behind it is drawn, and is in the JSON', () => {
  const { stdout } = ptshare(['check', 'M1', '--on', '--width', '120']);
  assert.match(stdout, /State +Before the last step +Behind it/);
  assert.match(stdout, /TLB of CPU 1: mm 0, page 0xa00 +may lead to frame \d+, writable/);
  const { state } = jsonOf(ptshare(['check', 'M1', '--on', '--json']).stdout).entries[0]!.on!;
  assert.ok(state!.before.length > 0 && state!.after.length > 0);
  const race = jsonOf(checkModule('race.ts', counter(false), '--json').stdout).entries[0]!.off!;
  assert.deepEqual(
    race.state?.after.map(({ of, is }) => `${of}: ${is}`),
    ['value: 1', 'lock: free'],
  );
});

test('no line of a finding is wider than asked for, however narrow', () => {
  for (const width of [60, 80, 140]) {
    const { stdout } = ptshare(['check', 'M1', '--width', String(width)]);
    const wide = stdout.split('\n').filter((line) => line.length > width);
    assert.deepEqual(
      wide.filter((line) => !/^ {2}(Schedule|Again): /.test(line)),
      [],
    );
  }
});

test('a scenario of the user’s is found wrong with 1, with its schedule and places', () => {
  const { status, stdout } = checkModule('race.ts', counter(false));
  assert.equal(status, 1);
  assert.match(stdout, /found lost update in \d+ executions?/);
  assert.match(stdout, /Schedule: 0110\n/);
});

test('a scenario of the user’s is verified with 0', () => {
  const { status, stdout } = checkModule('race.ts', counter(true));
  assert.equal(status, 0);
  assert.match(stdout, /verified: nothing found in all 2 executions/);
});

test('what the README shows is found, as it says', () => {
  const [, code] = /## Check[\s\S]*?```ts\n([\s\S]*?)```/.exec(readFileSync('README.md', 'utf8'))!;
  assert.ok(readFileSync('docs/check.md', 'utf8').includes(code!));
  const { status, stdout } = checkModule('race.mjs', code!);
  assert.equal(status, 1);
  assert.match(stdout, /found lost update/);
  assert.match(stdout, /Schedule: 0110\n/);
});

test('the race that the README shows as text is found, as it says', () => {
  const [, text] = /## Check[\s\S]*?```\n(a = [\s\S]*?)```/.exec(
    readFileSync('README.md', 'utf8'),
  )!;
  const { status, stdout } = checkModule('race.txt', text!);
  assert.equal(status, 1);
  assert.match(stdout, /found P-DATA/);
  assert.match(stdout, /Schedule: 010\n/);
});

test('the search that the documentation runs as a function prints what it says', () => {
  const [, code, printed] = /```js\n([\s\S]*?)```\n\nprints `([^`]*)`/.exec(
    readFileSync('docs/check.md', 'utf8'),
  )!;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', code!], {
    encoding: 'utf8',
  });
  assert.deepEqual([stdout, stderr], [`${printed}\n`, '']);
});

test('sentences of lists are never cut', () => {
  for (const option of ['--list', '--questions']) {
    const { stdout } = ptshare(['check', option, '--width', '60']);
    assert.ok(!stdout.includes('…'), stdout);
  }
});

for (const name of readdirSync(EXAMPLES)) {
  test(`${name} is verified`, () => {
    const { status, stdout } = ptshare(['check', join(EXAMPLES, name)]);
    assert.match(stdout, /verified: nothing found in all/);
    assert.equal(status, 0);
  });
}

test('a race as text is found wrong under a bug of the zoo, and its command shows it again', () => {
  const race = join(EXAMPLES, 'munmap_against_store.txt');
  const { status, stdout } = ptshare(['check', race, '--bug', 'M2']);
  assert.equal(status, 1);
  assert.match(stdout, /found P-UAF-PAGE in \d+ executions?/);
  const [, again] = /Again: ptshare (.*)/.exec(stdout)!;
  const { stdout: shown } = ptshare(again!.replaceAll('"', '').split(' '));
  assert.match(shown, /A page that was freed, or belongs to somebody else by now/);
});

test('what is found in a race as text is told by the viewer, which runs it again', () => {
  const race = join(EXAMPLES, 'munmap_against_store.txt');
  const { stdout } = ptshare(['check', race, '--bug', 'M2', '--json']);
  const [entry] = Findings.ofJson(JSON.parse(stdout))!.entries;
  const { story } = tellStory(entry!.source!, entry!.schedule);
  assert.equal(story.property, 'P-UAF-PAGE');
  assert.equal(story.fixed?.property, undefined);
  const shown = ptshare(['check', race, '--bug', 'M2', '--schedule', entry!.schedule, '--json']);
  assert.deepEqual(Findings.ofJson(JSON.parse(shown.stdout))!.entries[0]!.source, entry!.source);
});

test('a race as text is searched under a design of shared page tables', () => {
  const text = `f = memfd_create("buffers")
ftruncate(f, 2*M)
a = mmap(0x40000000, 2*M, PROT_READ|PROT_WRITE, MAP_SHARED|MAP_FIXED, f)
store(a, 1)
child = fork()
as(child); load(a); as(1)
cpu 0, process 1:
madvise(a, 4*K, MADV_PAGEOUT)
cpu 1, process 2:
load(a)
`;
  const posted = checkModule('race.txt', text, '--design', '2006-posted', '--json');
  assert.equal(jsonOf(posted.stdout).entries[0]!.off!.property, 'P-TLB');
  const reviewed = checkModule('race.txt', text, '--design', '2006', '--json');
  assert.equal(jsonOf(reviewed.stdout).entries[0]!.off!.complete, true);
});

test('what was cut by a bound is not called verified, and ends with 3', () => {
  const CUTS = [
    [['--max-executions', '1'], ['executions']],
    [['--strategy', 'random', '--max-executions', '3'], ['sample']],
    [['--strategy', 'pct=2', '--max-executions', '3'], ['sample']],
    [['--strategy', 'switches=0'], ['switches']],
  ] as const;
  for (const [options, bounds] of CUTS) {
    const { status, stdout } = checkModule('race.ts', counter(true), ...options, '--json');
    const { off } = jsonOf(stdout).entries[0]!;
    assert.deepEqual([status, off?.complete, off?.boundsHit], [3, false, bounds]);
    assert.match(
      checkModule('race.ts', counter(true), ...options).stdout,
      /not verified: nothing found in/,
    );
  }
});

test('every strategy that sees everything finds the lost update', () => {
  for (const strategy of ['optimal', 'sleep', 'none', 'preemptions=2', 'switches=3']) {
    const { status, stdout } = checkModule('race.ts', counter(false), '--strategy', strategy);
    assert.equal(status, 1, strategy);
    assert.match(stdout, /lost update/);
  }
});

test('--json says what was found, and what was searched', () => {
  const { status, stdout } = ptshare(['check', 'M2', '--json']);
  assert.equal(status, 0);
  const [{ id, on, off, bounds }] = jsonOf(stdout).entries as [CheckReport['entries'][0]];
  assert.deepEqual([id, on?.found, on?.property], ['M2', true, 'P-UAF-PAGE']);
  assert.deepEqual([off?.complete, off?.violations, off?.property], [true, 0, null]);
  assert.equal(bounds, ZOO.find((entry) => entry.id === 'M2')!.bounds);
  assert.ok(on!.seconds >= 0 && on!.executions > 0 && off!.executions > 0);
});

test('a mistake of the user’s is said with its place, and ends with 2', () => {
  const WRONG = [
    [checkModule('race.ts', 'export const scenario = 7;'), /exports no scenario/],
    [
      checkModule('race.mjs', 'export default () => { throw new Error("no"); }'),
      /Error: no \(file:/,
    ],
    [checkModule('race.ts', 'const a: = 1;'), /Cannot strip the types/],
    [ptshare(['check', '/nonexistent.ts']), /no such file or directory/],
    [checkModule('race.txt', 'cpu 0:\nstore(a'), /race.txt:2:8: /],
    [checkModule('race.txt', 'cpu 0:\nfork()'), /race.txt:2:1: fork cannot be raced/],
    [checkModule('race.txt', 'cpu 0:\n', '--bug', 'X1'), /There is no bug X1/],
    [checkModule('race.txt', '#'.repeat(2 ** 16 + 1)), /is longer than/],
    [ptshare(['check', 'M1', '--bug', 'M2']), /--bug and --design are for races as text/],
    [ptshare(['check', 'B99']), /There is no B99 in the zoo/],
    [ptshare(['check']), /Nothing is named/],
    [ptshare(['check', 'M1', '--schedule', '0']), /A schedule is of one search/],
    [ptshare(['check', 'M1', '--on', '--schedule', 'Z']), /actor 61 cannot take step 0/],
    [
      ptshare(['check', 'M1', '--strategy', 'sleep', '--checkpoint', '/tmp/x']),
      /cannot be gone on with/,
    ],
    [ptshare(['check', 'M1', '--checkpoint', 'package.json']), /package.json is no checkpoint/],
  ] as const;
  for (const [{ status, stdout, stderr }, message] of WRONG) {
    assert.deepEqual([status, stdout], [2, ''], stderr);
    assert.match(stderr, message);
  }
});
