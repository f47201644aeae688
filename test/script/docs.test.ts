/** What docs/run.md says is so. */
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { CALLS, signatureOf } from '../../src/script/index.ts';
import { ptshare } from '../command_line.ts';
import { runScript } from './run_script.ts';

const text = readFileSync('docs/run.md', 'utf8');

test('docs/run.md lists every call with its parameters, and no other', () => {
  const listed = [...text.matchAll(/^\| `(\w+\(.*\))` \| (.*) \|$/gm)].map(
    ([, signature, summary]) => `${signature} ${summary}`,
  );
  assert.deepEqual(
    listed,
    CALLS.map((call) => `${signatureOf(call)} ${call.summary}`),
  );
});

test('the script of docs/run.md runs', () => {
  const [, script] = /```\n(a = mmap[\s\S]*?)```/.exec(text)!;
  const { steps, session } = runScript(script!);
  assert.ok(steps.every(({ outcome }) => outcome.kind === 'returned' || outcome.kind === 'shown'));
  assert.equal(session.audit(), undefined);
});

test('the module of docs/run.md runs', () => {
  const [, module] = /```ts\n([\s\S]*?)```/.exec(text)!;
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-docs-'));
  try {
    writeFileSync(join(folder, 'scenario.ts'), module!);
    const { status, stdout } = ptshare(['run', join(folder, 'scenario.ts')]);
    assert.equal(status, 0);
    assert.match(stdout, /32 tables/);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('docs/run.md names every option', () => {
  const help = ptshare(['run', '--help']).stdout;
  const options = [...help.matchAll(/^ {2}(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name!);
  const unmentioned = ['--help', '--interactive', '--width', '--no-color'];
  for (const name of options.filter((option) => !unmentioned.includes(option))) {
    assert.ok(text.includes(`\`${name}`), name);
  }
});
