/** Known bugs, re-created. */

import { anonVmaReusedTwice, anonVmaUnderVmaLock } from './anon_vma.ts';
import { collapseWithoutSync, gupAgainstCollapse, retractWithoutRecheck } from './collapse.ts';
import {
  cowWithoutFlush,
  forcedWriteForgotten,
  hugeReuseByMapcount,
  reuseByMapcount,
} from './cow.ts';
import type { ZooEntry } from './entry.ts';
import { faultWithoutSizeRecheck } from './file.ts';
import {
  collapseFlushesLeavesOnly,
  flushSkipsSwitching,
  lazyCpusKeepShared,
  unshareFlushesLeavesOnly,
} from './flushes.ts';
import { forcedWriteByDirty, readDirtiesHugePage } from './forced_write.ts';
import { forkWithoutFlush, forkWithoutVmaLocks, pinAgainstFork } from './fork.ts';
import { HGM } from './hgm.ts';
import { HGM_WALKS } from './hgm_walks.ts';
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
import {
  dontneedEndsVmaLock,
  dontneedRoundsUp,
  hugetlbMoveRoundsBoth,
  hugetlbMoveUnlockedBeforeFlush,
  splitWithoutUnshare,
  unshareSkipsBlock,
} from './hugetlb_calls.ts';
import {
  hugetlbMoveShares,
  hugetlbWithoutSizeRecheck,
  movedHugePageUncounted,
  privateLockMistaken,
  shareUnderTableLock,
  shareWhileRightsChange,
} from './hugetlb_latent.ts';
import { hugetlbSeenUnlocked, runsUnderMmLock } from './hugetlb_locks.ts';
import {
  hugetlbForkKeepsSoftUffdWp,
  migrateWithoutUnshare,
  punchBeforeFolioLock,
} from './hugetlb_migration.ts';
import { HUGETLB_USERFAULTFD } from './hugetlb_userfaultfd.ts';
import { nestedFlush } from './madvise.ts';
import {
  moveAgainstWriteback,
  moveTableWithoutRecheck,
  moveTableWithoutRmapLocks,
  moveUnlockedBeforeFlush,
} from './mremap.ts';
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
  stackGrowsBesideMunmap,
  tablesWithoutGracePeriod,
  unlockBeforeFlush,
} from './munmap.ts';
import { pfnsFlushedLater } from './pfnmap.ts';
import { REGION_GUESTS } from './region_guest.ts';
import { SECONDARY } from './secondary.ts';
import { inheritsLastRights } from './shadow_guest.ts';
import { SHARED_2006 } from './shared_2006/index.ts';
import {
  freeWithoutBatchFlush,
  migrateFlushesOneMm,
  protectWithoutBatchFlush,
  readThenCleared,
  swapInWithoutPin,
  swapOutBeforeFlush,
} from './swap.ts';
import { USERFAULTFD } from './userfaultfd.ts';
import { USERFAULTFD_WAITS } from './userfaultfd_waits.ts';
import { walkWithoutSnapshot, walkWithoutVma } from './walks.ts';

export type { ZooEntry } from './entry.ts';

/** By number: `A2` comes before `A10`. */
const { compare } = new Intl.Collator('en', { numeric: true });

export const ZOO: readonly ZooEntry[] = [
  unshareWithoutSync,
  unshareBeforeSplit,
  sharesCountedByReferences,
  splitWithoutUnshare,
  unshareSkipsBlock,
  unshareFlushedLater,
  migrateWithoutUnshare,
  faultWithoutVmaLock,
  faultWithoutSizeRecheck,
  dontneedEndsVmaLock,
  zapUnlockedBeforeFree,
  punchBeforeFolioLock,
  sharedTestedByReferences,
  unshareBatchFlushedLater,
  unshareSyncOffByOne,
  unshareFlushesLeavesOnly,
  collapseFlushesLeavesOnly,
  lazyCpusKeepShared,
  hugetlbMoveRoundsBoth,
  hugetlbMoveUnlockedBeforeFlush,
  runsUnderMmLock,
  hugetlbSeenUnlocked,
  reserveRestoredWhileMapped,
  dontneedRoundsUp,
  hugetlbForkKeepsSoftUffdWp,
  movedHugePageUncounted,
  shareUnderTableLock,
  shareWhileRightsChange,
  hugetlbMoveShares,
  hugetlbWithoutSizeRecheck,
  privateLockMistaken,
  ...HUGETLB_USERFAULTFD,
  ...HGM,
  ...HGM_WALKS,
  gupAgainstCollapse,
  collapseWithoutSync,
  retractWithoutRecheck,
  moveTableWithoutRecheck,
  hugeReuseByMapcount,
  reuseByMapcount,
  forcedWriteForgotten,
  forcedWriteByDirty,
  readDirtiesHugePage,
  pinAgainstFork,
  forkWithoutVmaLocks,
  walkWithoutVma,
  stackGrowsBesideMunmap,
  anonVmaUnderVmaLock,
  walkWithoutSnapshot,
  moveUnlockedBeforeFlush,
  moveAgainstWriteback,
  moveTableWithoutRmapLocks,
  pfnsFlushedLater,
  protectWithoutBatchFlush,
  freeWithoutBatchFlush,
  nestedFlush,
  flushSkipsSwitching,
  anonVmaReusedTwice,
  unlockBeforeFlush,
  freeBeforeFlush,
  tablesWithoutGracePeriod,
  noRecheck,
  forkWithoutFlush,
  gupWithInterruptsOn,
  swapOutBeforeFlush,
  cowWithoutFlush,
  migrateFlushesOneMm,
  readThenCleared,
  ...SHARED_2006,
  shareDroppedBeforeClear,
  freedWhileLinked,
  hostMaskFlush,
  guestsMissedByFlush,
  gupWithGuestLocks,
  dontneedThroughGuest,
  ...REGION_GUESTS,
  ...SECONDARY,
  inheritsLastRights,
  ...USERFAULTFD,
  swapInWithoutPin,
  ...USERFAULTFD_WAITS,
].toSorted((one, other) => compare(one.id, other.id));

/** The entry with this id or alias, in any case of letters. */
export function findEntry(name: string): ZooEntry | undefined {
  const wanted = name.toLowerCase();
  return ZOO.find(({ id, aliases }) =>
    [id, ...aliases].some((known) => known.toLowerCase() === wanted),
  );
}
