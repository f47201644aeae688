/** Small files that would be large, or take long, if they were believed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { decodeSnapshot } from '../../src/snapshot/decode.ts';
import { encodeSnapshot } from '../../src/snapshot/encode.ts';
import { SnapshotError } from '../../src/snapshot/snapshot_error.ts';
import { GIB, generateHost } from '../fixtures/generate_host.ts';
import { changePages, close, open, type Page, type Thrift } from './container.ts';
import { countAllocations } from './count_allocations.ts';

const MIB = 2 ** 20;
const container = open(encodeSnapshot(generateHost({ processes: 2, segmentBytes: GIB })));
const HOSTNAME = 0;
const PID = 3;

function explodes(file: Uint8Array, what: RegExp): void {
  const start = performance.now();
  const bytes = countAllocations(() => {
    assert.throws(
      () => decodeSnapshot(file),
      (error) => error instanceof SnapshotError && what.test(error.message),
    );
  });
  const milliseconds = performance.now() - start;
  assert.ok(bytes < 80 * MIB, `${bytes} bytes`);
  assert.ok(milliseconds < 5000, `${milliseconds} ms`);
}

function withFooter(change: (footer: Thrift) => void): Uint8Array {
  const footer: Thrift = structuredClone(container.footer);
  change(footer);
  return close({ ...container, footer });
}

function withHeader(change: (json: string) => string): Uint8Array {
  return withFooter((footer) => {
    const entry: Thrift = footer.field_5[1];
    entry.field_2 = Buffer.from(change(Buffer.from(entry.field_2).toString()));
  });
}

/** Snappy for many zeros: one of them, and copies of 64, three bytes each. */
function zeros(length: number): Uint8Array {
  assert.equal(length % 64, 1);
  const size = [0, 7, 14, 21, 28].map(
    (shift, i) => ((length >>> shift) & 0x7f) | (i < 4 ? 128 : 0),
  );
  const copies = Buffer.alloc((3 * (length - 1)) / 64, Buffer.from([0xfe, 0x01, 0x00]));
  return Buffer.concat([Buffer.from([...size, 0x00, 0x00]), copies]);
}

function withDictionary(chunk: number, length: number, values: number): Uint8Array {
  return close(
    changePages(container, chunk, ([dictionary]: Page[]) => {
      dictionary!.body = zeros(length);
      dictionary!.header.field_2 = length;
      dictionary!.header.field_3 = dictionary!.body.length;
      dictionary!.header.field_7.field_1 = values;
    }),
  );
}

test('a page that decompresses to a gigabyte is refused before it does', () => {
  explodes(withDictionary(HOSTNAME, 1024 * MIB + 1, 1), /larger than a snapshot has any/);
});

test('a dictionary of more empty texts than rows, or of more than it holds, is refused', () => {
  explodes(withDictionary(HOSTNAME, 32 * MIB + 1, 8 * MIB), /longer than its rows/);
  explodes(withDictionary(HOSTNAME, 32 * MIB + 1, 2 ** 16), /too long/);
});

test('row groups of more rows than they hold are refused', () => {
  const withRows = (rows: number) =>
    withFooter((footer) => {
      footer.field_3 = BigInt(rows);
      footer.field_4[0].field_3 = BigInt(rows);
      for (const chunk of footer.field_4[0].field_1) chunk.field_3.field_5 = BigInt(rows);
    });
  explodes(withRows(2 ** 31), /number of rows is not possible/);
  explodes(withRows(2 ** 16), /not one of all rows/);
});

test('one run that says it is all rows of a larger group is refused', () => {
  const file = close(
    changePages(container, PID, (pages) => {
      const data = pages.at(-1)!;
      const levels = Buffer.from([0xfe, 0xff, 0xff, 0xff, 0x0f, 1]);
      data.body = Buffer.concat([levels, data.body.subarray(data.header.field_8.field_5)]);
      data.header.field_8.field_5 = levels.length;
      data.header.field_3 = data.body.length;
    }),
  );
  explodes(file, /more values than rows/);
});

test('a footer of a hundred thousand columns, or row groups, is refused', () => {
  const columns = (count: number) => Array.from({ length: count }, () => ({ field_3: {} }));
  const withColumns = (count: number) =>
    withFooter((footer) => {
      footer.field_4[0].field_1 = columns(count);
    });
  explodes(withColumns(60_000), /not those of Parquet/);
  explodes(withColumns(200_000), /too many values/);
  const groups = Array.from({ length: 40_000 }, () => ({ field_1: columns(1), field_3: 1n }));
  explodes(
    withFooter((footer) => {
      footer.field_4 = groups;
    }),
    /not those of Parquet/,
  );
});

test('a header with more mistakes than one, or nested without end, is refused', () => {
  const notes = `"notes":[${'1,'.repeat(500_000)}1]`;
  explodes(
    withHeader((json) => json.replace('"notes":[]', notes)),
    /header\.coverage\.notes/,
  );
  const pools = `"hugetlbPools":[${'{},'.repeat(300_000)}{}]`;
  explodes(
    withHeader((json) => json.replace(/"hugetlbPools":\[.*?\]/, pools)),
    /hugetlbPools/,
  );
  explodes(
    withHeader(() => '['.repeat(MIB)),
    /not JSON/,
  );
  explodes(
    withHeader(() => '{"takenAt":'.repeat(90_000)),
    /not JSON/,
  );
  explodes(
    withHeader(() => ' '.repeat(MIB + 1)),
    /longer than allowed/,
  );
});

test('the same column for every column is refused', () => {
  const file = withFooter((footer) => {
    const [first, ...others] = footer.field_4[0].field_1 as Thrift[];
    for (const chunk of others) {
      chunk.field_3.field_9 = first!.field_3.field_9;
      if (chunk.field_3.field_11 === undefined) continue;
      chunk.field_3.field_11 = first!.field_3.field_11;
    }
  });
  explodes(file, /not where it should be/);
});
