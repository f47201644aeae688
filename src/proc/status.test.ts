import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseStatus } from './status.ts';
import { ProcSyntaxError } from './syntax.ts';

const golden = (name: string): string =>
  readFileSync(new URL(`../../../src/proc/golden/${name}.status.txt`, import.meta.url), 'utf8');

test('parseStatus() reads a PostgreSQL backend', () => {
  assert.deepEqual(parseStatus(golden('postgres')), {
    name: 'postgres',
    pid: 17664,
    threadGroup: 17664,
    parentPid: 16971,
    uid: 65534,
    threads: 1,
    memory: { sizeBytes: 636396 * 1024, pteBytes: 180 * 1024 },
  });
});

test('parseStatus() finds no memory in a kernel thread', () => {
  const status = parseStatus(golden('kthreadd'));
  assert.equal(status.name, 'kthreadd');
  assert.equal(status.memory, undefined);
});

test('parseStatus() shows the effective user', () => {
  const text = golden('postgres').replace('Uid:\t65534\t65534', 'Uid:\t1000\t0');
  assert.equal(parseStatus(text).uid, 0);
});

test('parseStatus() is not fooled by a name that looks like a line', () => {
  // What Linux prints for a process that calls itself "x<newline>VmPTE:<tab>1 kB".
  const text = golden('kthreadd').replace('kthreadd', 'x\\nVmPTE:\t1 kB\\\\');
  const status = parseStatus(text);
  assert.equal(status.name, 'x\nVmPTE:\t1 kB\\');
  assert.equal(status.memory, undefined);
});

for (const [what, text] of [
  ['an empty text', ''],
  ['a pid that is no number', golden('kthreadd').replace('Pid:\t2', 'Pid:\t-2')],
  ['a size that is no number', golden('postgres').replace('180 kB', 'many kB')],
] as const) {
  test(`parseStatus() refuses ${what}`, () => {
    assert.throws(() => parseStatus(text), ProcSyntaxError);
  });
}
