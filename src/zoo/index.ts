/** Known bugs, re-created. */

import { gupAgainstCollapse } from './collapse.ts';
import type { ZooEntry } from './entry.ts';
import { forkWithoutFlush, pinAgainstFork } from './fork.ts';
import { nestedFlush } from './madvise.ts';
import { moveUnlockedBeforeFlush } from './mremap.ts';
import {
  freeBeforeFlush,
  noRecheck,
  tablesWithoutGracePeriod,
  unlockBeforeFlush,
} from './munmap.ts';

export type { ZooEntry } from './entry.ts';

export const ZOO: readonly ZooEntry[] = [
  gupAgainstCollapse,
  pinAgainstFork,
  moveUnlockedBeforeFlush,
  nestedFlush,
  unlockBeforeFlush,
  freeBeforeFlush,
  tablesWithoutGracePeriod,
  noRecheck,
  forkWithoutFlush,
];

/** The entry with this id or alias, in any case of letters. */
export function findEntry(name: string): ZooEntry | undefined {
  const wanted = name.toLowerCase();
  return ZOO.find(({ id, aliases }) =>
    [id, ...aliases].some((known) => known.toLowerCase() === wanted),
  );
}
