/** Writes protobuf messages, as much of that format as Perfetto's traces need. */
import type { Lanes } from '../arch/index.ts';
import { ByteWriter } from './bytes.ts';

const VARINT = 0;
const FIXED_64 = 1;
const LENGTH = 2;
const WORD = 2 ** 32;

export class ProtobufWriter {
  readonly #bytes = new ByteWriter();

  get length(): number {
    return this.#bytes.length;
  }

  /** What was written; the writer is empty afterwards. */
  take(): Uint8Array {
    return this.#bytes.take();
  }

  /** @param value a safe integer that is not negative */
  uint(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#bytes.varint(value);
  }

  /** @param value a safe integer */
  int64(field: number, value: number): void {
    this.#tag(field, VARINT);
    this.#bytes.varint64(value >>> 0, Math.floor(value / WORD) >>> 0);
  }

  lanes(field: number, { low, high }: Lanes): void {
    this.#tag(field, VARINT);
    this.#bytes.varint64(low, high);
  }

  fixed64(field: number, value: number): void {
    this.#tag(field, FIXED_64);
    this.#bytes.fixed32(value >>> 0);
    this.#bytes.fixed32(Math.floor(value / WORD));
  }

  text(field: number, text: string): void {
    this.#tag(field, LENGTH);
    this.#bytes.text(text);
  }

  /** Begins a message within this one; `end()` wants what it returns. */
  begin(field: number): number {
    this.#tag(field, LENGTH);
    return this.#bytes.length;
  }

  end(start: number): void {
    this.#bytes.prefixLength(start);
  }

  /** A message that another writer has written. */
  message(field: number, bytes: Uint8Array): void {
    this.#tag(field, LENGTH);
    this.#bytes.varint(bytes.length);
    this.#bytes.bytes(bytes);
  }

  #tag(field: number, wire: number): void {
    this.#bytes.varint(field * 8 + wire);
  }
}
