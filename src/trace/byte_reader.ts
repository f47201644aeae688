/** Reads bytes that anybody may have made. Whatever they are, the only error is a `TraceError`. */
import { TraceError } from './trace_error.ts';

/** Runtimes have it; the platform-free layers are compiled without its types. */
declare const TextDecoder: new (
  label: string,
  options: { readonly fatal: boolean; readonly ignoreBOM: boolean },
) => { decode(bytes: Uint8Array): string };
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** What is asked for is behind the bytes that have arrived. */
export class NotYet extends Error {
  override readonly name = 'NotYet';
}

export class ByteReader {
  /** What is being read, for messages. */
  place = 'file';
  /** Whether bytes follow behind those that are there: until they do, asking for them is no fault. */
  isCut = false;
  /** Of the next byte. */
  at = 0;
  readonly #bytes: Uint8Array;
  /** Behind the last byte that is there. */
  #end: number;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#end = bytes.length;
  }

  /** Says how many of the bytes are there, and that the rest is not. */
  cut(end: number): void {
    this.#end = end;
    this.isCut = end < this.#bytes.length;
  }

  get left(): number {
    return this.#end - this.at;
  }

  fail(what: string): never {
    throw new TraceError(this.place, what);
  }

  #failAtEnd(): never {
    if (this.isCut) throw new NotYet();
    return this.fail('the file ends too early');
  }

  bytes(count: number): Uint8Array {
    if (count > this.left) this.#failAtEnd();
    this.at += count;
    return this.#bytes.subarray(this.at - count, this.at);
  }

  /** A safe integer that is not negative. */
  varint(): number {
    const first = this.#bytes[this.at];
    // Most are this small.
    if (this.at < this.#end && first! < 0x80) {
      this.at++;
      return first!;
    }
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (this.at === this.#end) this.#failAtEnd();
      const byte = this.#bytes[this.at++]!;
      value += (byte & 0x7f) * scale;
      if (value > Number.MAX_SAFE_INTEGER) this.fail('a number is too large');
      if (byte < 0x80) return value;
      if (scale > 2 ** 49) this.fail('a number is too long');
    }
  }

  /** How many of something. */
  count(max: number): number {
    const count = this.varint();
    if (count > max) this.fail('a list is too long');
    return count;
  }

  text(): string {
    const bytes = this.bytes(this.varint());
    try {
      return decoder.decode(bytes);
    } catch {
      return this.fail('a text is not UTF-8');
    }
  }
}
