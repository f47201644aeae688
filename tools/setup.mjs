/**
 * Installs the pinned dependencies and builds, if that is not done yet. Everything it says goes to
 * stderr, so that `npm start --silent -- host --json` prints JSON and nothing else.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = fileURLToPath(new URL('..', import.meta.url));

const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`ptshare needs Node 20.19 or newer: this is ${process.version}`);
  process.exit(3);
}

/** Runs a program in the project's root; ends this process with its status if it fails. */
export function run(program, args, options = {}) {
  const { status, error } = spawnSync(program, args, { cwd: ROOT, stdio: 'inherit', ...options });
  if (error) {
    console.error(`Cannot run ${program}: ${error.message}`);
    process.exit(3);
  }
  if (status !== 0) process.exit(status ?? 1);
}

/** Whether node_modules was installed from the lock file as it stands now. */
function isInstalled() {
  const marker = join(ROOT, 'node_modules/.package-lock.json');
  return (
    existsSync(marker) &&
    statSync(marker).mtimeMs >= statSync(join(ROOT, 'package-lock.json')).mtimeMs
  );
}

export function setup() {
  if (!isInstalled()) {
    console.error('ptshare: installing dependencies (once)');
    // Not `npm ci`: it refuses a lock file without the optional packages of every other platform.
    run(
      'npm',
      ['install', '--no-save', '--ignore-scripts', '--no-fund', '--no-audit', '--loglevel=error'],
      {
        stdio: ['ignore', 2, 2],
      },
    );
    // What could not be resolved before may be there now; the compiler would not look again.
    rmSync(join(ROOT, 'dist/.tsbuildinfo'), { recursive: true, force: true });
  }
}
