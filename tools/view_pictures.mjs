/**
 * Makes the pictures of the README from real runs: `node tools/view_pictures.mjs`, as root, with
 * python3 and Chromium. A host with 32 processes that map the same memory, and a known race.
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { chromium } from 'playwright-core';
import { ROOT } from './setup.mjs';

const PROCESSES = 32;
const BYTES = 2 ** 30;
const MAIN = join(ROOT, 'dist/src/cli/main.js');
/** Forks, so that all have the memory at one address; a fault maps 64 KiB of what is there. */
const READER = `
import mmap, os, sys
file = open(sys.argv[1], 'r+b')
memory = mmap.mmap(file.fileno(), 0)
memory.write(bytes(len(memory)))
for at in range(int(sys.argv[2])):
    if os.fork() == 0:
        sum(memory[at] for at in range(0, len(memory), 65536))
        print('ready', flush=True)
        break
sys.stdin.read()
`;

const folder = mkdtempSync('/dev/shm/ptshare-pictures-');
const path = (name) => join(folder, name);
try {
  const shared = openSync(path('buffers'), 'w');
  ftruncateSync(shared, BYTES);
  closeSync(shared);
  const readers = spawn('python3', ['-c', READER, path('buffers'), String(PROCESSES)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  await new Promise((resolve) => {
    readers.stdout.on('data', (part) => {
      output += part;
      if (output.split('ready').length > PROCESSES) resolve();
    });
  });
  // Only these: what else runs here is nobody's business.
  run(['host', '--comm', 'python3', '--save', path('host.parquet')]);
  readers.stdin.end();
  writeFileSync(path('race.json'), run(['check', 'CVE-2018-18281', '--on', '--json']));
  await picture(path('host.parquet'), 'view_host.png', async (page) => {
    await page.locator('.tile').first().click();
    await page.locator('.strip .canvas').waitFor();
  });
  await picture(path('race.json'), 'view_race.png', async (page) => {
    await page.locator('.tree').waitFor();
    await page.keyboard.press('v');
    await page.locator('.moment.violated').waitFor();
    await page.locator('.tree path.stale').waitFor();
  });
} finally {
  rmSync(folder, { recursive: true });
}

function run(args) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

async function picture(file, name, prepare) {
  const server = spawn(process.execPath, [MAIN, 'view', file, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(server.stdout, 'data');
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium' });
  try {
    const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    await page.goto(JSON.parse(String(line)).url);
    await prepare(page);
    await page.screenshot({ path: join(ROOT, 'docs/pictures', name), animations: 'disabled' });
  } finally {
    await browser.close();
    server.kill('SIGINT');
  }
}
