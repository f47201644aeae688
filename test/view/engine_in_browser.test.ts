/** The engine's own unit tests, in a worker of a browser. */
import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';
import { build } from 'vite';
import { judgedTest } from '../live/judge.ts';
import { browserJudge } from './browser.ts';

interface Outcome {
  readonly name: string;
  /** Nothing if it passed. */
  readonly error?: string;
}

/** `test/mm/builds.ts`, which finds the blanked build where Node has it. */
const BUILDS = `
import * as canonical from ${JSON.stringify(resolve('src/mm/index.ts'))};
import * as blanked from ${JSON.stringify(resolve('build/fast/src/mm/index.ts'))};
export const BUILDS = [['canonical', canonical], ['blanked', blanked]];
`;

const ORIGIN = 'http://tests.invalid';

judgedTest(
  'all unit tests of mm pass in a worker of the browser',
  [browserJudge],
  async (context) => {
    const files = readdirSync('src/mm', { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.test.ts'))
      .map((name) => resolve('src/mm', name));
    const written = files.reduce(
      (sum, file) => sum + (readFileSync(file, 'utf8').match(/\btest\(/g)?.length ?? 0),
      0,
    );
    const outcomes = await runInWorker(await bundle(files));
    assert.deepEqual(
      outcomes.filter(({ error }) => error !== undefined),
      [],
    );
    // Loops over both builds make more of them.
    assert.ok(outcomes.length >= written, `${outcomes.length} ran of ${written} that are written`);
    context.diagnostic(`${outcomes.length} tests of ${files.length} files passed`);
  },
);

/** All test files as one script, with stand-ins for what Node brings along. */
async function bundle(files: readonly string[]): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'ptshare-engine-'));
  try {
    const entry = join(folder, 'entry.ts');
    const imports = files.map((file) => `import ${JSON.stringify(file)};`);
    const builds = join(folder, 'builds.ts');
    writeFileSync(builds, BUILDS);
    const runner = resolve('test/view/stand_in/test.ts');
    const start = `import { runAll } from ${JSON.stringify(runner)};\nself.postMessage(await runAll());`;
    writeFileSync(entry, [...imports, start].join('\n'));
    await build({
      configFile: false,
      root: resolve('.'),
      logLevel: 'error',
      publicDir: false,
      resolve: {
        alias: [
          { find: 'node:test', replacement: runner },
          { find: 'node:assert/strict', replacement: resolve('test/view/stand_in/assert.ts') },
          { find: /^.*\/test\/mm\/builds\.ts$/, replacement: builds },
        ],
      },
      build: {
        outDir: join(folder, 'out'),
        minify: false,
        target: 'es2023',
        lib: { entry, formats: ['es'], fileName: 'tests' },
      },
    });
    return readFileSync(join(folder, 'out/tests.js'), 'utf8');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function runInWorker(script: string): Promise<readonly Outcome[]> {
  const browser = await chromium.launch({ executablePath: '/usr/bin/chromium' });
  try {
    const page = await browser.newPage();
    await page.route(`${ORIGIN}/**`, (route) =>
      route.request().url().endsWith('.js')
        ? route.fulfill({ body: script, contentType: 'text/javascript' })
        : route.fulfill({ body: '<!doctype html>', contentType: 'text/html' }),
    );
    await page.goto(`${ORIGIN}/`);
    return await page.evaluate<readonly Outcome[]>(`new Promise((resolve, reject) => {
      const worker = new Worker('/tests.js', { type: 'module' });
      worker.onmessage = ({ data }) => resolve(data);
      worker.onerror = ({ message }) => reject(new Error(message));
    })`);
  } finally {
    await browser.close();
  }
}
