/** What the text of an argument or a result means. */
import { LineError } from '../replay_error.ts';
import { constantOf } from './constants.ts';

/** A descriptor, and with -y the path of what it stands for. */
export interface DescriptorText {
  readonly number: number;
  readonly path: string | undefined;
}

/** What a call returned: a value, a failure, or nothing, as when a signal ended it. */
export type Result =
  | { readonly kind: 'returned'; readonly value: number }
  | { readonly kind: 'failed'; readonly errno: string }
  | { readonly kind: 'unknown' };

const EXACT = 2n ** 53n;
const PAGE_BYTES = 4096n;
const COMMENT = /\/\*.*?\*\//g;
const NUMBER = /^-?(?:0x[0-9a-f]{1,16}|\d{1,20})$/;
const DESCRIPTOR = /^(-?\d{1,10}|AT_FDCWD)(?:<(.*)>)?(?:\(deleted\))?$/s;
const RESULT =
  /^(\?|0x[0-9a-f]{1,16}|-?\d{1,20})(?:<.*>(?:\(deleted\))?)?(?: (E[A-Z0-9]{1,20})\b)?/;

/**
 * A number as C writes one, NULL, or constants that are combined.
 *
 * @returns those of 2^63 and more as negative numbers, those that doubles cannot tell apart to the page
 * @throws LineError
 */
export function numberOf(text: string): number {
  if (text === 'NULL') return 0;
  if (NUMBER.test(text)) return integerOf(text);
  let sum = 0;
  for (const part of text.replace(COMMENT, '').split('|')) sum |= termOf(part.trim());
  return sum;
}

/** `21<<MAP_HUGE_SHIFT`, or one number or constant. */
function termOf(text: string): number {
  const parts = text.split('<<');
  if (parts.length > 2) throw new LineError('a number with more than one shift');
  const [value, shift] = parts.map(atomOf);
  return shift === undefined ? value! : value! << shift;
}

function atomOf(text: string): number {
  if (NUMBER.test(text)) return integerOf(text);
  const value = constantOf(text);
  if (value === undefined)
    throw new LineError('a number, or constants that are known, are expected');
  return value;
}

function integerOf(text: string): number {
  const isOctal = /^-?0\d/.test(text);
  if (text.length <= 15) return isOctal ? Number.parseInt(text, 8) : Number(text);
  const value = BigInt.asIntN(64, text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));
  if (value > -EXACT && value < EXACT) return Number(value);
  const offset = BigInt.asUintN(12, value);
  return Number(offset === 0n ? value : value - offset + PAGE_BYTES / 2n);
}

/** @throws LineError */
export function descriptorOf(text: string): DescriptorText {
  const [, number, path] = DESCRIPTOR.exec(text) ?? [];
  if (number === undefined) throw new LineError('a descriptor is expected');
  return { number: number === 'AT_FDCWD' ? -100 : Number(number), path };
}

/** A string in quotes, `undefined` for a pointer or one that was cut off. @throws LineError */
export function stringOf(text: string): string | undefined {
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(text)?.[1];
  return quoted?.replace(/\\(x[0-9a-f]{2}|[0-7]{1,3}|.)/gs, (_, code: string) => unescaped(code));
}

const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', v: '\v', f: '\f' };

function unescaped(code: string): string {
  if (/^x./.test(code)) return String.fromCharCode(Number.parseInt(code.slice(1), 16));
  if (/^[0-7]/.test(code)) return String.fromCharCode(Number.parseInt(code, 8) & 0xff);
  return ESCAPES[code] ?? code;
}

/** @throws LineError */
export function resultOf(text: string): Result {
  const [, value, errno] = RESULT.exec(text) ?? [];
  if (value === undefined) throw new LineError('a result is expected');
  if (value === '?') return { kind: 'unknown' };
  if (errno !== undefined && value === '-1') return { kind: 'failed', errno };
  return { kind: 'returned', value: numberOf(value) };
}
