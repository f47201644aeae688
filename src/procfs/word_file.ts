/** Files of 64-bit words that are read at any place: pagemap, kpagecount, kpageflags. */
import { assert } from '../base/assert.ts';

export interface WordFile {
  /** How many there are. */
  readonly words: number;
  /**
   * Words from number `start` on, in two lanes each, low then high. All of them must be there: those
   * that hold nothing are 0.
   */
  read(start: number, into: Uint32Array): void;
  /** Words that may hold something, in ranges upwards: all others are 0. */
  extents(): Iterable<Extent>;
}

export interface Extent {
  readonly start: number;
  readonly end: number;
}

const WORD_BYTES = 8;

/**
 * Reads like pread(2): words are little-endian, and whole.
 *
 * @returns how many bytes there were
 */
export function readWords(file: WordFile, offset: number, into: Uint8Array): number {
  assert(offset % WORD_BYTES === 0, 'words are read from the start of one');
  const first = offset / WORD_BYTES;
  const words = Math.min(Math.floor(into.length / WORD_BYTES), Math.max(0, file.words - first));
  const lanes = new Uint32Array(words * 2);
  file.read(first, lanes);
  const view = new DataView(into.buffer, into.byteOffset, into.byteLength);
  lanes.forEach((lane, index) => {
    view.setUint32(index * 4, lane, true);
  });
  return words * WORD_BYTES;
}
