/** What a user reads when a trace cannot be used: where, what, and how to mend it. */

export const Mend = {
  NOT_OURS: 'Pass a trace that ptshare wrote',
  DAMAGED: 'Copy the file again, or record the trace again',
  NEWER: 'Read it with the ptshare that wrote it, or with a newer one',
  TOO_LARGE: 'Record a shorter run',
  PERFETTO: 'Export it for Perfetto, which reads traces of any size',
} as const;
export type Mend = (typeof Mend)[keyof typeof Mend];

/** A trace that cannot be read, or cannot be exported. */
export class TraceError extends Error {
  override readonly name = 'TraceError';
  /** Where in the trace, for instance `column "lock" of lockWait`. */
  readonly place: string;
  readonly mend: Mend;

  constructor(place: string, what: string, mend: Mend = Mend.DAMAGED) {
    super(`Cannot use the trace: ${place}: ${what}. ${mend}`);
    this.place = place;
    this.mend = mend;
  }
}
