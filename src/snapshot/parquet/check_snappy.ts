/** Snappy blocks: the body of each page. */
import { Scanner, VARINT32_BYTES } from './scanner.ts';

/**
 * Checks one block. What passes is at most 22 times longer decompressed, because three bytes stand
 * for 64 at most.
 *
 * @param outputLength what the page header says that it decompresses to
 * @throws SnapshotError
 * @source google/snappy format_description.txt
 */
export function checkSnappy(input: Uint8Array, outputLength: number, place: string): void {
  const scanner = new Scanner(input, 0, input.length, place);
  if (scanner.varint(VARINT32_BYTES) !== outputLength) {
    scanner.refuse('its page header and its compressed data disagree on its size');
  }
  let produced = 0;
  while (scanner.left > 0) {
    produced += skipElement(scanner, produced);
    if (produced > outputLength) scanner.refuse('it decompresses to more than it says');
  }
  if (produced !== outputLength) scanner.refuse('it decompresses to less than it says');
}

/** The two low bits of an element's first byte; of a copy, how many bytes its offset has. */
const Tag = { LITERAL: 0, COPY_1: 1, COPY_2: 2 } as const;

/** @returns how many bytes the element stands for */
function skipElement(scanner: Scanner, produced: number): number {
  const first = scanner.byte();
  const tag = first & 3;
  const upper = first >> 2;
  if (tag === Tag.LITERAL) {
    const length = 1 + (upper < 60 ? upper : scanner.littleEndian(upper - 59));
    scanner.skip(length);
    return length;
  }
  const isShort = tag === Tag.COPY_1;
  const offset = isShort
    ? (first >> 5) * 0x100 + scanner.byte()
    : scanner.littleEndian(tag === Tag.COPY_2 ? 2 : 4);
  if (offset === 0 || offset > produced) scanner.refuse('it repeats what is not there');
  return isShort ? 4 + (upper & 7) : 1 + upper;
}
