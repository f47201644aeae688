/** Why the exact mode cannot run on this host. Expected: the caller reports it and does without. */
export class ExactModeUnavailable extends Error {
  override readonly name = 'ExactModeUnavailable';
  /** What to do about it; empty where nothing helps. */
  readonly mend: string;

  constructor(cause: string, mend: string) {
    super(`Cannot read kernel page tables: ${cause}`);
    this.mend = mend;
  }
}
