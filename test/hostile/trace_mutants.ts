/** Trace files that nobody wrote on purpose, out of some that somebody did. */
import fc from 'fast-check';
import { crc32 } from '../../src/base/crc32.ts';
import { encodeTrace } from '../../src/trace/index.ts';
import { anyEvents, record } from '../fixtures/arbitrary_trace.ts';

const CHECKSUM_BYTES = 4;

interface Edit {
  readonly kind: 'overwrite' | 'delete' | 'insert' | 'repeat' | 'flip';
  readonly at: number;
  readonly bytes: Uint8Array;
  readonly length: number;
}

const anyBytes = fc.oneof(
  fc.uint8Array({ minLength: 1, maxLength: 12 }),
  fc.nat(40).map((kind) => Uint8Array.of(kind)),
  fc.constantFrom(0, 1, 0x7f, 0x80, 0xff).map((byte) => new Uint8Array(6).fill(byte)),
  // Varints of lengths that nobody has.
  fc
    .constantFrom([0xff, 0xff, 0xff, 0xff, 0x0f], [0x80, 0x80, 0x80, 0x80, 0x10])
    .map((bytes) => Uint8Array.from(bytes)),
);

const anyEdit: fc.Arbitrary<Edit> = fc.record({
  kind: fc.constantFrom('overwrite', 'delete', 'insert', 'repeat', 'flip'),
  at: fc.nat(2 ** 16),
  bytes: anyBytes,
  length: fc.nat(40),
});

/** A file with edits; in nine of ten the checksum is right again. */
export const anyTraceMutant: fc.Arbitrary<Uint8Array> = fc
  .tuple(anyEvents(), fc.array(anyEdit, { maxLength: 4 }), fc.nat(9))
  .map(([list, edits, luck]) => {
    const file = encodeTrace(record(list));
    const body = edits.reduce(applyEdit, file.subarray(0, -CHECKSUM_BYTES));
    return luck === 0 ? Buffer.concat([body, file.subarray(-CHECKSUM_BYTES)]) : withChecksum(body);
  });

/** As if what is written there were right. */
export function withChecksum(body: Uint8Array): Uint8Array {
  const file = Buffer.alloc(body.length + CHECKSUM_BYTES);
  file.set(body);
  file.writeUInt32LE(crc32(body), body.length);
  return file;
}

function applyEdit(file: Uint8Array, { kind, at: wanted, bytes, length }: Edit): Uint8Array {
  const at = wanted % (file.length + 1);
  const replace = (deleted: number, inserted: Uint8Array): Uint8Array =>
    Buffer.concat([file.subarray(0, at), inserted, file.subarray(at + deleted)]);
  switch (kind) {
    case 'overwrite':
      return replace(bytes.length, bytes);
    case 'delete':
      return replace(length, new Uint8Array());
    case 'insert':
      return replace(0, bytes);
    case 'repeat':
      return replace(0, file.subarray(at, at + length));
    case 'flip':
      return replace(1, Uint8Array.of((file[at] ?? 0) ^ (1 << (length % 8))));
  }
}
