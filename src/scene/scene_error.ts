/** A trace that is valid, and says what cannot be shown. */
export class SceneError extends Error {
  override readonly name = 'SceneError';
  readonly mend: string;

  constructor(message: string, mend: string) {
    super(message);
    this.mend = mend;
  }
}
