/**
 * Checks of what hyparquet decodes for us, made before it sees a byte: `check_thrift.ts`,
 * `check_snappy.ts`, `check_hybrid.ts`, all with this scanner.
 *
 * hyparquet is written for well-meant files. On others its loops can run backwards, run without
 * end, or reserve what a forged length asks for: a Thrift list of 2^31 elements, a Snappy literal
 * of negative length, a run of 2^30 values in a column of ten. Each check walks the same bytes in
 * time linear in their number, keeps nothing, and refuses what would lead there.
 *
 * @source hyparquet 1.31.5 src/thrift.js, src/snappy.js, src/encoding.js
 */
import { SnapshotError } from '../snapshot_error.ts';

/** The longest varints of a 32-bit and of a 64-bit number, seven bits a byte. */
export const VARINT32_BYTES = 5;
export const VARINT64_BYTES = 10;

/** Reads forward, and never behind `end`. */
export class Scanner {
  at: number;
  readonly #bytes: Uint8Array;
  readonly #end: number;
  readonly #place: string;

  constructor(bytes: Uint8Array, start: number, end: number, place: string) {
    this.at = start;
    this.#bytes = bytes;
    this.#end = end;
    this.#place = place;
  }

  get left(): number {
    return this.#end - this.at;
  }

  /** @throws SnapshotError, as does everything that would read behind the end */
  refuse(what: string): never {
    throw new SnapshotError(this.#place, what);
  }

  skip(count: number): void {
    if (count > this.left) this.refuse('it ends too early');
    this.at += count;
  }

  byte(): number {
    this.skip(1);
    return this.#bytes[this.at - 1]!;
  }

  /** An unsigned number of at most six bytes. */
  littleEndian(bytes: number): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < bytes; i++) {
      value += this.byte() * unit;
      unit *= 0x100;
    }
    return value;
  }

  /** An unsigned number; exact up to `VARINT32_BYTES`, of longer ones only the end is of use. */
  varint(bytesMax: number): number {
    let value = 0;
    let unit = 1;
    for (let i = 0; i < bytesMax; i++) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 0x80;
    }
    return this.refuse('it has a number that does not end');
  }
}
