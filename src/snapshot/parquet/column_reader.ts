/**
 * Decodes column chunks into numbers, one a row.
 *
 * Nothing in a snapshot is negative, so `NULL` is -1, and a text is its index in `texts`. A row is
 * then 31 numbers, which compare and copy fast, also between row groups.
 *
 * A chunk is what `encodeSnapshot()` writes: a dictionary page if there is one, then one data page
 * (version 2) of all rows.
 */
import { type PageHeader, snappyUncompress } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import type { SnapshotLimits } from '../limits.ts';
import { Mend, SnapshotError } from '../snapshot_error.ts';
import { checkHybrid } from './check_hybrid.ts';
import { checkSnappy } from './check_snappy.ts';
import { checkThrift } from './check_thrift.ts';
import type { Chunk } from './footer.ts';
import { type ColumnType, type FileColumn, GROUP_ROWS_MAX } from './format.ts';
import { natural } from './natural.ts';
import { readInt32s, readInt64s, TextTable } from './plain.ts';

export const NULL = -1;

/** A row group has at most 2^16 different values. */
const INDEX_BITS_MAX = 17;
/** A row group has at most 2^24 UTF-16 units of text. */
const PAGE_BYTES_MAX = 2 ** 26;

export class ColumnReader {
  readonly texts: TextTable;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #decodedBytesLeft: number;
  // Scratch of one page.
  readonly #present: Uint8Array;
  readonly #indexes: Int32Array;

  /** @param groupRowsMax rows of the largest group to come */
  constructor(bytes: Uint8Array, groupRowsMax: number, limits: SnapshotLimits) {
    this.texts = new TextTable(limits);
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#decodedBytesLeft = limits.decodedBytes;
    this.#present = new Uint8Array(groupRowsMax);
    this.#indexes = new Int32Array(groupRowsMax);
  }

  /**
   * Decodes one chunk.
   *
   * @param values receives a number for each row of the group; as long as the group
   * @throws SnapshotError if the chunk is not as `encodeSnapshot()` writes it
   */
  read(chunk: Chunk, column: FileColumn, values: Float64Array, place: string): void {
    const page = new Page(chunk.start, chunk.end, place);
    const dictionary = chunk.hasDictionary ? this.#readDictionary(page, column.type) : undefined;
    this.#readData(page, column, dictionary, values);
    if (page.at !== page.end) page.refuse('it is longer than its pages');
  }

