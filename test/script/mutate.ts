/** Scripts that somebody has damaged, out of scripts that somebody wrote. */
import { CALLS, constantNames } from '../../src/script/index.ts';
import type { Random } from '../kernel/random.ts';

/** Pieces of the language, of its neighbourhood, and of neither. */
const PIECES: readonly string[] = [
  ...CALLS.map(({ name }) => `${name}(`),
  ...constantNames(),
  ...['a', 'child', '0', '1', '-1', '4*K', '0x7ffff7a00000', '0xffffffffffffffff', '1.5', '2**70'],
  ...['(', ')', ',', ';', '\n', '=', '+', '-', '*', '|', '&', '~', '<<', '/', '%', '#', '//', '/*'],
  ...[
    '"',
    "'",
    '`',
    '{',
    '}',
    '[',
    ']',
    '=>',
    'function',
    'while(1)',
    'import("fs")',
    '\0',
    '\u202e',
  ],
  ...['process', 'constructor', '__proto__', 'a.b', '...a', '1n', 'await', 'yield', '😀'],
];

const WORDS: readonly string[] = [
  ...constantNames(),
  ...CALLS.map(({ name }) => name),
  ...[
    'a',
    'f',
    'child',
    '0',
    '1',
    '3',
    '4096',
    '0x7ffff7a00000',
    '0xffffffffffffffff',
    '0x800000000000',
  ],
];

/** Another word in the place of one: most of such scripts still parse. */
export function replaceWord(text: string, random: Random): string {
  const words = [...text.matchAll(/\w+/g)];
  const word = words[random.below(words.length)];
  if (word === undefined) return text;
  const other = WORDS[random.below(WORDS.length)]!;
  return text.slice(0, word.index) + other + text.slice(word.index + word[0].length);
}

export function mutate(text: string, random: Random): string {
  let result = text.replace(/#.*/g, '');
  for (let count = 1 + random.below(4); count > 0; count--) {
    if (random.below(4) > 0) {
      result = replaceWord(result, random);
      continue;
    }
    const at = random.below(result.length + 1);
    const end = Math.min(result.length, at + random.below(12));
    const piece = PIECES[random.below(PIECES.length)]!;
    switch (random.below(4)) {
      case 0:
        result = result.slice(0, at) + piece + result.slice(at);
        break;
      case 1:
        result = result.slice(0, at) + result.slice(end);
        break;
      case 2:
        result = result.slice(0, at) + piece + result.slice(end);
        break;
      default:
        // A statement somewhere else.
        result = result.slice(end) + result.slice(0, at);
    }
  }
  return result;
}
