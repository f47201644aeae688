/** Assertions stay on in every build: a model that lies is worse than one that stops. */

/** A broken invariant of our own. Never caught inside the model. */
export class ModelError extends Error {
  override readonly name = 'ModelError';
}

/**
 * Stops the program if `condition` is false.
 *
 * @param sentence what must hold, as a constant: a built message costs ten times the check
 * @throws ModelError
 */
export function assert(condition: boolean, sentence: string): asserts condition {
  if (!condition) throw new ModelError(sentence);
}

/** Ends an exhaustive `switch`; a new member of the union becomes a compile error here. */
export function assertNever(value: never, sentence: string): never {
  throw new ModelError(`${sentence}: ${String(value)}`);
}
