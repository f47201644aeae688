/** What the reviews of 2006 found in the generic shared page tables. */
import type { ZooEntry } from '../entry.ts';
import { countsBeforeLinking, detachesWithoutRecheck, unlocksBeforeFlush } from './counting.ts';
import { asksAnonVmaOnce, ignoresAnonVma } from './private_pages.ts';
import { flushesOneMm, referencedCountsByVma, sharesLocked } from './reverse_map.ts';
import { ignoresSplit, movesInTheOpen, protectsInTheOpen, unmapsInTheOpen } from './transitions.ts';

export const SHARED_2006: readonly ZooEntry[] = [
  detachesWithoutRecheck,
  countsBeforeLinking,
  unlocksBeforeFlush,
  unmapsInTheOpen,
  protectsInTheOpen,
  movesInTheOpen,
  flushesOneMm,
  referencedCountsByVma,
  ignoresAnonVma,
  asksAnonVmaOnce,
  sharesLocked,
  ignoresSplit,
];
