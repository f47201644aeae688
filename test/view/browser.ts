/** A viewer in a browser: Debian's Chromium, nothing downloaded. */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';
import { MAIN } from '../command_line.ts';
import type { Judge } from '../live/judge.ts';

export const CHROMIUM = '/usr/bin/chromium';

export const browserJudge: Judge = {
  missing: () => (existsSync(CHROMIUM) ? undefined : `not installed: ${CHROMIUM}`),
};

export interface Viewer {
  readonly browser: Browser;
  readonly page: Page;
  /** Of the page, with the token. */
  readonly url: string;
  /** What went wrong in the page: must stay empty. */
  readonly errors: readonly string[];
}

export interface ViewerOptions {
  readonly file?: string;
  readonly hash?: string;
  readonly args?: readonly string[];
  readonly width?: number;
  readonly dark?: boolean;
}

/** Runs `ptshare view`, and `use` with the page that it serves. Ends with both gone, and no errors. */
export async function withViewer(
  { file, hash = '', args = [], width = 1280, dark = false }: ViewerOptions,
  use: (viewer: Viewer) => Promise<void>,
): Promise<void> {
  const server = await serve([...(file === undefined ? [] : [file]), ...args]);
  const browser = await chromium.launch({ executablePath: CHROMIUM });
  try {
    const context = await browser.newContext({
      viewport: { width, height: width > 2000 ? 1440 : 900 },
      colorScheme: dark ? 'dark' : 'light',
      reducedMotion: 'reduce',
    });
    const page = await context.newPage();
    const errors = watchErrors(page);
    await page.goto(server.url + hash);
    await use({ browser, page, url: server.url, errors });
    assert.deepEqual(errors, []);
  } finally {
    await browser.close();
    await end(server.child);
  }
}

function watchErrors(page: Page): string[] {
  const errors: string[] = [];
  page.on('pageerror', (error) => errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') errors.push(message.text());
  });
  return errors;
}

export interface Serving {
  readonly child: ChildProcess;
  readonly url: string;
}

export async function serve(args: readonly string[]): Promise<Serving> {
  const child = spawn(process.execPath, [MAIN, 'view', ...args, '--json'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(child.stdout, 'data')) as [Buffer];
  return { child, url: (JSON.parse(String(line)) as { url: string }).url };
}

/** As Ctrl-C does. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGINT');
  await ended;
}

/** No violation of any rule of axe. */
export async function assertAccessible(page: Page, place: string): Promise<void> {
  const { violations } = await new AxeBuilder({ page }).analyze();
  const said = violations.map(
    ({ id, nodes }) =>
      `${place}: ${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`,
  );
  assert.deepEqual(said, []);
}
