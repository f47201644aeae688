/** Runs the built command line as a user does, and says what came of it. */
import { type SpawnSyncOptions, spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export const MAIN = fileURLToPath(new URL('../src/cli/main.js', import.meta.url));

export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

const PLAIN_ENV = { PATH: process.env.PATH, LANG: 'C.UTF-8' };

export function ptshare(args: readonly string[], options: SpawnSyncOptions = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], {
    env: PLAIN_ENV,
    maxBuffer: 2 ** 28,
    ...options,
    encoding: 'utf8',
  });
  return { status, stdout, stderr };
}

export function isInstalled(program: string): boolean {
  return spawnSync('sh', ['-c', `command -v ${program}`]).status === 0;
}
