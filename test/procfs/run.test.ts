/** The options of `ptshare run` that leave /proc behind. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { MAIN, ptshare } from '../command_line.ts';
import { judgedTest, root } from '../live/judge.ts';

async function inFolder(body: (folder: string) => void | Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-run-'));
  try {
    await body(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const MAP = 'a = mmap(NULL, 64*K, PROT_READ|PROT_WRITE, MAP_PRIVATE|MAP_ANONYMOUS)\n';

test('--proc does not write over anything, and leaves nothing half done', () =>
  inFolder((folder) => {
    const taken = join(folder, 'taken');
    mkdirSync(taken);
    writeFileSync(join(taken, 'file'), '');
    const { status, stderr } = ptshare(['run', '-', '--proc', taken], { input: MAP });
    assert.equal(status, 2);
    assert.match(stderr, /not empty\nName a folder/);
    assert.deepEqual(readdirSync(folder), ['taken']);
    assert.deepEqual(readdirSync(taken), ['file']);
  }));

test('--proc has a folder for each process that is left', () =>
  inFolder((folder) => {
    const proc = join(folder, 'proc');
    const input = `${MAP}b = fork()\nc = fork()\nas(b)\nexit()\n`;
    assert.equal(ptshare(['run', '-', '--proc', proc], { input }).status, 0);
    const pids = readdirSync(proc).filter((name) => /^\d+$/.test(name));
    assert.deepEqual(pids.sort(), ['1', '3']);
    assert.match(readFileSync(join(proc, '3/status'), 'utf8'), /^PPid:\t1$/m);
  }));

test('--mount wants a folder', () => {
  const { status, stderr } = ptshare(['run', '-', '--mount', '/nowhere'], { input: MAP });
  assert.equal(status, 2);
  assert.match(stderr, /no such file or directory\nName a folder that exists/);
});

judgedTest('--mount shows calls as they are typed, and goes with the session', [root], () =>
  inFolder(async (folder) => {
    const child = spawn(process.execPath, [MAIN, 'run', '-i', '--mount', folder], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
    const statm = join(folder, '1/statm');
    assert.equal(await becomes(statm, /^0 0 0 0 0 0 0\n$/), '0 0 0 0 0 0 0\n');
    child.stdin.write(MAP);
    assert.equal(await becomes(statm, /^16 /), '16 0 0 0 0 16 0\n');
    child.stdin.write('write(a, 8*K)\n');
    assert.equal(await becomes(statm, /^16 2 /), '16 2 0 0 0 16 0\n');
    child.stdin.end();
    assert.equal(await ended, 0);
    assert.deepEqual(readdirSync(folder), []);
  }),
);

/** What a file says as soon as it says what is expected; in the end, what it says. */
async function becomes(path: string, expected: RegExp): Promise<string> {
  let text = '';
  for (let times = 0; times < 200; times++) {
    text = await readFile(path, 'utf8').catch(() => '');
    if (expected.test(text)) break;
    await sleep(50);
  }
  return text;
}
