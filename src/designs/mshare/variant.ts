/**
 * Which mshare: what was posted, and what was proposed in the threads about it.
 *
 * Each rule on which versions or people differ is a field; each variant says whose it is. Sources are
 * mails to linux-mm: "v3 13/22" is patch 13 of "[PATCH v3 00/22] Add support for shared PTEs across
 * processes" (20250820010415.699353-1-anthony.yznaga@oracle.com), "v2 12/20" one of the series of
 * April 2025 (20250404021902.48863-1-anthony.yznaga@oracle.com).
 */

/**
 * Who is flushed when entries of the host have changed: no CPU ever runs the host, so its own CPU mask
 * is empty. Options A to D of Dave Hansen, "About TLB flushing...", 2 October 2024.
 */
export type Flush =
  /** A: every CPU, whatever it runs (v3 08/22, a notifier on the host). */
  | 'all'
  /** The CPUs of the host, of which there are none: what mm does by itself. */
  | 'host-mask'
  /** B: the CPUs of the host, which linking and switching keep up to date. */
  | 'kept-mask'
  /** C: each guest that i_mmap of the region lists, one after the other, under a lock of its own. */
  | 'guests'
  /** C, under i_mmap_rwsem, which may sleep. */
  | 'guests-rwsem'
  /** D: the CPUs of all guests that i_mmap lists, at once. */
  | 'multi-cpu';

/** When a guest that unmaps a region gives its entry up. */
export type Unlink =
  /** With its tables, when the VMA has left i_mmap (v2 12/20). */
  | 'free-pgtables'
  /** With its pages: the share count drops, the entry is cleared, the gather flushes (v3 13/22). */
  | 'zap'
  /** With its pages: the entry is cleared before the share count drops. */
  | 'zap-clear-first'
  /** With its pages, and flushed before the share count drops and before the VMA leaves i_mmap. */
  | 'zap-flush-first';

/** How notifiers of guests hear of changes in the host, and under which locks guests are found. */
export type Forwards =
  /** They do not (v3). */
  | 'no'
  /** Under i_mmap_rwsem of the region, which is taken for the start, and again for the end. */
  | 'i-mmap'
  /** Under i_mmap_rwsem of the region, which is held from start to end. */
  | 'i-mmap-kept';

export interface MshareVariant {
  readonly name: string;
  /** Who proposed it, and where. */
  readonly source: string;
  readonly flush: Flush;
  readonly unlink: Unlink;
  /** Whether a table that guests are linked to is kept (v3 12/22). */
  readonly countsShares: boolean;
  /** How GUP walks the tables of a guest: with its locks, not at all, or in the host with its locks. */
  readonly gup: 'guest-locks' | 'refused' | 'host-locks';
  /** Calls on a part of an attached region: refused, or made on what the region has there. */
  readonly calls: 'refused' | 'passed';
  /** Advice on an attached region: followed as on other VMAs, or refused. */
  readonly advice: 'generic' | 'refused';
  /** What takes pages out of a guest: the hook of its VMA, or the walk of mm. */
  readonly dontneed: 'hook' | 'generic';
  /** mremap(2) of an attached region as a whole: by its tables, as of other VMAs, or refused. */
  readonly move: 'generic' | 'refused';
  /** What may be put into a region. */
  readonly objects: 'anonymous' | 'files';
  /** Whether a region ends with the thread that made it (v3 17/22). */
  readonly hasOwner: boolean;
  /** Whose memory cgroup is charged: that of the file, or of the owner (v3 22/22). */
  readonly charges: 'file' | 'owner';
  /** Whether who is told of changes in a guest is told of those in the host (Sean Christopherson). */
  readonly forwards: Forwards;
  /** Whether a table that was kept is looked for when the host goes. */
  readonly freesKept: boolean;
}

export const V2: MshareVariant = {
  name: 'v2',
  source: 'Anthony Yznaga, "[PATCH v2 00/20]", 4 April 2025',
  flush: 'all',
  unlink: 'free-pgtables',
  countsShares: false,
  gup: 'guest-locks',
  calls: 'refused',
  advice: 'generic',
  dontneed: 'hook',
  move: 'generic',
  objects: 'anonymous',
  hasOwner: false,
  charges: 'file',
  forwards: 'no',
  freesKept: false,
};

export const V3: MshareVariant = {
  ...V2,
  name: 'v3',
  source: 'Anthony Yznaga, "[PATCH v3 00/22]", 19 August 2025',
  unlink: 'zap',
  countsShares: true,
  objects: 'files',
  hasOwner: true,
  charges: 'owner',
};

/** v3 without what its reviewers and the searches of this project have found. */
export const MENDED: MshareVariant = {
  ...V3,
  name: 'mended',
  source: 'v3 with the answers to Jann Horn (30 May 2025) and Anthony Yznaga (9 September 2025)',
  unlink: 'zap-clear-first',
  gup: 'refused',
  advice: 'refused',
  move: 'refused',
  freesKept: true,
};

/** v3 with each of the other proposals of the threads, one at a time. */
export const PROPOSALS: readonly MshareVariant[] = [
  {
    ...MENDED,
    name: 'gup-refused',
    source: 'Jann Horn on v2 12/20, 30 May 2025: walkers bail out of the VMAs of regions',
  },
  {
    ...MENDED,
    name: 'gup-host-locks',
    source: 'Jann Horn on v2 12/20, 30 May 2025: or they take the locks of the host, too',
    gup: 'host-locks',
  },
  {
    ...MENDED,
    name: 'passed',
    source: 'Matthew Wilcox, 8 September 2025: calls inside a region pass through to its VMAs',
    calls: 'passed',
  },
  {
    ...MENDED,
    name: 'file-charged',
    source: 'v1 and v2: the memory cgroup is that of the file',
    charges: 'file',
  },
  {
    ...MENDED,
    name: 'forwarding',
    source: 'Sean Christopherson, 7 October 2024: notifiers of the host are forwarded to guests',
    forwards: 'i-mmap-kept',
  },
];

/** The flush alternatives, on top of `base`. */
export function flushVariants(base: MshareVariant): MshareVariant[] {
  const source = 'Dave Hansen, "About TLB flushing...", 2 October 2024';
  const kinds: readonly Flush[] = ['all', 'host-mask', 'kept-mask', 'guests', 'multi-cpu'];
  return kinds.map((flush) => ({ ...base, name: `${base.name}, flush ${flush}`, source, flush }));
}
