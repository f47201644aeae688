/** Commands to paste: broken only where a shell puts the lines together again. */
import stringWidth from 'string-width';
import { printable } from '../printable.ts';

/**
 * `command` in lines of at most `width` columns, each but the last ending in a backslash. It is
 * broken only at spaces outside quotes, so a word that is wider than a line stays whole.
 */
export function commandLines(command: string, width: number): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of shellWords(printable(command))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line !== '' && stringWidth(longer) > width - CONTINUED.length) {
      lines.push(line + CONTINUED);
      line = `  ${word}`;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

const CONTINUED = ' \\';

/** `command` split at spaces outside quotes; a backslash keeps what follows it. */
function shellWords(command: string): string[] {
  return command.match(/(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\]|['"])+/g) ?? [];
}
