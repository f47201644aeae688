/**
 * The arguments and the result of a call, as text. strace writes them as C does: strings in quotes,
 * structures in braces, comments, and with -y what a descriptor stands for in angle brackets.
 */
import { LIMITS } from '../limits.ts';
import { LineError } from '../replay_error.ts';

export interface SplitCall {
  readonly args: readonly string[];
  /** Behind the equals sign: `0`, `-1 ENOMEM (Cannot allocate memory)`, `?`. */
  readonly result: string;
}

const BACKSLASH = 0x5c;
const QUOTE = 0x22;
const LESS = 0x3c;
const GREATER = 0x3e;
const MINUS = 0x2d;
const STAR = 0x2a;
const SPACE = 0x20;

/** Characters that mean something: by their code. */
const Kind = { PLAIN: 0, QUOTE: 1, SLASH: 2, LESS: 3, OPENING: 4, CLOSING: 5, COMMA: 6 } as const;
const KINDS = new Uint8Array(128);
for (const [characters, kind] of [
  ['"', Kind.QUOTE],
  ['/', Kind.SLASH],
  ['<', Kind.LESS],
  ['([{', Kind.OPENING],
  [')]}', Kind.CLOSING],
  [',', Kind.COMMA],
] as const) {
  for (const character of characters) KINDS[character.charCodeAt(0)] = kind;
}

/**
 * @param text what stands behind the opening bracket of a call
 * @throws LineError
 */
export function splitCall(text: string): SplitCall {
  const args: string[] = [];
  let depth = 0;
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    switch (KINDS[text.charCodeAt(at)]) {
      case Kind.OPENING:
        if (++depth > LIMITS.depth) throw new LineError('structures nest too deep');
        break;
      case Kind.CLOSING:
        if (--depth >= 0) break;
        if (start < at) args.push(text.slice(start, at).trim());
        return { args, result: resultOf(text, at + 1) };
      case Kind.COMMA:
        if (depth > 0) break;
        if (args.length === LIMITS.arguments) throw new LineError('a call has too many arguments');
        args.push(text.slice(start, at).trim());
        start = at + 1;
        break;
      case Kind.PLAIN:
      case undefined:
        break;
      default:
        at = endOf(text, at);
    }
  }
  throw new LineError('a call without its end');
}

/** The last character of what starts here and is one piece. */
function endOf(text: string, at: number): number {
  switch (KINDS[text.charCodeAt(at)]) {
    case Kind.QUOTE:
      return endOfString(text, at);
    case Kind.LESS:
      return endOfAngle(text, at);
    default:
      return text.charCodeAt(at + 1) === STAR ? endOfComment(text, at) : at;
  }
}

function endOfString(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === BACKSLASH) at++;
    else if (code === QUOTE) return at;
  }
  throw new LineError('a string without its end');
}

function endOfComment(text: string, from: number): number {
  const end = text.indexOf('*/', from + 2);
  if (end < 0) throw new LineError('a comment without its end');
  return end + 1;
}

/** What a descriptor stands for; `<<` is a shift, and `->` in it an arrow between addresses. */
function endOfAngle(text: string, from: number): number {
  if (text.charCodeAt(from + 1) === LESS) return from + 1;
  for (let at = from + 1; at < text.length; at++) {
    if (text.charCodeAt(at) === GREATER && text.charCodeAt(at - 1) !== MINUS) return at;
  }
  throw new LineError('a descriptor without its end');
}

function resultOf(text: string, from: number): string {
  let at = from;
  while (text.charCodeAt(at) === SPACE) at++;
  if (text[at] !== '=') throw new LineError('a call without its result');
  return text.slice(at + 1).trim();
}
