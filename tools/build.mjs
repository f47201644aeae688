/**
 * Builds everything: the canonical tree with `tsc -b`, then the blanked tree.
 * Incremental: a second run that finds nothing changed takes about a second.
 */
import { fileURLToPath } from 'node:url';
import { run, setup } from './setup.mjs';

export function build() {
  setup();
  run(process.execPath, ['node_modules/typescript/bin/tsc', '-b'], { stdio: ['ignore', 2, 2] });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) build();
