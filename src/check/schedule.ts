/**
 * Schedules as text: one character for each step, the index of the actor that takes it (`0-9a-z`).
 * Each `'` behind it stands for one choice that was passed over: `01'1` is actor 0, actor 1 with its
 * second choice, actor 1.
 */

/** A step: which actor, and which of its choices. */
export interface Turn {
  readonly actor: number;
  readonly choice: number;
}

export function formatSchedule(turns: readonly Turn[]): string {
  return turns.map(({ actor, choice }) => actor.toString(36) + "'".repeat(choice)).join('');
}

/** @throws SyntaxError if `text` is not a schedule */
export function parseSchedule(text: string): Turn[] {
  if (!/^([0-9a-z]'*)*$/.test(text)) {
    throw new SyntaxError(`Cannot read a schedule: it has other signs than 0-9, a-z, ': ${text}`);
  }
  return Array.from(text.matchAll(/([0-9a-z])('*)/g), ([, actor, choices]) => ({
    actor: Number.parseInt(actor!, 36),
    choice: choices!.length,
  }));
}
