/** Structs in Thrift's compact protocol: the footer, and the header of each page. */
import { Scanner, VARINT32_BYTES, VARINT64_BYTES } from './scanner.ts';

/** A row group of ours has 870 values, and rows at their limit fill about 100 row groups. */
const VALUES_MAX = 2 ** 18;
const DEPTH_MAX = 12;

const Type = {
  STOP: 0,
  TRUE: 1,
  FALSE: 2,
  BYTE: 3,
  I16: 4,
  I32: 5,
  I64: 6,
  DOUBLE: 7,
  BINARY: 8,
  LIST: 9,
  STRUCT: 12,
} as const;

/**
 * Checks one struct.
 *
 * @returns where it ends
 * @throws SnapshotError
 */
export function checkThrift(bytes: Uint8Array, start: number, end: number, place: string): number {
  const scanner = new Scanner(bytes, start, end, place);
  new ThriftCheck(scanner).struct(0);
  return scanner.at;
}

class ThriftCheck {
  readonly #scanner: Scanner;
  #values = 0;

  constructor(scanner: Scanner) {
    this.#scanner = scanner;
  }

  struct(depth: number): void {
    const scanner = this.#scanner;
    for (;;) {
      const header = scanner.byte();
      const type = header & 15;
      if (type === Type.STOP) return;
      const hasLongId = header >> 4 === 0;
      if (hasLongId) scanner.varint(VARINT32_BYTES);
      // A flag of a struct is in its type; one of a list is a byte.
      if (type !== Type.TRUE && type !== Type.FALSE) this.#value(type, depth);
    }
  }

  #value(type: number, depth: number): void {
    const scanner = this.#scanner;
    if (++this.#values > VALUES_MAX) scanner.refuse('it has too many values');
    switch (type) {
      case Type.TRUE:
      case Type.FALSE:
      case Type.BYTE:
        scanner.skip(1);
        break;
      case Type.I16:
      case Type.I32:
        scanner.varint(VARINT32_BYTES);
        break;
      case Type.I64:
        scanner.varint(VARINT64_BYTES);
        break;
      case Type.DOUBLE:
        scanner.skip(8);
        break;
      case Type.BINARY:
        scanner.skip(scanner.varint(VARINT32_BYTES));
        break;
      case Type.LIST:
      case Type.STRUCT:
        if (depth === DEPTH_MAX) scanner.refuse('it is nested too deeply');
        if (type === Type.LIST) this.#list(depth + 1);
        else this.struct(depth + 1);
        break;
      default:
        scanner.refuse('it has a value of a type that Parquet does not use');
    }
  }

  #list(depth: number): void {
    const scanner = this.#scanner;
    const header = scanner.byte();
    const type = header & 15;
    const isLong = header >> 4 === 15;
    const length = isLong ? scanner.varint(VARINT32_BYTES) : header >> 4;
    // Every element takes a byte at least.
    if (length > scanner.left) scanner.refuse('it has a list that is longer than itself');
    for (let i = 0; i < length; i++) this.#value(type, depth);
  }
}
