/** `npm run bench [-- name ...]`: builds, then runs the benchmarks whose path contains a name. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { build } from './build.mjs';
import { ROOT, run } from './setup.mjs';

await build();
const names = process.argv.slice(2);
const files = readdirSync(join(ROOT, 'bench'), { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.bench.ts'))
  .filter((name) => names.length === 0 || names.some((part) => name.includes(part)))
  .sort();
if (files.length === 0) {
  console.error(`No benchmark matches ${names.join(' ')}`);
  process.exit(2);
}
for (const file of files) {
  console.error(`== ${file}`);
  run(process.execPath, ['--enable-source-maps', join('dist/bench', file.replace(/\.ts$/, '.js'))]);
}
