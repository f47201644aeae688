/** A capture that cannot be taken at all. The message says what is wrong, where, and what to do. */
export class CaptureError extends Error {
  override readonly name = 'CaptureError';
}
