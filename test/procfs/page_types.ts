/** The kernel's own readers of kpageflags and pagemap, out of Debian's package of its sources. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Judge } from '../live/judge.ts';

const SOURCES = '/usr/src';
const BUILD = fileURLToPath(new URL('../../../build/page_types/', import.meta.url));
const PROGRAM = join(BUILD, 'page-types');
const THPMAPS = join(BUILD, 'tools/mm/thpmaps');
const PACKAGE = 'linux-source-6.12';

/** The newest. */
function archive(): string | undefined {
  if (!existsSync(SOURCES)) return undefined;
  return readdirSync(SOURCES)
    .filter((name) => /^linux-source-[\d.]+\.tar\.xz$/.test(name))
    .sort((a, b) => b.localeCompare(a, 'en', { numeric: true }))[0];
}

export const pageTypesSources: Judge = {
  missing: () =>
    existsSync(PROGRAM) || archive() !== undefined ? undefined : `not installed: ${PACKAGE}`,
};

/** Linux 6.9 was the first to have it. */
export const thpmapsSources: Judge = {
  missing() {
    if (existsSync(THPMAPS)) return undefined;
    const [, major, minor] = /-(\d+)\.(\d+)/.exec(archive() ?? '-0.0')!;
    const isNew = Number(major) * 100 + Number(minor) >= 609;
    return isNew ? undefined : `not installed: ${PACKAGE}`;
  },
};

/** Unpacks it unless that was done before. @returns its path */
export function thpmaps(): string {
  if (!existsSync(THPMAPS)) unpack(['*/tools/mm/thpmaps']);
  return THPMAPS;
}

/** Compiles it unless that was done before. @returns its path */
export function pageTypes(): string {
  if (existsSync(PROGRAM)) return PROGRAM;
  // In a release there is but one of the first two.
  const wanted = ['vm/page-types.c', 'mm/page-types.c', 'lib/api', 'include'];
  const patterns = [...wanted.map((name) => `*/tools/${name}`), '*/include/uapi/linux/*.h'];
  unpack(patterns);
  const tools = join(BUILD, 'tools');
  const source = ['vm', 'mm'].map((name) => join(tools, name, 'page-types.c')).find(existsSync)!;
  const library = ['fs/fs.c', 'debug.c'].map((name) => join(tools, 'lib/api', name));
  const headers = ['lib/api', 'lib', 'include'].map((name) => `-I${join(tools, name)}`);
  execFileSync('gcc', ['-o', PROGRAM, ...headers, source, ...library]);
  return PROGRAM;
}

function unpack(patterns: readonly string[]): void {
  mkdirSync(BUILD, { recursive: true });
  const tar = ['-xf', join(SOURCES, archive()!), '-C', BUILD, '--strip-components=1'];
  try {
    execFileSync('tar', [...tar, '--wildcards', ...patterns], { stdio: 'ignore' });
  } catch (error) {
    // A pattern that nothing in this release is like.
    if ((error as { status?: number }).status !== 2) throw error;
  }
}