  #readDictionary(page: Page, type: ColumnType): Float64Array {
    const header = this.#readHeader(page);
    const dictionary = header.dictionary_page_header;
    if (header.type !== 'DICTIONARY_PAGE' || dictionary?.encoding !== 'PLAIN') {
      page.refuse('its first page is no dictionary');
    }
    const length = natural(dictionary.num_values, page.place);
    if (length > GROUP_ROWS_MAX) page.refuse('its dictionary is longer than its rows');
    const body = this.#uncompress(page, header, 0);
    return this.#readPlain(body, type, new Float64Array(length), page);
  }

  #readData(
    page: Page,
    column: FileColumn,
    dictionary: Float64Array | undefined,
    values: Float64Array,
  ): void {
    const header = this.#readHeader(page);
    const data = header.data_page_header_v2;
    const isOurs =
      header.type === 'DATA_PAGE_V2' &&
      data?.num_values === values.length &&
      data.num_rows === values.length &&
      data.repetition_levels_byte_length === 0 &&
      data.is_compressed === true;
    if (!isOurs) page.refuse('its page is not one of all rows');

    const present = this.#present.subarray(0, values.length).fill(1);
    const levelBytes = natural(data.definition_levels_byte_length, page.place);
    if (column.nullable) {
      this.#readHybrid(page.take(this.#bytes, levelBytes), 1, present, page.place);
    } else if (levelBytes !== 0) page.refuse('it has nulls, although it must not');
    const known = countOnes(present);
    if (data.num_nulls !== values.length - known) page.refuse('its nulls are miscounted');

    const body = this.#uncompress(page, header, levelBytes);
    const knownValues = values.subarray(0, known);
    this.#readValues(body, data.encoding, column.type, dictionary, knownValues, page);
    spread(values, known, present);
  }

  #readValues(
    body: Uint8Array,
    encoding: string,
    type: ColumnType,
    dictionary: Float64Array | undefined,
    values: Float64Array,
    page: Page,
  ): void {
    const indexes = this.#indexes.subarray(0, values.length);
    if (encoding === 'RLE' && type === 'boolean') {
      this.#readHybrid(withoutLength(body, page), 1, indexes, page.place);
      values.set(indexes);
    } else if (encoding === 'RLE_DICTIONARY' && dictionary !== undefined && body.length >= 1) {
      this.#readHybrid(body.subarray(1), body[0]!, indexes, page.place);
      lookUp(values, indexes, dictionary, page);
    } else if (encoding === 'PLAIN' && dictionary === undefined && type !== 'text') {
      this.#readPlain(body, type, values, page);
    } else page.refuse('its values are encoded as no snapshot does it');
  }

  #readPlain(body: Uint8Array, type: ColumnType, values: Float64Array, page: Page): Float64Array {
    const { place } = page;
    switch (type) {
      case 'text':
        return this.texts.read(body, values, place);
      case 'int32':
        return readInt32s(body, values, place);
      case 'int64':
      case 'time':
        return readInt64s(body, values, place);
      case 'boolean':
        return page.refuse('its flags are encoded as no snapshot does it');
    }
  }

  #readHybrid(
    bytes: Uint8Array,
    width: number,
    output: Uint8Array | Int32Array,
    place: string,
  ): void {
    // Of a dictionary of one entry; hyparquet would read a byte that is not there.
    if (width === 0) {
      output.fill(0);
      return;
    }
    if (width > INDEX_BITS_MAX) throw new SnapshotError(place, 'its indexes are too wide');
    checkHybrid(bytes, width, output.length, place);
    readRleBitPackedHybrid({ view: viewOf(bytes), offset: 0 }, width, output, bytes.length);
  }

  #readHeader(page: Page): PageHeader {
    const end = checkThrift(this.#bytes, page.at, page.end, page.place);
    const header = parquetHeader({ view: this.#view, offset: page.at });
    page.at = end;
    page.bodyEnd = end + natural(header.compressed_page_size, page.place);
    return header;
  }

  /** @param levelBytes of definition levels before it, which are never compressed */
  #uncompress(page: Page, header: PageHeader, levelBytes: number): Uint8Array {
    const compressed = page.take(this.#bytes, page.bodyEnd - page.at);
    const length = natural(header.uncompressed_page_size, page.place) - levelBytes;
    if (length > PAGE_BYTES_MAX) page.refuse('a page is larger than a snapshot has any');
    checkSnappy(compressed, length, page.place);
    this.#decodedBytesLeft -= length;
    if (this.#decodedBytesLeft < 0) {
      throw new SnapshotError(page.place, 'there is more data than allowed', Mend.TOO_LARGE);
    }
    const output = new Uint8Array(length);
    snappyUncompress(compressed, output);
    return output;
  }
}

/** Where reading stands in one chunk. */
class Page {
  at: number;
  bodyEnd = 0;
  readonly end: number;
  readonly place: string;

  constructor(at: number, end: number, place: string) {
    this.at = at;
    this.end = end;
    this.place = place;
  }

  refuse(what: string): never {
    throw new SnapshotError(this.place, what);
  }

  take(bytes: Uint8Array, length: number): Uint8Array {
    if (length < 0 || this.at + length > this.end) this.refuse('a page ends behind its column');
    this.at += length;
    return bytes.subarray(this.at - length, this.at);
  }
}

/** Flags come behind their own length, of four bytes. */
function withoutLength(body: Uint8Array, page: Page): Uint8Array {
  const length = body.length - 4;
  if (length < 0 || viewOf(body).getUint32(0, true) !== length) page.refuse('its flags are cut');
  return body.subarray(4);
}

function countOnes(flags: Uint8Array): number {
  let count = 0;
  for (let i = 0; i < flags.length; i++) count += flags[i]!;
  return count;
}

function lookUp(
  values: Float64Array,
  indexes: Int32Array,
  dictionary: Float64Array,
  page: Page,
): void {
  for (let i = 0; i < values.length; i++) {
    const index = indexes[i]!;
    if (index >= dictionary.length) page.refuse('it has an index outside of its dictionary');
    values[i] = dictionary[index]!;
  }
}

/** Moves the `known` values at the front of `values` to the rows that have one. */
function spread(values: Float64Array, known: number, present: Uint8Array): void {
  if (known === values.length) return;
  let from = known;
  for (let row = values.length - 1; row >= 0; row--) {
    values[row] = present[row] === 1 ? values[--from]! : NULL;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
