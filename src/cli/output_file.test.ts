import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Failure } from './failure.ts';
import { writeOutputFile } from './output_file.ts';

test('a failed write leaves the old file, and nothing beside it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-output-'));
  try {
    const path = join(folder, 'a');
    writeFileSync(path, 'old');
    const broken = 7 as unknown as string;
    await assert.rejects(writeOutputFile(path, broken), TypeError);
    assert.equal(readFileSync(path, 'utf8'), 'old');
    assert.deepEqual(readdirSync(folder), ['a']);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a path that cannot be written is a wrong use with its reason', async () => {
  await assert.rejects(writeOutputFile('/proc/version/x', ''), (error) => {
    assert.ok(error instanceof Failure);
    assert.equal(error.exitCode, 2);
    assert.match(error.message, /a part of the path is not a directory/);
    return true;
  });
});

test('a signal in the middle of writing leaves neither the file nor a part of it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-output-'));
  try {
    const module = (name: string): string => new URL(name, import.meta.url).href;
    // Large enough to be at it for a while; the parent sends the signal when the part is there.
    const program = `
      import { endCleanlyOnSignals } from '${module('./signals.js')}';
      import { writeOutputFile } from '${module('./output_file.js')}';
      endCleanlyOnSignals();
      await writeOutputFile('${join(folder, 'a')}', new Uint8Array(2 ** 30));
    `;
    const child = spawn(process.execPath, ['--input-type=module', '-e', program]);
    const closed = new Promise((resolve) => child.on('close', (_, signal) => resolve(signal)));
    while (readdirSync(folder).length === 0 && child.exitCode === null) {
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
    child.kill('SIGTERM');
    assert.equal(await closed, 'SIGTERM');
    assert.equal(existsSync(join(folder, 'a')), false);
    assert.deepEqual(readdirSync(folder), []);
  } finally {
    rmSync(folder, { recursive: true });
  }
});
