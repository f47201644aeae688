/** mshare in scripts: the example, and a machine without it. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { ptshare } from '../command_line.ts';

const EXAMPLE = 'examples/mshare/two_guests.txt';

test('two guests of one region share its tables, and what one takes out is gone for both', () => {
  const { status, stdout } = ptshare(['run', '--mshare', 'v3', '--width', '110', EXAMPLE]);
  assert.equal(status, 0);
  assert.match(stdout, /^\[pid 2\] read\(0x7f0000000000, 4M\) = 0 \(1024 pages\)$/m);
  assert.match(stdout, /PTE #\d+ \(\+1\).* 512 shmem \(512 shared\)/);
  assert.match(stdout, /^\[pid 2\] read\(0x7f0000000000, 1\) --- SIGSEGV/m);
  assert.match(stdout, /^\[pid 2\] munmap\(0x7f0000000000, 4K\) = -1 EINVAL/m);
  assert.match(stdout, /\/sys\/fs\/mshare\/shared/);
});

test('the build that traces does the same', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-mshare-'));
  try {
    const plain = ptshare(['run', '--mshare', 'mended', EXAMPLE]);
    const path = join(folder, 'trace.ptt');
    const traced = ptshare(['run', '--mshare', 'mended', EXAMPLE, '--trace', path]);
    assert.deepEqual([traced.status, traced.stdout], [0, plain.stdout], traced.stderr);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('a machine has no mshare unless it is asked for', () => {
  const { status, stderr } = ptshare(['run', EXAMPLE]);
  assert.equal(status, 2);
  assert.match(stderr, /This machine has no mshare\nRun with --mshare v3/);
});
