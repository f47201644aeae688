/**
 * Columns of 32-bit words, as differences.
 *
 * A column is a sequence of tokens. A token is a varint: the difference to the word before, modulo
 * 2^32, as zigzag, times two; plus one if the same difference comes again, and then a second varint
 * says how many times more than once. A column of equal words is two bytes.
 */
import type { ByteReader } from './byte_reader.ts';
import type { ByteWriter } from './bytes.ts';

export function encodeColumn(out: ByteWriter, words: Uint32Array): void {
  let last = 0;
  for (let at = 0; at < words.length; ) {
    const step = (words[at]! - last) | 0;
    let end = at + 1;
    while (end < words.length && ((words[end]! - words[end - 1]!) | 0) === step) end++;
    const isRun = end - at > 1;
    out.varint(zigzag(step) * 2 + (isRun ? 1 : 0));
    if (isRun) out.varint(end - at - 2);
    last = words[end - 1]!;
    at = end;
  }
}

/** Fills `words`. */
export function decodeColumn(input: ByteReader, words: Uint32Array): void {
  let last = 0;
  for (let at = 0; at < words.length; ) {
    const token = input.varint();
    const step = token < 2 ** 32 ? unzigzag(token >>> 1) : largeStep(input, token);
    if ((token & 1) === 0) {
      last = (last + step) >>> 0;
      words[at++] = last;
      continue;
    }
    const length = input.varint() + 2;
    if (length > words.length - at) input.fail('a run is longer than its column');
    for (const end = at + length; at < end; at++) {
      last = (last + step) >>> 0;
      words[at] = last;
    }
  }
}

function largeStep(input: ByteReader, token: number): number {
  const zigzagged = Math.floor(token / 2);
  if (zigzagged >= 2 ** 32) input.fail('a difference has more than 32 bits');
  return unzigzag(zigzagged);
}

function zigzag(step: number): number {
  return ((step << 1) ^ (step >> 31)) >>> 0;
}

function unzigzag(value: number): number {
  return (value >>> 1) ^ -(value & 1);
}
