/** Known bugs, re-created. */

import { gupAgainstCollapse } from './collapse.ts';
import { cowWithoutFlush, forcedWriteForgotten, reuseByMapcount } from './cow.ts';
import type { ZooEntry } from './entry.ts';
import { faultWithoutSizeRecheck } from './file.ts';
import { forkWithoutFlush, pinAgainstFork } from './fork.ts';
import {
  faultWithoutVmaLock,
  reserveRestoredWhileMapped,
  sharedTestedByReferences,
  sharesCountedByReferences,
  unshareBatchFlushedLater,
  unshareBeforeSplit,
  unshareFlushedLater,
  unshareSyncOffByOne,
  unshareWithoutSync,
  zapUnlockedBeforeFree,
} from './hugetlb.ts';
import { nestedFlush } from './madvise.ts';
import { moveUnlockedBeforeFlush } from './mremap.ts';
import {
  dontneedThroughGuest,
  freedWhileLinked,
  guestsMissedByFlush,
  gupWithGuestLocks,
  hostMaskFlush,
  shareDroppedBeforeClear,
} from './mshare.ts';
import {
  freeBeforeFlush,
  gupWithInterruptsOn,
  noRecheck,
  tablesWithoutGracePeriod,
  unlockBeforeFlush,
} from './munmap.ts';
import { SHARED_2006 } from './shared_2006/index.ts';
import { migrateFlushesOneMm, swapOutBeforeFlush } from './swap.ts';
import { USERFAULTFD } from './userfaultfd.ts';

export type { ZooEntry } from './entry.ts';

export const ZOO: readonly ZooEntry[] = [
  unshareWithoutSync,
  unshareBeforeSplit,
  sharesCountedByReferences,
  unshareFlushedLater,
  faultWithoutVmaLock,
  zapUnlockedBeforeFree,
  sharedTestedByReferences,
  unshareBatchFlushedLater,
  unshareSyncOffByOne,
  reserveRestoredWhileMapped,
  migrateFlushesOneMm,
  gupAgainstCollapse,
  pinAgainstFork,
  moveUnlockedBeforeFlush,
  swapOutBeforeFlush,
  reuseByMapcount,
  forcedWriteForgotten,
  nestedFlush,
  unlockBeforeFlush,
  freeBeforeFlush,
  tablesWithoutGracePeriod,
  noRecheck,
  forkWithoutFlush,
  gupWithInterruptsOn,
  cowWithoutFlush,
  faultWithoutSizeRecheck,
  ...SHARED_2006,
  shareDroppedBeforeClear,
  freedWhileLinked,
  hostMaskFlush,
  guestsMissedByFlush,
  gupWithGuestLocks,
  dontneedThroughGuest,
  ...USERFAULTFD,
];

/** The entry with this id or alias, in any case of letters. */
export function findEntry(name: string): ZooEntry | undefined {
  const wanted = name.toLowerCase();
  return ZOO.find(({ id, aliases }) =>
    [id, ...aliases].some((known) => known.toLowerCase() === wanted),
  );
}
