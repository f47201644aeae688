/**
 * Names of processes, files and groups are chosen by whoever runs them. What a terminal, a browser's
 * bidirectional layout or a log viewer would act on is shown as an escape instead.
 */

/** Control, format (bidirectional marks among them), surrogate, private and unassigned characters. */
const ACTED_ON = /[\p{C}\p{Zl}\p{Zp}]/gu;

/** `text` with `\x1b` or `\u{202e}` in place of each character that is not simply shown. */
export function printable(text: string): string {
  return text.replace(ACTED_ON, escapeOf);
}

function escapeOf(character: string): string {
  const code = character.codePointAt(0)!;
  const hex = code.toString(16);
  return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
}
