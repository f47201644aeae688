/**
 * Schedules as text: one sign for each step, the index of the actor that takes it (`0-9a-zA-Z`, from
 * 62 on its number in parentheses). Each `'` behind it stands for one choice that was passed over:
 * `01'1` is actor 0, actor 1 with its second choice, actor 1.
 */

/** A step: which actor, and which of its choices. */
export interface Turn {
  readonly actor: number;
  readonly choice: number;
}

const SIGNS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ';

export function formatSchedule(turns: readonly Turn[]): string {
  return turns
    .map(({ actor, choice }) => (SIGNS[actor] ?? `(${actor})`) + "'".repeat(choice))
    .join('');
}

/** @throws SyntaxError if `text` is not a schedule */
export function parseSchedule(text: string): Turn[] {
  if (!/^(([0-9a-zA-Z]|\(\d+\))'*)*$/.test(text)) {
    throw new SyntaxError(
      `Cannot read a schedule: it has other signs than 0-9, a-z, A-Z, (), ': ${text}`,
    );
  }
  return Array.from(text.matchAll(/([0-9a-zA-Z]|\(\d+\))('*)/g), ([, actor, choices]) => ({
    actor: actor!.startsWith('(') ? Number(actor!.slice(1, -1)) : SIGNS.indexOf(actor!),
    choice: choices!.length,
  }));
}
