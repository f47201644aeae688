/** What is wrong with a script, where, and what to write instead. */

/** Lines and columns count from 1, as editors show them. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export class ScriptError extends Error {
  override readonly name = 'ScriptError';
  readonly reason: string;
  readonly mend: string;
  /** `undefined` for a call that no text asked for. */
  readonly place: Place | undefined;

  constructor(reason: string, mend: string, place?: Place) {
    super(place === undefined ? reason : `${place.line}:${place.column}: ${reason}`);
    this.reason = reason;
    this.mend = mend;
    this.place = place;
  }

  /** The same error, at `place` unless it has one already. */
  at(place: Place): ScriptError {
    return this.place === undefined ? new ScriptError(this.reason, this.mend, place) : this;
  }
}
