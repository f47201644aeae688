/** A file that cannot be shown: the message says why, `mend` what to do. */
export class DocumentError extends Error {
  override readonly name = 'DocumentError';
  readonly mend: string;

  constructor(message: string, mend: string) {
    super(message);
    this.mend = mend;
  }
}
