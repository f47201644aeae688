/** Whether the judge can be relied on: that it is right where that is known, and tidy. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { judgedTest, programs, root } from '../live/judge.ts';
import { childrenOf, until } from '../live/until.ts';
import { CALL_NAMES } from './calls.ts';
import { freshPrograms } from './fresh_programs.ts';
import { generateProgram } from './generator.ts';
import { EXECUTOR_ARGUMENTS, executor, runAllOnKernel, runOnKernel } from './kernel_judge.ts';
import { encodeProgram, formatProgram, type Program, parseProgram } from './program.ts';
import { referenceHost } from './reference_host.ts';
import { DEBUGGER_RULES } from './rules/debugger.ts';
import { FILE_RULES } from './rules/file.ts';
import { MADVISE_RULES } from './rules/madvise.ts';
import { MLOCK_RULES } from './rules/mlock.ts';
import { MMAP_RULES } from './rules/mmap.ts';
import { MREMAP_RULES } from './rules/mremap.ts';
import { findings } from './rules/rule.ts';
import { VMA_RULES } from './rules/vma.ts';
import { shrink } from './shrink.ts';

const PROGRAMS = 200;
const STEPS = 500;
const needs = [root, programs('gcc')];

judgedTest('random programs bring every call to success and to failure', needs, (context) => {
  const { seed, programs } = freshPrograms(PROGRAMS, STEPS);
  context.diagnostic(`seeds from ${seed}`);
  const reports = runAllOnKernel(programs);
  const kinds = new Map(CALL_NAMES.map((name) => [name as string, new Set<string>()]));
  programs.forEach(({ steps }, index) => {
    steps.forEach(({ call }, step) => {
      kinds.get(call.name)!.add(reports[index]!.outcomes[step]!.kind);
    });
  });
  const harmless = ['brk', 'exit', 'fork', 'thread', 'munlockall', 'observe', 'open', 'stripe'];
  for (const [name, seen] of kinds) {
    // Programs of their own have these, and rules that succeed and fail (uffd_rules.test.ts).
    if (name === 'userfaultfd' || name.startsWith('uffd_')) continue;
    assert.ok(seen.has('returned'), `${name} returns`);
    if (harmless.includes(name)) continue;
    assert.ok(seen.has('failed') || seen.has('signalled'), `${name} fails`);
  }
});

judgedTest('the process that programs start in holds nothing but the executor', needs, () => {
  const { initial, states } = runOnKernel({ steps: [] });
  const inside = ({ start, end }: { readonly start: number; readonly end: number }): boolean =>
    start * 4096 >= initial.ownStart && end * 4096 <= initial.ownEnd;
  assert.ok(initial.own.every(inside));
  assert.equal(initial.ownEnd - initial.ownStart, 2 ** 21);
  // Without randomization, with 8 MiB of stack.
  assert.equal(initial.mmapBase, 0x7ffff7fff000);
  assert.equal(initial.brkStart, 0x555555555000);
  assert.equal(initial.counters.VmPTE, 3);
  assert.equal(initial.counters.RssFile, 0);
  assert.deepEqual(states[0]!.vmas, []);
  assert.deepEqual(states[0]!.pages, []);
  assert.deepEqual(states[0]!.counters, initial.counters);
});

const ALL_RULES = [
  ...[MMAP_RULES, MREMAP_RULES, VMA_RULES, MADVISE_RULES, MLOCK_RULES, FILE_RULES],
  DEBUGGER_RULES,
];
for (const rules of ALL_RULES) {
  judgedTest(
    `${rules.length} rules, among them: ${rules[0]!.says}`,
    [...needs, referenceHost],
    () => {
      const reports = runAllOnKernel(rules.map(({ program }) => parseProgram(program)));
      assert.deepEqual(
        rules.map((rule, index) => findings(rule, reports[index]!)),
        rules,
      );
    },
  );
}

judgedTest('steps of nobody, and those that would reach the executor, are not run', needs, () => {
  const { ownStart } = runOnKernel({ steps: [] }).initial;
  const program = parseProgram(`
    p1 brk 0
    munmap 0x10000 ${ownStart}
    mmap ${ownStart} 0x1000 none private|anonymous|fixed none 0
    madvise 0x20000000 0x1000 100
    fork 1
    fork 1
    p1 exit
    p1 brk 0
    fork 1
    p1 brk 0
  `);
  assert.deepEqual(
    runOnKernel(program).outcomes.map(({ kind }) => kind),
    [
      ...['not run', 'not run', 'not run', 'not run', 'returned', 'not run'],
      ...['returned', 'not run', 'returned', 'returned'],
    ],
  );
});

judgedTest('a state names what is mapped by the step that made it', needs, () => {
  const { states, outcomes } = runOnKernel(
    parseProgram(`
      memfd_create f0 none 1
      open f1 ext4
      open f2 tmpfs
      shmget 0 0x1000 none
      reopen f3 f1 readonly
      mmap 0x20000000 0x1000 read shared|fixed f0 0
      mmap 0x20001000 0x1000 read shared|fixed f3 0
      mmap 0x20002000 0x1000 read shared|fixed f2 0
      shmat 0 0x20003000 none
      mmap 0x20004000 0x1000 read shared|anonymous|fixed none 0
      mmap 0x20005000 0x1000 read private|anonymous|fixed none 0
      mincore 0x20005000 0x1000
    `),
  );
  assert.deepEqual(
    states[0]!.vmas.map(({ backing }) => backing),
    [
      { kind: 'file', step: 0 },
      { kind: 'file', step: 1 },
      { kind: 'file', step: 2 },
      { kind: 'segment', step: 3 },
      { kind: 'shared', number: 0 },
      { kind: 'anonymous' },
    ],
  );
  assert.deepEqual(outcomes.at(-1), { kind: 'returned', value: 0, resident: [] });
});

judgedTest('a failing program shrinks to steps that are all needed', needs, () => {
  const hasBusError = (program: Program): boolean =>
    runOnKernel(program).outcomes.some((it) => it.kind === 'signalled' && it.signal === 7);
  const program = Array.from({ length: 50 }, (_, seed) => generateProgram(seed, 100)).find(
    hasBusError,
  )!;
  const small = shrink(program, hasBusError);
  assert.ok(small.steps.length <= 5, formatProgram(small));
  assert.ok(hasBusError(small));
  small.steps.forEach((left) => {
    assert.ok(!hasBusError({ steps: small.steps.filter((step) => step !== left) }));
  });
});

test('the text of a program means the same program', () => {
  for (let seed = 0; seed < 50; seed++) {
    const program = generateProgram(seed, STEPS);
    assert.deepEqual(parseProgram(formatProgram(program)), program);
  }
  assert.equal(
    formatProgram(parseProgram('brk 0; p1 munmap #0/21-4096 -1')).split('\n')[1],
    '#1 p1 munmap #0/21-0x1000 -0x1',
  );
});

test('a program that cannot be is refused', () => {
  const refused: readonly (readonly [string, RegExp])[] = [
    ['fork 8', /#0: no process 8/],
    ['p9 brk 0', /#0: no process 9/],
    ['shmget 16 1 none', /#0: no segment 16/],
    ['open none ext4', /#0: no file -65/],
    ['store 0 1 0xcc', /#0: byte 204 is not one of BYTES/],
  ];
  for (const [text, message] of refused) {
    assert.throws(() => encodeProgram(parseProgram(text)), message);
  }
  assert.throws(() => parseProgram('mmap 0'), /mmap takes address length prot flags file offset/);
  assert.throws(() => parseProgram('reboot'), /no such call/);
});

/** Other tests make segments too, but not of this size. */
const UNUSUAL_BYTES = 0x1237000;
const LITTERING = `
  shmget 0 ${UNUSUAL_BYTES} none
  shmat 0 0 none
  open f0 ext4
  open f1 tmpfs
  fork 1`;

