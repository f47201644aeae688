/** Values one behind the other, as Parquet's PLAIN encoding stores them. */
import type { SnapshotLimits } from '../limits.ts';
import { Mend, SnapshotError } from '../snapshot_error.ts';
import { decodeText } from './text.ts';

/** Fills `values` from `bytes`, and returns them. @throws SnapshotError for negative numbers */
export function readInt32s(bytes: Uint8Array, values: Float64Array, place: string): Float64Array {
  const view = viewOf(bytes, values.length * 4, place);
  for (let i = 0; i < values.length; i++) {
    const value = view.getInt32(i * 4, true);
    if (value < 0) throw new SnapshotError(place, 'a number is negative');
    values[i] = value;
  }
  return values;
}

/** As `readInt32s()`. Refuses also what a double cannot hold. */
export function readInt64s(bytes: Uint8Array, values: Float64Array, place: string): Float64Array {
  const view = viewOf(bytes, values.length * 8, place);
  for (let i = 0; i < values.length; i++) {
    const value = view.getInt32(i * 8 + 4, true) * 2 ** 32 + view.getUint32(i * 8, true);
    if (value < 0) throw new SnapshotError(place, 'a number is negative');
    if (value > Number.MAX_SAFE_INTEGER) throw new SnapshotError(place, 'a number is too large');
    values[i] = value;
  }
  return values;
}

function viewOf(bytes: Uint8Array, length: number, place: string): DataView {
  if (bytes.length !== length) throw new SnapshotError(place, 'its page has the wrong size');
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** All texts of a file, each once: equal texts have equal numbers in all columns and row groups. */
export class TextTable {
  readonly #texts: string[] = [];
  readonly #numbers = new Map<string, number>();
  readonly #limits: SnapshotLimits;
  #textLength = 0;

  constructor(limits: SnapshotLimits) {
    this.#limits = limits;
  }

  /** @param number out of `read()` */
  at(number: number): string {
    return this.#texts[number]!;
  }

  #add(text: string, place: string): number {
    const known = this.#numbers.get(text);
    if (known !== undefined) return known;
    this.#textLength += text.length;
    const { texts, textLength } = this.#limits;
    if (this.#texts.length === texts || this.#textLength > textLength) {
      throw new SnapshotError(place, 'its names take more space than allowed', Mend.TOO_LARGE);
    }
    this.#numbers.set(text, this.#texts.length);
    return this.#texts.push(text) - 1;
  }

  /** Fills `values` with the numbers of the texts in `bytes`, and returns them. */
  read(bytes: Uint8Array, values: Float64Array, place: string): Float64Array {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    let at = 0;
    for (let i = 0; i < values.length; i++) {
      if (at + 4 > bytes.length) throw new SnapshotError(place, 'its dictionary ends too early');
      const start = at + 4;
      at = start + view.getUint32(at, true);
      if (at > bytes.length) throw new SnapshotError(place, 'a text ends behind its dictionary');
      const text = decodeText(bytes.subarray(start, at));
      if (text === undefined) throw new SnapshotError(place, 'a text is not UTF-8');
      values[i] = this.#add(text, place);
    }
    if (at !== bytes.length) throw new SnapshotError(place, 'its dictionary is too long');
    return values;
  }
}
