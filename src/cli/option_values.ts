/** What the values of options must look like, said once for all commands. */
import { InvalidArgumentError, Option } from 'commander';
import { WIDTH_MIN } from './terminal.ts';

/** Wider than any terminal; what is written for files may be that wide. */
const WIDTH_MAX = 10_000;
const DIGITS_MAX = 13;

/** A parser of whole numbers from `min` to `max`, both included. */
export function whole(min: number, max: number): (text: string) => number {
  const isWhole = new RegExp(`^\\d{1,${DIGITS_MAX}}$`);
  return (text) => {
    const value = isWhole.test(text) ? Number(text) : Number.NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(`A whole number from ${min} to ${max} is wanted.`);
  };
}

const UNITS: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** A parser of bytes: 300G, 64MiB. */
export function size(text: string): number {
  const [, digits, unit] = /^(\d+(?:\.\d+)?)(?:([KMGT])(?:iB|B)?)?$/i.exec(text) ?? [];
  const value = Number(digits) * (unit === undefined ? 1 : UNITS[unit.toUpperCase()]!);
  if (Number.isSafeInteger(Math.ceil(value)) && value >= 1) return Math.ceil(value);
  throw new InvalidArgumentError('A size is wanted: 300G, 64MiB, or a number of bytes.');
}

export function widthOption(): Option {
  return new Option('--width <columns>', `at least ${WIDTH_MIN}`).argParser(
    whole(WIDTH_MIN, WIDTH_MAX),
  );
}

export function colorOption(): Option {
  return new Option('--no-color', 'no colour; NO_COLOR does the same');
}
