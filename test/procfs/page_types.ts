/** The kernel's own reader of kpageflags, compiled from Debian's package of its sources. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Judge } from '../live/judge.ts';

const SOURCES = '/usr/src';
const BUILD = fileURLToPath(new URL('../../../build/page_types/', import.meta.url));
const PROGRAM = join(BUILD, 'page-types');

function archive(): string | undefined {
  if (!existsSync(SOURCES)) return undefined;
  return readdirSync(SOURCES).find((name) => /^linux-source-[\d.]+\.tar\.xz$/.test(name));
}

export const pageTypesSources: Judge = {
  missing: () =>
    existsSync(PROGRAM) || archive() !== undefined ? undefined : 'not installed: linux-source-6.1',
};

/** Compiles it unless that was done before. @returns its path */
export function pageTypes(): string {
  if (existsSync(PROGRAM)) return PROGRAM;
  mkdirSync(BUILD, { recursive: true });
  // In a release there is but one of the first two.
  const wanted = ['vm/page-types.c', 'mm/page-types.c', 'lib/api', 'include'];
  const patterns = [...wanted.map((name) => `*/tools/${name}`), '*/include/uapi/linux/*.h'];
  const tar = [
    '-xf',
    join(SOURCES, archive()!),
    '-C',
    BUILD,
    '--strip-components=1',
    '--wildcards',
  ];
  try {
    execFileSync('tar', [...tar, ...patterns], { stdio: 'ignore' });
  } catch (error) {
    if ((error as { status?: number }).status !== 2) throw error;
  }
  const tools = join(BUILD, 'tools');
  const source = ['vm', 'mm'].map((name) => join(tools, name, 'page-types.c')).find(existsSync)!;
  const library = ['fs/fs.c', 'debug.c'].map((name) => join(tools, 'lib/api', name));
  const headers = ['lib/api', 'lib', 'include'].map((name) => `-I${join(tools, name)}`);
  execFileSync('gcc', ['-o', PROGRAM, ...headers, source, ...library]);
  return PROGRAM;
}
