/** Bytes that grow while they are written: varints (LEB128, as in protobuf), texts, fixed words. */

/** Runtimes have it; the platform-free layers are compiled without its types. */
declare const TextEncoder: new () => { encode(text: string): Uint8Array };
const encoder = new TextEncoder();

const BIT_32 = 2 ** 32;

export class ByteWriter {
  #bytes = new Uint8Array(2 ** 12);
  #length = 0;

  get length(): number {
    return this.#length;
  }

  /** What was written, from `start` on. Valid until more is written. */
  view(start = 0): Uint8Array {
    return this.#bytes.subarray(start, this.#length);
  }

  /** What was written. The writer is empty afterwards. */
  take(): Uint8Array {
    const taken = this.#bytes.slice(0, this.#length);
    this.#length = 0;
    return taken;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  bytes(values: Uint8Array): void {
    this.#reserve(values.length);
    this.#bytes.set(values, this.#length);
    this.#length += values.length;
  }

  /** @param value an integer that is not negative, below 2^64 */
  varint(value: number): void {
    this.#reserve(10);
    let rest = value;
    while (rest >= BIT_32) {
      this.#bytes[this.#length++] = (rest % 128) | 0x80;
      rest = Math.floor(rest / 128);
    }
    this.#varint32(rest);
  }

  /** A number of 64 bits in two words, unsigned. */
  varint64(low: number, high: number): void {
    this.#reserve(10);
    let restLow = low;
    let restHigh = high;
    while (restHigh !== 0) {
      this.#bytes[this.#length++] = (restLow & 0x7f) | 0x80;
      restLow = ((restLow >>> 7) | (restHigh << 25)) >>> 0;
      restHigh >>>= 7;
    }
    this.#varint32(restLow);
  }

  fixed32(value: number): void {
    this.#reserve(4);
    for (let shift = 0; shift < 32; shift += 8) this.#bytes[this.#length++] = value >>> shift;
  }

  /** The length in bytes, then UTF-8. */
  text(text: string): void {
    const encoded = encoder.encode(text);
    this.varint(encoded.length);
    this.bytes(encoded);
  }

  /** Puts the length of all that was written since `start` in front of it. */
  prefixLength(start: number): void {
    const length = this.#length - start;
    this.varint(length);
    const size = this.#length - start - length;
    const prefix = this.#bytes.slice(this.#length - size, this.#length);
    this.#bytes.copyWithin(start + size, start, start + length);
    this.#bytes.set(prefix, start);
  }

  #varint32(value: number): void {
    let rest = value;
    while (rest >= 128) {
      this.#bytes[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#bytes[this.#length++] = rest;
  }

  #reserve(bytes: number): void {
    if (this.#length + bytes <= this.#bytes.length) return;
    const grown = new Uint8Array(Math.max(2 * this.#bytes.length, this.#length + bytes));
    grown.set(this.view());
    this.#bytes = grown;
  }
}
