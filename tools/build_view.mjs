/**
 * Bundles the viewer into dist/view: static files that any web server can serve. Skipped when
 * nothing that goes into it has changed since the last time.
 */
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT } from './setup.mjs';

const OUT = 'dist/view';
const STAMP = join(ROOT, 'dist/.tsbuildinfo/view.hash');

/** @returns a digest of all that the bundle is made of */
function digestOfInputs() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(ROOT, 'src'), { recursive: true })
    .map((name) => join('src', String(name)))
    .filter((name) => /\.(ts|tsx|css|html|svg)$/.test(name) && !name.includes('.test.'))
    .filter((name) => !/^src\/(cli|capture)\//.test(name))
    .sort();
  for (const name of ['package-lock.json', 'tools/build_view.mjs', ...sources]) {
    hash.update(`${name}\0`).update(readFileSync(join(ROOT, name)));
  }
  return hash.digest('hex');
}

export async function buildView() {
  const digest = digestOfInputs();
  const isBuilt = existsSync(join(ROOT, OUT, 'index.html')) && existsSync(STAMP);
  if (isBuilt && readFileSync(STAMP, 'utf8') === digest) return;
  const { build } = await import('vite');
  await build({
    configFile: false,
    root: join(ROOT, 'src/view'),
    base: './',
    logLevel: 'warn',
    publicDir: false,
    define: { 'process.env.NODE_ENV': '"production"' },
    worker: { format: 'es' },
    build: {
      outDir: join(ROOT, OUT),
      emptyOutDir: true,
      target: 'es2023',
      assetsInlineLimit: 0,
      modulePreload: { polyfill: false },
      chunkSizeWarningLimit: 1500,
      reportCompressedSize: false,
      rolldownOptions: { checks: { pluginTimings: false } },
    },
  });
  writeFileSync(STAMP, digest);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await buildView();
