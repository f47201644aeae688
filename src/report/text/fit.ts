/** Text cut and wrapped to columns, as a terminal counts them. */
import stringWidth from 'string-width';

const graphemes = new Intl.Segmenter();

/**
 * `text` in at most `width` columns. What is too much is left out in the middle, nearer to the
 * start: the end of a path says more than its beginning.
 */
export function fit(text: string, width: number, ellipsis: string): string {
  if (stringWidth(text) <= width) return text;
  if (width <= 1) return ellipsis.slice(0, width);
  const headWidth = Math.floor((width - 1) * 0.4);
  const characters = Array.from(graphemes.segment(text), ({ segment }) => segment);
  const head = take(characters, headWidth);
  const tail = take(characters.reverse(), width - 1 - headWidth);
  return head.join('') + ellipsis + tail.reverse().join('');
}

/** As many of `characters` from the first on as fit into `width` columns. */
function take(characters: readonly string[], width: number): string[] {
  let used = 0;
  const end = characters.findIndex((character) => {
    used += stringWidth(character);
    return used > width;
  });
  return characters.slice(0, end === -1 ? undefined : end);
}

/** Spaces, but for the one between a number and its unit. */
const BREAKS = / (?!(?:[KMGTP]i)?B\b)/;

/** `text` in lines of at most `width` columns, broken at spaces; a longer word is cut by `fit`. */
export function wrap(text: string, width: number, ellipsis: string): string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(BREAKS).map((whole) => fit(whole, width, ellipsis))) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (stringWidth(longer) > width) {
      lines.push(line);
      line = word;
    } else {
      line = longer;
    }
  }
  return [...lines, line];
}

/** `items`, three spaces apart, in as few lines of at most `width` columns as they take. */
export function flow(items: readonly string[], width: number): string[] {
  const lines: string[] = [];
  for (const item of items) {
    const longer = `${lines.at(-1)}   ${item}`;
    if (lines.length > 0 && stringWidth(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(item);
  }
  return lines;
}

export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(width - stringWidth(text), 0));
}
