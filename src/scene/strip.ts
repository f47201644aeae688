/** An address space as a strip: what lies where, and how it is mapped. */

/** Pages `[start, end)` of an address space. */
export interface StripMapping {
  readonly start: number;
  readonly end: number;
  /** What it maps, as /proc/PID/maps would say. */
  readonly name: string;
  /** As in maps: `rw-s`. */
  readonly rights: string;
}

/** Consecutive slots, each spanned by one PTE table, that are mapped in the same way. */
export interface StripRuns {
  readonly length: number;
  /** First slot, in slots from virtual address 0. */
  readonly slot: Float64Array;
  readonly count: Int32Array;
  /** Index of `StripMapping`. */
  readonly mapping: Int32Array;
  readonly kind: Uint8Array;
  /** Populated base pages. */
  readonly pages: Float64Array;
  /** PTE tables of the run that another address space has too, entry for entry. */
  readonly repeated: Int32Array;
}

export interface Strip {
  readonly pid: number;
  readonly comm: string;
  readonly commandLine: string;
  readonly pageBytes: number;
  readonly slotPages: number;
  readonly mappings: readonly StripMapping[];
  readonly runs: StripRuns;
  /** Names of `StripRuns.kind`. */
  readonly kinds: readonly string[];
}

/** Of a slot, kinds by number, as a snapshot has them. */
export const RUN_KINDS = [
  '',
  'PTE table',
  'empty PTE table',
  'anonymous huge page',
  'huge page of a file',
  'hugetlb page (PMD)',
  'hugetlb hole',
  'hugetlb page (PUD)',
  'device memory',
] as const;
