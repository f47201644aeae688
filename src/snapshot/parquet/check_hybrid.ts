/** Runs of equal and of bit-packed values: null levels, flags, and indexes into dictionaries. */
import { Scanner, VARINT32_BYTES } from './scanner.ts';

/**
 * Checks the runs of one page.
 *
 * @param width bits of a value, above 0
 * @param count how many values there must be
 * @throws SnapshotError
 * @source apache/parquet-format Encodings.md, "Run Length Encoding / Bit-Packing Hybrid"
 */
export function checkHybrid(bytes: Uint8Array, width: number, count: number, place: string): void {
  const scanner = new Scanner(bytes, 0, bytes.length, place);
  const valueBytes = Math.ceil(width / 8);
  let seen = 0;
  while (seen < count) {
    const header = scanner.varint(VARINT32_BYTES);
    const isPacked = header % 2 === 1;
    const length = Math.floor(header / 2);
    if (length === 0) scanner.refuse('it has a run of no values');
    // Packed values come by the eight, the last of them may be padding.
    seen += isPacked ? length * 8 : length;
    if (seen > count + (isPacked ? 7 : 0)) scanner.refuse('it has more values than rows');
    if (isPacked) scanner.skip(length * width);
    else if (scanner.littleEndian(valueBytes) >= 2 ** width) {
      scanner.refuse('it has a value of too many bits');
    }
  }
  if (scanner.left > 0) scanner.refuse('it goes on behind its last value');
}
