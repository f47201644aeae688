/** Work that is not what it should be: no use to try it again. */
export class TaskError extends Error {
  override readonly name = 'TaskError';
}
