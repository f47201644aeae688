/** Inputs on which hyparquet hangs, or reserves gigabytes, were they not refused before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { snappyUncompress } from 'hyparquet';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { ByteWriter } from 'hyparquet-writer';
import { writeRleBitPackedHybrid } from 'hyparquet-writer/src/encoding.js';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import { SnapshotError } from '../snapshot_error.ts';
import { checkHybrid } from './check_hybrid.ts';
import { checkSnappy } from './check_snappy.ts';
import { checkThrift } from './check_thrift.ts';

const PLACE = 'test';

function thrift(...bytes: number[]): () => void {
  return () => checkThrift(Uint8Array.from(bytes), 0, bytes.length, PLACE);
}

function snappy(outputLength: number, ...bytes: number[]): () => void {
  return () => checkSnappy(Uint8Array.from(bytes), outputLength, PLACE);
}

function hybrid(width: number, count: number, ...bytes: number[]): () => void {
  return () => checkHybrid(Uint8Array.from(bytes), width, count, PLACE);
}

function refuses(check: () => void, what: RegExp): void {
  assert.throws(check, (error) => error instanceof SnapshotError && what.test(error.message));
}

test('checkThrift() refuses lists and texts that are longer than the file', () => {
  refuses(thrift(0x19, 0xf5, 0xff, 0xff, 0xff, 0x7f, 0x00), /list that is longer/);
  refuses(thrift(0x18, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00), /ends too early/);
});

test('checkThrift() refuses numbers without end, and structures without bottom', () => {
  refuses(thrift(0x16, ...new Array(11).fill(0x80), 0x00, 0x00), /number that does not end/);
  refuses(thrift(0x15, ...new Array(5).fill(0x80), 0x00, 0x00), /number that does not end/);
  refuses(thrift(...new Array(1000).fill(0x1c), ...new Array(1001).fill(0)), /nested/);
  refuses(thrift(0x19, ...new Array(1000).fill(0x19), 0x00), /nested/);
});

test('checkThrift() refuses a footer of a million empty structs', () => {
  const structs = new Uint8Array(2 ** 20 + 8);
  // A list of 2^20 + 1 structs, each of which is one byte: its end.
  structs.set([0x19, 0xfc, 0x81, 0x80, 0x40]);
  const check = () => checkThrift(structs, 0, structs.length, PLACE);
  refuses(check, /too many values/);
});

test('checkThrift() ends where hyparquet ends, on what hyparquet-writer writes', () => {
  const any = fc.letrec((tie) => ({
    value: fc.oneof(
      { maxDepth: 4 },
      fc.integer(),
      fc.boolean(),
      fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n),
      fc.double({ noNaN: true }),
      fc.string(),
      fc.array(fc.boolean()),
      fc.array(fc.string()),
      tie('struct'),
      fc.array(tie('struct'), { maxLength: 20 }),
    ),
    struct: fc
      .array(fc.tuple(fc.integer({ min: 1, max: 40 }), tie('value')), { maxLength: 6 })
      .map((fields) => new Map(fields as [number, unknown][]))
      .map((fields) => [...fields].sort((a, b) => a[0] - b[0]))
      .map((fields) => Object.fromEntries(fields.map(([id, value]) => [`field_${id}`, value]))),
  }));
  fc.assert(
    fc.property(any.struct, (struct) => {
      const writer = new ByteWriter();
      serializeTCompactProtocol(writer, struct);
      const bytes = writer.getBytes().slice();
      const reader = { view: new DataView(bytes.buffer), offset: 0 };
      deserializeTCompactProtocol(reader);
      assert.equal(checkThrift(bytes, 0, bytes.length, PLACE), reader.offset);
    }),
  );
});

test('checkSnappy() refuses literals of negative length, and copies of what is not there', () => {
  // Length 2^32 - 16: a signed 32-bit sum steps back fifteen bytes, for ever.
  refuses(snappy(64, 64, 0xfc, 0xf0, 0xff, 0xff, 0xff, 0, 0, 0), /ends too early/);
  refuses(snappy(4, 4, 0x00, 0x61, 0x09, 0x00), /not there/);
  refuses(snappy(5, 5, 0x00, 0x61, 0x01, 0x02), /not there/);
  refuses(snappy(64, 64, 0x00, 0x61, 0xff, 0xff, 0xff, 0xff, 0xff), /not there/);
});

test('checkSnappy() refuses blocks that are not as long as the page header says', () => {
  refuses(snappy(2 ** 31, 0x80, 0x80, 0x80, 0x80, 0x08, 0x00, 0x61), /to less than/);
  refuses(snappy(2, 3, 0x08, 0x61, 0x61, 0x61), /disagree/);
  refuses(snappy(2, 2, 0x08, 0x61, 0x61, 0x61), /to more than/);
});

test('checkSnappy() accepts what compresses, and hyparquet gets it back', () => {
  const text = fc.array(fc.constantFrom('aaaa', 'bcd', '0123456789abcdef'), { maxLength: 400 });
  fc.assert(
    fc.property(text, fc.uint8Array({ maxLength: 300 }), (words, noise) => {
      const input = Buffer.concat([Buffer.from(words.join('')), noise]);
      const block = snappyCompress(input);
      checkSnappy(block, input.length, PLACE);
      const output = new Uint8Array(input.length);
      snappyUncompress(block, output);
      assert.deepEqual(Buffer.from(output), input);
    }),
  );
});

test('checkHybrid() refuses runs longer than the column, and runs of nothing', () => {
  refuses(hybrid(1, 10, 0xfe, 0xff, 0xff, 0xff, 0x07, 1), /more values than rows/);
  refuses(hybrid(1, 10, 0xff, 0xff, 0xff, 0xff, 0x0f, 1), /more values than rows/);
  refuses(hybrid(1, 10, 0x00, 1), /run of no values/);
  refuses(hybrid(1, 10, 0x01, 1), /run of no values/);
  refuses(hybrid(9, 8, 0x03, 0, 0, 0), /ends too early/);
  refuses(hybrid(1, 10, 0x14, 2), /too many bits/);
  refuses(hybrid(1, 10, 0x14, 1, 0), /behind its last value/);
  refuses(hybrid(1, 0, 0x14), /behind its last value/);
});

test('checkHybrid() accepts what hyparquet-writer writes, and hyparquet gets it back', () => {
  const runs = fc.array(fc.tuple(fc.nat(2 ** 17 - 1), fc.integer({ min: 1, max: 30 })));
  fc.assert(
    fc.property(runs, (lengths) => {
      const values = lengths.flatMap(([value, length]) => new Array<number>(length).fill(value));
      const writer = new ByteWriter();
      writeRleBitPackedHybrid(writer, values, 17);
      const bytes = writer.getBytes().slice();
      checkHybrid(bytes, 17, values.length, PLACE);
      const output = new Int32Array(values.length);
      const reader = { view: new DataView(bytes.buffer), offset: 0 };
      readRleBitPackedHybrid(reader, 17, output, bytes.length);
      assert.deepEqual([...output], values);
    }),
  );
});
