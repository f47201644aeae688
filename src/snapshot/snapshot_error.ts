/** What a user reads when a snapshot cannot be used: where, what, and how to mend it. */

export const Mend = {
  NOT_OURS: 'Pass a file that `ptshare host --save` wrote',
  DAMAGED: 'Copy the file again, or take the snapshot again with `ptshare host --save`',
  NEWER: 'Read it with the ptshare that wrote it, or with a newer one',
  TOO_LARGE: 'Take the snapshot of fewer processes, with --pid, --comm or --cgroup',
} as const;
export type Mend = (typeof Mend)[keyof typeof Mend];

/** A snapshot that cannot be read, or records that cannot be written as one. */
export class SnapshotError extends Error {
  override readonly name = 'SnapshotError';
  /** Where in the file or in the records, for instance `row group 2, column "slot"`. */
  readonly place: string;
  readonly what: string;
  readonly mend: Mend;

  constructor(place: string, what: string, mend: Mend = Mend.DAMAGED) {
    super(`Invalid snapshot: ${place}: ${what}. ${mend}`);
    this.place = place;
    this.what = what;
    this.mend = mend;
  }
}
