/** spin and the explorer come to the same verdict about the protocol of the per-VMA lock. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { vmaLock, vmaLockModel } from '../../bench/check/vma_lock.ts';
import { explore } from '../../src/check/index.ts';
import { isInstalled } from '../command_line.ts';

const hasSpin = isInstalled('spin') && isInstalled('gcc');
const skip = hasSpin || process.env.CI ? false : 'spin or gcc is not installed';

/** How many errors an exhaustive search of spin has met: it stops at the first. */
function errorsOf(model: string): number {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-spin-'));
  const run = (command: string, ...args: string[]): string => {
    const { stdout, status, stderr } = spawnSync(command, args, { cwd: folder, encoding: 'utf8' });
    assert.equal(status, 0, stderr);
    return stdout;
  };
  try {
    writeFileSync(join(folder, 'model.pml'), model);
    run('spin', '-a', 'model.pml');
    run('gcc', '-DSAFETY', '-w', '-o', 'pan', 'pan.c');
    const said = run('./pan', '-m100000');
    assert.doesNotMatch(said, /max search depth too small|out of memory/);
    return Number(/errors: (\d+)/.exec(said)![1]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

for (const [readers, writers] of [
  [1, 1],
  [2, 1],
  [1, 2],
] as const) {
  test(`${readers} faults, ${writers} munmap: right for both, and wrong for both`, { skip }, () => {
    assert.equal(errorsOf(vmaLockModel(readers, writers)), 0);
    assert.equal(explore(vmaLock(readers, writers)).isComplete, true);
    assert.equal(errorsOf(vmaLockModel(readers, writers, true)), 1);
    const { finding } = explore(vmaLock(readers, writers, true));
    assert.equal(finding?.property, 'changed under the lock');
  });
}
