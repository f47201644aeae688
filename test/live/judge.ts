/**
 * Tests whose judge is another program, or the running kernel.
 *
 * A judge may be missing on a developer's machine: the test is then skipped, and says why. On a
 * machine that continuous integration set up (`CI` is set) a missing judge is a failure: a test
 * that is never run proves nothing.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { openKernelReader } from '../../src/capture/exact/kernel_reader.ts';

/** Something a test cannot do without. */
export interface Judge {
  /** Why it is not at hand; `undefined` if it is. */
  missing(): string | undefined;
  /** Whether it is hardware, which no package brings: then a test without it is skipped everywhere. */
  readonly isHardware?: true;
}

const TEST_MS_MAX = 10 * 60_000;

/** `test()` of node:test, run only where every judge is at hand. */
export function judgedTest(
  name: string,
  judges: readonly Judge[],
  body: (context: TestContext) => void | Promise<void>,
): void {
  const absent = judges.find((judge) => judge.missing() !== undefined);
  const missing = absent?.missing();
  if (missing === undefined) test(name, { timeout: TEST_MS_MAX }, body);
  else if (process.env.CI && absent?.isHardware !== true) test(name, () => assert.fail(missing));
  else test(name, { skip: missing }, () => {});
}

/** Programs that must be in the path. */
export function programs(...names: readonly string[]): Judge {
  return {
    missing() {
      const absent = names.filter((name) => findProgram(name) === undefined);
      return absent.length === 0 ? undefined : `not installed: ${absent.join(', ')}`;
    },
  };
}

export function findProgram(name: string): string | undefined {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, name))
    .find((path) => existsSync(path));
}

export const root: Judge = {
  missing: () => (process.getuid?.() === 0 ? undefined : 'not run as root'),
};

/** The walk of the real tables through BPF. */
export const tableWalk: Judge = {
  missing() {
    try {
      openKernelReader().close();
      return undefined;
    } catch (error) {
      return (error as Error).message;
    }
  },
};

const POSTGRES_FOLDER = '/usr/lib/postgresql';

/** The folder of PostgreSQL's own programs, where Debian keeps them out of the path. */
export function postgresPrograms(): string | undefined {
  if (!existsSync(POSTGRES_FOLDER)) return undefined;
  const newest = readdirSync(POSTGRES_FOLDER).sort((a, b) => Number(b) - Number(a))[0];
  return newest === undefined ? undefined : join(POSTGRES_FOLDER, newest, 'bin');
}

export const postgres: Judge = {
  missing() {
    const folder = postgresPrograms();
    if (folder === undefined) return `PostgreSQL is not installed: no ${POSTGRES_FOLDER}`;
    const { status } = spawnSync(join(folder, 'postgres'), ['--version'], { stdio: 'ignore' });
    return status === 0 ? undefined : `${folder}/postgres does not run`;
  },
};
