/** A snapshot file taken apart and put together again, right or wrong, with a right checksum. */
import { snappyUncompress } from 'hyparquet';
import { deserializeTCompactProtocol } from 'hyparquet/src/thrift.js';
import { ByteWriter } from 'hyparquet-writer';
import { snappyCompress } from 'hyparquet-writer/src/snappy.js';
import { serializeTCompactProtocol } from 'hyparquet-writer/src/thrift.js';
import { stampChecksum } from '../../src/snapshot/parquet/envelope.ts';

/** As hyparquet reads and hyparquet-writer writes it: `field_1`, `field_2`, ... */
export type Thrift = ReturnType<typeof deserializeTCompactProtocol>;

export interface Container {
  /** From behind the first `PAR1` to the checksum. */
  readonly columns: Uint8Array;
  readonly footer: Thrift;
}

const MAGIC = 'PAR1';

export function open(file: Uint8Array): Container {
  const bytes = Buffer.from(file);
  const footerStart = bytes.length - 8 - bytes.readUInt32LE(bytes.length - 8);
  return {
    columns: bytes.subarray(4, footerStart - 4),
    footer: readThrift(bytes, footerStart).value,
  };
}

export function close({ columns, footer }: Container): Uint8Array {
  const thrift = writeThrift(footer);
  const length = Buffer.alloc(4);
  length.writeUInt32LE(thrift.length);
  const magic = Buffer.from(MAGIC);
  return restamp(Buffer.concat([magic, columns, Buffer.alloc(4), thrift, length, magic]));
}

/** Corrects the checksum, if the file still says where it is. */
export function restamp(file: Uint8Array): Uint8Array {
  if (file.length < 8) return file;
  const bytes = Buffer.from(file);
  const start = bytes.length - 12 - bytes.readUInt32LE(bytes.length - 8);
  if (start >= 0) stampChecksum(bytes, start);
  return bytes;
}

export function readThrift(bytes: Uint8Array, offset: number): { value: Thrift; end: number } {
  const reader = { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), offset };
  const value = deserializeTCompactProtocol(reader);
  return { value, end: reader.offset };
}

function writeThrift(value: Thrift): Uint8Array {
  const writer = new ByteWriter();
  serializeTCompactProtocol(writer, value);
  return writer.getBytes();
}

/** The pages of one column: header and body, both as in the file. */
export interface Page {
  header: Thrift;
  body: Uint8Array;
}

/** Fields of the footer, of ColumnMetaData and of PageHeader, by their numbers in parquet.thrift. */
const chunksOf = (footer: Thrift): Thrift[] =>
  footer.field_4.flatMap((rowGroup: Thrift) => rowGroup.field_1);
const startOf = (chunk: Thrift): number =>
  Number(chunk.field_3.field_11 ?? chunk.field_3.field_9) - MAGIC.length;

export function chunkCount({ footer }: Container): number {
  return chunksOf(footer).length;
}

/** Changes the pages of one column, and moves the columns behind it. */
export function changePages(
  { columns, footer }: Container,
  index: number,
  change: (pages: Page[]) => void,
): Container {
  const moved: Thrift = structuredClone(footer);
  const chunks = chunksOf(moved);
  const data = chunks[index]!.field_3;
  const start = startOf(chunks[index]!);
  const end = start + Number(data.field_7);
  const pages = readPages(columns.subarray(start, end));
  const dictionaryPages = data.field_11 === undefined ? 0 : 1;
  change(pages);

  const written = pages.map(({ header, body }) => Buffer.concat([writeThrift(header), body]));
  const replacement = Buffer.concat(written);
  const by = BigInt(replacement.length - (end - start));
  data.field_7 += by;
  if (dictionaryPages === 1) data.field_9 = data.field_11 + BigInt(written[0]!.length);
  for (const chunk of chunks.slice(index + 1)) {
    if (chunk.field_3.field_11 !== undefined) chunk.field_3.field_11 += by;
    chunk.field_3.field_9 += by;
  }
  const parts = [columns.subarray(0, start), replacement, columns.subarray(end)];
  return { columns: Buffer.concat(parts), footer: moved };
}

function readPages(bytes: Uint8Array): Page[] {
  const pages: Page[] = [];
  for (let at = 0; at < bytes.length; ) {
    const { value: header, end } = readThrift(bytes, at);
    at = end + header.field_3;
    pages.push({ header, body: bytes.slice(end, at) });
  }
  return pages;
}

/** Changes the uncompressed body of a page, and corrects the sizes in its header. */
export function changeBody(page: Page, change: (body: Uint8Array) => Uint8Array): void {
  const levels = page.header.field_8?.field_5 ?? 0;
  const body = new Uint8Array(page.header.field_2 - levels);
  snappyUncompress(page.body.subarray(levels), body);
  const changed = change(body);
  page.body = Buffer.concat([page.body.subarray(0, levels), snappyCompress(changed)]);
  page.header.field_2 = changed.length + levels;
  page.header.field_3 = page.body.length;
}
