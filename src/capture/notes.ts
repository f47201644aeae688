/** The sentences that a capture adds about what it could not see. */

export interface Shortcomings {
  readonly isRoot: boolean;
  readonly denied: number;
  readonly misunderstood: readonly string[];
  readonly unread: number;
  readonly wholeHost: boolean;
  readonly isFiltered: boolean;
  readonly countersFolded: boolean;
}

export function notesOn(found: Shortcomings): string[] {
  const notes: string[] = [];
  if (found.denied > 0) {
    notes.push(
      `The tables of ${processes(found.denied)} may not be read by this user, and only their size ` +
        `is known${found.isRoot ? '' : ': run as root to read them'}`,
    );
  }
  if (found.misunderstood.length > 0) {
    notes.push(
      `The mappings of ${processes(found.misunderstood.length)} were not understood, and only ` +
        `their size is known: ${found.misunderstood[0]}`,
    );
  }
  if (found.unread > 0) {
    notes.push(
      `The time budget was spent before ${processes(found.unread)} with the smallest tables: only ` +
        'their size is known',
    );
  }
  if (!found.wholeHost && !found.isFiltered) {
    notes.push(
      'Not every process of the host is visible: this is a container, or /proc is mounted with ' +
        'hidepid',
    );
  }
  if (!found.countersFolded) {
    notes.push(
      'PageTables may be off by some dozen pages per CPU: only root may have the counter brought ' +
        'up to date',
    );
  }
  return notes;
}

/** @param hasNative whether koffi was loaded, so that the kernel is what lacks the call */
export function noteOnFallback(hasNative: boolean): string {
  const cause = hasNative
    ? 'the kernel has no PAGEMAP_SCAN (Linux 6.7)'
    : 'the optional package koffi is not installed';
  return `Empty tables and huge pages of files could not be seen, because ${cause}`;
}

function processes(count: number): string {
  return count === 1 ? 'one process' : `${count} processes`;
}
