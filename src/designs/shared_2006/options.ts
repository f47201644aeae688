/**
 * The generic shared page tables of 2006 as posted, as reviewed, and what was between.
 *
 * Each variant bears the name of what it does, and says who proposed it and where. What the posted
 * patch does otherwise than the reviews ask is a mistake: with none of them the design is right.
 */

/** What the posted patches do, and the reviews found wrong. */
export interface Mistakes {
  /**
   * Two who free a table both see it shared, and both leave it to the other (free_pte_range() of
   * January 2006; "decrement and test", Dickins).
   */
  readonly detachesWithoutRecheck?: boolean;
  /**
   * A sharer counts itself before it has linked the table, and takes that back if it could not
   * (pt_share_pte() of May 2006, "Oops, already mapped").
   */
  readonly countsBeforeLinking?: boolean;
  /** Who leaves a table counts itself out, unlocks, and only then clears and flushes (May 2006). */
  readonly unlocksBeforeFlush?: boolean;
  /** What is about to be unmapped can be found by sharers until it is (May 2006). */
  readonly unmapsInTheOpen?: boolean;
  /** The same of what changes its rights: no transition range (August 2005). */
  readonly protectsInTheOpen?: boolean;
  /** The transition range of mremap() is the old place only (May 2006). */
  readonly movesInTheOpen?: boolean;
  /** Who comes by the reverse map flushes one address space (`*shared++`, May 2006). */
  readonly flushesOneMm?: boolean;
  /** Private pages are not thought of (McCracken, until May 2006). */
  readonly ignoresAnonVma?: boolean;
  /** The anon_vma is looked at when tables are about to be shared, and not later (Dickins, 2006). */
  readonly asksAnonVmaOnce?: boolean;
  /** Locked VMAs share tables with others that are not (May 2006). */
  readonly sharesLocked?: boolean;
  /**
   * VMAs are divided below the span of a shared table, and what no longer covers one is taken to
   * share none (May 2006).
   */
  readonly ignoresSplit?: boolean;
}

export interface Options {
  /**
   * The lowest and the highest level of tables that are shared: 0 for PTE tables (PTSHARE_PTE), 1 for
   * PMD tables (PTSHARE_PMD), 2 for PUD tables (PTSHARE_PUD, dropped in May 2006). On ppc64 nothing
   * below a segment can be shared, which is a whole PMD table.
   */
  readonly lowest: number;
  readonly highest: number;
  /** Whether fork() shares at once (August 2005, January 2006), or leaves it to faults (Dickins). */
  readonly inFork: boolean;
  /** Whether all flags of two VMAs have to be the same (August 2005), or their rights (May 2006). */
  readonly comparesAllFlags: boolean;
  readonly mistakes: Mistakes;
}

/** The rules of May 2006 with all that the reviews asked for. */
export const REVIEWED: Options = {
  lowest: 0,
  highest: 1,
  inFork: false,
  comparesAllFlags: false,
  mistakes: {},
};

/** The patch of May 2006 for 2.6.17-rc3, as it was posted. */
export const POSTED_MAY_2006: Options = {
  ...REVIEWED,
  mistakes: {
    countsBeforeLinking: true,
    unlocksBeforeFlush: true,
    unmapsInTheOpen: true,
    movesInTheOpen: true,
    flushesOneMm: true,
    ignoresAnonVma: true,
    sharesLocked: true,
    ignoresSplit: true,
  },
};

/** On ppc64: segments of 256 MiB, each a whole PMD table, or nothing. */
export const SEGMENTS: Options = { ...REVIEWED, lowest: 1 };
