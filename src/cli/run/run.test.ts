import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { isInstalled, MAIN, type Outcome, ptshare } from '../../../test/command_line.ts';
import type { RunReport } from '../../script/index.ts';

const EXAMPLES = 'examples/run';

function runText(text: string, ...options: readonly string[]): Outcome {
  return ptshare(['run', '-', ...options], { input: text });
}

/** What becomes of a module with that text. */
function runModule(name: string, text: string, ...options: readonly string[]): Outcome {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-run-'));
  try {
    writeFileSync(join(folder, name), text);
    return ptshare(['run', join(folder, name), ...options]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const name of readdirSync(EXAMPLES)) {
  test(`${name} runs, and ends with its address spaces drawn`, () => {
    const { status, stdout, stderr } = ptshare(['run', join(EXAMPLES, name)]);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /\nProcess 1 on CPU 0\n[\s\S]*\n {2}PGD #0 /);
  });
}

test('what the README shows is what is printed', () => {
  const readme = readFileSync('README.md', 'utf8');
  const [, script, printed] =
    /```\n\$ cat huge.txt\n([\s\S]*?)\$ ptshare run huge.txt\n([\s\S]*?)```/.exec(readme)!;
  assert.equal(runText(script!, '--width', '80').stdout.trimEnd(), printed!.trimEnd());
});

test('--json prints every call, and the address spaces as data', () => {
  const { status, stdout } = runText(
    'a = mmap(NULL, 2*M, 3, 0x22); write(a, 8*K); munmap(1, 1); read(0); show()',
    '--json',
  );
  assert.equal(status, 0);
  const report = JSON.parse(stdout) as RunReport;
  assert.equal(report.version, 1);
  assert.equal(report.violation, null);
  assert.deepEqual(
    report.steps.map(({ result }) => result),
    [
      '= 0x7ffff7c00000',
      '= 0 (2 pages)',
      '= -1 EINVAL (Invalid argument)',
      '--- SIGSEGV {si_code=SEGV_MAPERR, si_addr=NULL} ---',
      null,
    ],
  );
  const [space] = report.addressSpaces;
  assert.equal(space!.vmPteKiB, 12);
  const pte = space!.root.tables[0]!.tables[0]!.tables[0]!;
  assert.deepEqual(pte.entries, [{ first: 0, last: 1, kind: 'anon' }]);
  assert.equal(pte.start, '0x7ffff7c00000');
});

test('a mistake in a script ends with 2, its place, and a way out', () => {
  const { status, stdout, stderr } = runText('write(0)\n  frob(1)\n');
  assert.equal(status, 2);
  assert.match(stdout, /SIGSEGV/, 'what was performed before is shown');
  assert.equal(
    stderr,
    'ptshare: standard input:2:3: There is no call frob\nUse one of those that help() lists\n',
  );
  assert.equal(ptshare(['run', '/nonexistent/file']).status, 2);
  assert.equal(ptshare(['run', '/']).status, 2);
});

test('options shape the machine', () => {
  const huge = runText('a = mmap(NULL, 4*M, 3, 0x22); write(a, 4*M)', '--thp', 'always');
  assert.match(huge.stdout, /2 huge, 2 deposited/);
  const format = runText('a = mmap(NULL, 4*M, 3, 0x22); write(a)', '--format', 'x86_64-5level');
  assert.match(format.stdout, /P4D #1/);
  const cpus = runText('cpu(3)', '--cpus', '4');
  assert.match(cpus.stdout, /Process 1 on CPU 3/);
  const memory = runText('mmap(NULL, 2*M, 3, 0x22)', '--memory', '1M');
  assert.match(memory.stdout, /ENOMEM/);
  const maps = 'mmap(NULL, 4*K, 1, 0x22); mmap(NULL, 4*K, 3, 0x22); mmap(NULL, 4*K, 1, 0x22)';
  assert.match(runText(maps, '--max-map-count', '1').stdout, /ENOMEM/);
});

test('a module may be TypeScript, and import another one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-run-'));
  try {
    writeFileSync(join(folder, 'sizes.ts'), 'export const SIZE: number = 8192;\n');
    writeFileSync(
      join(folder, 'main.ts'),
      `import { SIZE } from './sizes.ts';
       interface Api { readonly calls: Record<string, (...values: unknown[]) => number> }
       export default async ({ calls }: Api): Promise<void> => {
         const a = calls.mmap!(0, SIZE, 3, 0x22);
         calls.write!(a, BigInt(SIZE));
       };`,
    );
    const { status, stdout, stderr } = ptshare(['run', join(folder, 'main.ts')]);
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /2 anon/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a generator runs operations of the canonical build, and calls beside them', () => {
  const { status, stdout, stderr } = runModule(
    'a.mjs',
    `export function* scenario({ mm, machine, task, calls }) {
       const a = calls.mmap(0, 4 << 20, 3, 0x22);
       const other = mm.taskOn(machine, 1, task.mm.id);
       for (let page = a / 4096; page < a / 4096 + 1024; page++) yield* mm.store(other, page, 1);
       calls.munmap(a, 1 << 20);
       calls.as(calls.fork());
       calls.write(a + (2 << 20), 1 << 20);
     }`,
  );
  assert.deepEqual([status, stderr], [0, '']);
  assert.match(stdout, /munmap\(0x7ffff7a00000, 1M\) = 0 {2}-256 pages\n/);
  assert.match(stdout, /768 anon/);
});

const BROKEN: readonly (readonly [string, string, RegExp])[] = [
  ['a.mjs', 'export const x = 1;', /exports no scenario\nWrite `export function scenario/],
  [
    'b.mjs',
    'export function scenario() { throw new Error("no") }',
    /failed: Error: no \(file:.*b\.mjs:1:36\)/,
  ],
  ['c.mjs', 'export {', /Cannot load .*SyntaxError/],
  ['d.ts', 'export const x: = 1;', /Cannot strip the types/],
  ['e.ts', 'export enum E { A }', /TypeScript enum is not supported in strip-only mode/],
  ['f.mjs', 'export const scenario = ({ calls }) => calls.mmap(1.5);', /mmap got 1.5/],
  ['g.mjs', 'export const scenario = ({ calls }) => calls.mmap(1);', /it got 1 of 6/],
  [
    'h.mjs',
    'export const scenario = ({ mm, machine }) => mm.unlock(machine, 0, 0, 1);',
    /failed: ModelError/,
  ],
];

test('a module that cannot be run ends with 2, and says where and why', () => {
  for (const [name, text, message] of BROKEN) {
    const { status, stderr } = runModule(name, text);
    assert.equal(status, 2, name);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n {4}at /);
  }
});

test('a property that is violated ends with 1', () => {
  const scenario = 'export const scenario = ({ mm, machine }) => mm.violate(machine, "P-TLB");';
  const found = runModule('a.mjs', scenario.replace('P-TLB', 'P-COUNT'));
  assert.equal(found.status, 1);
  assert.match(found.stdout, /Property violated: P-COUNT/);
});

test('a scenario that does not end can be interrupted', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-run-'));
  try {
    const path = join(folder, 'a.mjs');
    writeFileSync(path, 'export const scenario = ({ calls }) => { calls.echo("in"); for (;;); };');
    const child = spawn(process.execPath, [MAIN, 'run', path]);
    const closed = once(child, 'close');
    await once(child.stdout, 'data');
    child.kill('SIGINT');
    assert.deepEqual(await closed, [null, 'SIGINT']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('-i goes on after mistakes, over several lines, and shows values', () => {
  const { status, stdout, stderr } = ptshare(['run', '-i'], {
    input: 'a = mmap(NULL,\n2*M, 3,\n0x22)\na\n2*K\nfrob\nfrob(\n)\nwrite(a)\nquit\nwrite(a)\n',
  });
  assert.equal(status, 0);
  assert.deepEqual(stdout.split('\n'), [
    'mmap(NULL, 2M, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS, -1, 0) = 0x7ffff7c00000',
    '0x7ffff7c00000',
    '2048',
    'write(0x7ffff7c00000, 1) = 0 (1 page)  +1 page, +3 tables',
    '',
  ]);
  assert.match(stderr, /Nothing is called frob\n.*\nThere is no call frob\n/);
});

test('-i continues the script of a file', () => {
  const input = 'as(1)\nload(a)\n';
  const { stdout } = ptshare(['run', '-i', join(EXAMPLES, 'fork.txt')], { input });
  assert.match(stdout, /\nload\(0x7ffff7a00000\) = 1\n$/);
});

const script = {
  skip: isInstalled('script') ? false : 'script, which makes a terminal, is missing',
};

test(
  '-i on a terminal prompts, completes, forgets with Ctrl-C and ends with Ctrl-D',
  script,
  async () => {
    const child = spawn(
      'script',
      ['-qec', `${process.execPath} ${MAIN} run -i --no-color`, '/dev/null'],
      {
        env: { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8' },
      },
    );
    let seen = '';
    child.stdout.on('data', (data: Buffer) => {
      seen += data.toString('utf8');
    });
    const closed = once(child, 'close');
    const until = async (text: string): Promise<void> => {
      while (!seen.includes(text)) await once(child.stdout, 'data');
      seen = seen.slice(seen.indexOf(text) + text.length);
    };
    await until('[pid 1] ');
    child.stdin.write('munm\t');
    await until('munmap(');
    child.stdin.write('\u0003');
    await until('^C');
    await until('[pid 1] ');
    child.stdin.write('spawn()\r');
    await until('spawn() = 2');
    await until('[pid 1] ');
    child.stdin.write('as(2)\r');
    await until('[pid 2] ');
    child.stdin.write('mmap(\r');
    await until('... ');
    child.stdin.write('\u0003');
    await until('[pid 2] ');
    child.stdin.write('\u0003');
    await until('Ctrl-D or quit() ends');
    child.stdin.write('\u0004');
    const [status] = await closed;
    assert.equal(status, 0);
  },
);
