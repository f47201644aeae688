import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type Outcome, ptshare } from '../../test/command_line.ts';
import { decodeTrace, events } from '../trace/index.ts';

const SCRIPT = 'a = mmap(NULL, 8*K, 3, 0x22); write(a, 8*K); cpu(1); fork(); munmap(a, 8*K)';

/** Runs a script with a trace in a folder of its own; `look` gets the folder. */
function traced(
  name: string,
  script: string,
  look: (folder: string, outcome: Outcome) => void,
): void {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-trace-'));
  try {
    const args = ['run', '-', '--json', '--trace', join(folder, name)];
    look(folder, ptshare(args, { input: script }));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

test('a .ptt file is a trace with the calls of the script, step by step', () => {
  traced('run.ptt', SCRIPT, (folder, { status, stderr }) => {
    assert.deepEqual([status, stderr.trim()], [0, '']);
    const told = [...events(decodeTrace(readFileSync(join(folder, 'run.ptt'))))];
    const calls = told.flatMap((event) =>
      event.kind === 'operationBegin' ? [`${event.cpu} ${event.operation}`] : [],
    );
    assert.deepEqual(calls, ['0 mmap', '0 write', '0 cpu', '1 fork', '1 munmap']);
    assert.ok(told.some((event) => event.kind === 'name' && event.text === 'mmap_lock of mm 0'));
    assert.ok(new Set(told.map(({ time }) => time)).size > 100);
  });
});

test('a .json file is for Chrome, a .pftrace file for Perfetto', () => {
  traced('run.json', SCRIPT, (folder) => {
    const { traceEvents } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
    assert.ok(traceEvents.some(({ name }: { name?: string }) => name === 'munmap'));
  });
  traced('run.pftrace', SCRIPT, (folder) => {
    const bytes = readFileSync(join(folder, 'run.pftrace'));
    // Field 1 of a Perfetto trace, length-delimited: a packet.
    assert.equal(bytes[0], 0x0a);
    assert.ok(bytes.includes('munmap'));
  });
});

test('a trace that cannot be written says why, and leaves no file behind', () => {
  traced('run.txt', SCRIPT, (folder, { status, stderr }) => {
    assert.equal(status, 2);
    assert.match(stderr, /\.ptt, \.pftrace, \.json/);
    assert.deepEqual(readdirSync(folder), []);
  });
  traced('run.json', 'a = mmap(NULL, 128*M, 3, 0x22); write(a, 128*M)', (folder, outcome) => {
    assert.equal(outcome.status, 2);
    assert.match(outcome.stderr, /200000 at most/);
    assert.match(outcome.stderr, /Perfetto/);
    assert.deepEqual(readdirSync(folder), []);
  });
});
