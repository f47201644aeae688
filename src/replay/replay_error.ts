/** What a recording cannot be replayed for. */
export class ReplayError extends Error {
  override readonly name = 'ReplayError';
  /** From 1; 0 if it is not about a line. */
  readonly line: number;
  readonly mend: string;

  constructor(line: number, reason: string, mend: string) {
    super(line === 0 ? reason : `Line ${line}: ${reason}`);
    this.line = line;
    this.mend = mend;
  }
}

/** A line that is not what it should be: refused, or skipped and counted. */
export class LineError extends Error {
  override readonly name = 'LineError';
}