function isSegmentLeft(): boolean {
  return readFileSync('/proc/sysvipc/shm', 'latin1').includes(` ${UNUSUAL_BYTES} `);
}

/** Gone, or dead: init, which inherits those whose parent was killed, takes its time to bury them. */
function isDead(pid: string): boolean {
  try {
    return /^State:\tZ/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'));
  } catch {
    return true;
  }
}

judgedTest('nothing is left of a program', needs, () => {
  executor();
  // On tmpfs other tests come and go.
  const folder = EXECUTOR_ARGUMENTS[0]!;
  const before = readdirSync(folder);
  const { outcomes } = runOnKernel(parseProgram(LITTERING));
  assert.ok(outcomes.every(({ kind }) => kind === 'returned'));
  assert.ok(!isSegmentLeft());
  assert.deepEqual(readdirSync(folder), before);
});

judgedTest('nothing is left of an executor that was killed', needs, async () => {
  const server = spawn(executor(), EXECUTOR_ARGUMENTS, { stdio: ['pipe', 'ignore', 'inherit'] });
  const closed = once(server, 'close');
  // Gigabytes of zero pages take long.
  const program = parseProgram(`${LITTERING}
    mmap 0x10000000000 0x4000000000 read private|anonymous|noreserve|fixed none 0
    load 0x10000000000 0x4000000`);
  server.stdin.end(encodeProgram(program));
  await until(() => childrenOf(server.pid!).length === 2, 'two processes run');
  const pids = childrenOf(server.pid!);
  server.kill('SIGKILL');
  await closed;
  await until(() => pids.every(isDead), 'they are dead');
  await until(() => !isSegmentLeft(), 'the segment is gone');
});
