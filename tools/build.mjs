/**
 * Builds everything: the canonical tree with `tsc -b`, then the blanked tree (see blank.mjs),
 * then the viewer's bundle.
 * Incremental: a second run that finds nothing changed takes about a second.
 */
import { fileURLToPath } from 'node:url';
import { ROOT, run, setup } from './setup.mjs';

export async function build() {
  setup();
  const tsc = (...args) =>
    run(process.execPath, ['node_modules/typescript/bin/tsc', ...args], {
      stdio: ['ignore', 2, 2],
    });
  tsc('-b');
  // Loaded only now: its parser is one of the dependencies that setup() installs.
  const { blankTree } = await import('./blank.mjs');
  blankTree(ROOT);
  tsc('-b', 'tsconfig.fast.json');
  const { buildView } = await import('./build_view.mjs');
  await buildView();
}

if (process.argv[1] === fileURLToPath(import.meta.url)) await build();
