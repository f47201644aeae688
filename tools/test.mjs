/**
 * `npm test [-- name ...]`: sets up, builds, checks format and lint, runs the tests.
 * With names, only the test files whose path contains one of them, and no lint.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ROOT, run } from './setup.mjs';

await build();
const names = process.argv.slice(2);
if (names.length === 0) run(process.execPath, ['node_modules/@biomejs/biome/bin/biome', 'ci', '.']);

// Listed from the sources, because dist/ may hold tests that were deleted since.
const files = ['src', 'test', 'bench', 'tools']
  .flatMap((folder) =>
    readdirSync(join(ROOT, folder), { recursive: true }).map((name) => join(folder, String(name))),
  )
  .filter((name) => /\.test\.(ts|mjs)$/.test(name))
  .filter((name) => names.length === 0 || names.some((part) => name.includes(part)))
  .map((name) => (name.endsWith('.mjs') ? name : join('dist', name.replace(/\.ts$/, '.js'))))
  .sort();
if (files.length === 0) {
  console.error(`No test file matches ${names.join(' ')}`);
  process.exit(2);
}
// Tests of the live host come last and alone: some wait for a moment when no process comes or goes.
const isLive = (file) => file.startsWith(join('dist', 'test', 'live'));
/** Of a file: one that never ends is named, and the others have their say. The longest take two minutes. */
const TIMEOUT_MS = 8 * 60 * 1000;
const stages = [files.filter((file) => !isLive(file)), files.filter(isLive)];
let worst = 0;
for (const stage of stages.filter(({ length }) => length > 0)) {
  const { status } = spawnSync(
    process.execPath,
    [
      '--enable-source-maps',
      '--import=./dist/test/fast_check_seed.js',
      '--test',
      `--test-timeout=${TIMEOUT_MS}`,
      `--test-concurrency=${isLive(stage[0]) ? 1 : Math.min(2, availableParallelism())}`,
      ...stage,
    ],
    { cwd: ROOT, stdio: 'inherit' },
  );
  // A stage that fails does not keep the next one from saying what it finds.
  worst = Math.max(worst, status ?? 1);
}
process.exitCode = worst;
