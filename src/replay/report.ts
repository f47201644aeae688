/** What came of a replay, as data. */

export interface Share {
  total: number;
  exact: number;
}

export interface Mismatch {
  readonly line: number;
  readonly pid: number;
  readonly call: string;
  /** As strace writes results: an address, a number, or the name of an errno. */
  readonly real: string;
  readonly ours: string;
  /** Why the engine answers as it does. */
  readonly rule: string;
}

export interface SkippedLine {
  readonly line: number;
  readonly reason: string;
}

/** The counters of a process, as /proc/PID/status has them, in KiB; and its VMAs. */
export interface Counters {
  readonly RssAnon: number;
  readonly RssFile: number;
  readonly RssShmem: number;
  readonly VmPTE: number;
  readonly VmSize: number;
  readonly vmas: number;
}

export interface ProcessCounters {
  readonly line: number;
  readonly pid: number;
  readonly real: Counters;
  readonly simulated: Counters;
}

export interface ReplayReport {
  readonly version: 1;
  /** Lines of the recording. */
  lines: number;
  /** Calls that concern address spaces, all of them. */
  calls: number;
  /** Those of them that show where randomisation put things. */
  calibrations: number;
  /** Those of them that cannot be judged, by reason. */
  readonly unjudged: Record<string, number>;
  /** Addresses that the kernel chose: mmap() without MAP_FIXED, brk(), mremap(), shmat(). */
  readonly addresses: Share;
  readonly byCall: Record<string, Share>;
  /** Whether calls succeeded, or with which errno they failed. */
  readonly errnos: Share;
  processes: number;
  threads: number;
  /** Those that the engine serves. */
  readonly faults: Share;
  /** Of processes whose end was recorded with its counters. */
  readonly counters: ProcessCounters[];
  /** All differences; the first of them follow. */
  differences: number;
  readonly mismatches: Mismatch[];
  /** A property of the kernel that the engine violates: all is recounted in the end. */
  violation: string | null;
  skipped: number;
  readonly skippedLines: SkippedLine[];
}

export function emptyReport(): ReplayReport {
  return {
    version: 1,
    lines: 0,
    calls: 0,
    calibrations: 0,
    unjudged: {},
    addresses: { total: 0, exact: 0 },
    byCall: {},
    errnos: { total: 0, exact: 0 },
    processes: 0,
    threads: 0,
    faults: { total: 0, exact: 0 },
    counters: [],
    differences: 0,
    mismatches: [],
    violation: null,
    skipped: 0,
    skippedLines: [],
  };
}

export function count(share: Share, isExact: boolean): void {
  share.total++;
  if (isExact) share.exact++;
}
