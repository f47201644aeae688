/** Long traces in the viewer, from a server that takes its time: what has arrived is shown. */
import assert from 'node:assert/strict';
import { EventEmitter, once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { extname, join } from 'node:path';
import { chromium, type Page } from 'playwright-core';
import { encodeTrace, TraceWriter } from '../../src/trace/index.ts';
import { judgedTest } from '../live/judge.ts';
import { browserJudge, CHROMIUM } from './browser.ts';

const BUNDLE = join(import.meta.dirname, '../../view');
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
};

/** A lock that is taken and dropped: three blocks. */
function longTrace(): { readonly bytes: Uint8Array; readonly events: number } {
  const trace = new TraceWriter({ clock: 'steps', format: 'x86_64-4level' });
  for (let time = 0; time < 80_000; time++) {
    trace.time = time;
    trace.lockAcquired(0, 0);
    trace.lockReleased(0, 0);
    trace.folioAlloc((time * 7919) % 65_521, 0);
  }
  const written = trace.trace();
  return { bytes: encodeTrace(written), events: written.events };
}

/** A viewer whose file of `size` bytes is sent by whom it is given to. */
async function withSlowFile(
  size: number,
  use: (page: Page, file: ServerResponse) => Promise<void>,
): Promise<void> {
  const files = new EventEmitter();
  const asked = once(files, 'asked') as Promise<[ServerResponse]>;
  const server = createServer(({ url = '/' }, response) => {
    if (url === '/file') return void files.emit('asked', response);
    const name = url === '/' ? 'index.html' : url.slice(1);
    const isSession = name === 'session.json';
    const session = JSON.stringify({ file: { name: 'long.ptt', size }, liveSeconds: null });
    response.setHeader('Content-Type', isSession ? 'application/json' : TYPES[extname(name)]!);
    response.end(isSession ? session : readFileSync(join(BUNDLE, name)));
  });
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const browser = await chromium.launch({ executablePath: CHROMIUM });
  try {
    const page = await browser.newPage();
    await page.goto(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    const [response] = await asked;
    await use(page, response);
  } finally {
    await browser.close();
    server.closeAllConnections();
    server.close();
  }
}

judgedTest(
  'the beginning of a trace is shown before its end is there',
  [browserJudge],
  async () => {
    const { bytes, events } = longTrace();
    await withSlowFile(bytes.length, async (page, file) => {
      const response = await file;
      response.write(bytes.subarray(0, (2 * bytes.length) / 3));
      await page.locator('.events .event').first().waitFor();
      const position = page.locator('.position');
      await position.filter({ hasText: /^event 1 of (65536|131072) / }).waitFor();
      await page.locator('.file-name', { hasText: /^Reading long\.ptt/ }).waitFor();
      file.end(bytes.subarray((2 * bytes.length) / 3));
      await position.filter({ hasText: `event 1 of ${events} ` }).waitFor();
      await page.locator('.file-name', { hasText: /^long\.ptt$/ }).waitFor();
    });
  },
);

judgedTest('a file that ends before its end is said to have changed', [browserJudge], async () => {
  const { bytes } = longTrace();
  await withSlowFile(bytes.length, async (page, file) => {
    file.end(bytes.subarray(0, (2 * bytes.length) / 3));
    await page
      .getByRole('alert')
      .filter({ hasText: 'The file has changed while it was read' })
      .waitFor();
    assert.ok((await page.locator('.events .event').count()) > 0, 'what has come stays');
  });
});
