/** Writes Parquet files that `readFooter()` and `ColumnReader` understand, and every other reader. */
import type { Encoding } from 'hyparquet';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { CHECKSUM_BYTES, stampChecksum } from './envelope.ts';
import { type ColumnType, type FileFormat, GROUP_ROWS_MAX } from './format.ts';

export type Value = string | number | bigint | boolean | null;

/**
 * The reader expects texts in a dictionary, and flags as runs. Numbers are in a dictionary where
 * that halves them, which the writer finds out.
 */
const ENCODINGS: Partial<Record<ColumnType, Encoding>> = { text: 'RLE_DICTIONARY', boolean: 'RLE' };

export class FileWriter {
  readonly #bytes = new ByteWriter();
  readonly #parquet: ParquetWriter;
  readonly #format: FileFormat;

  /** @param header the text under `headerKey`, where the format has one */
  constructor(format: FileFormat, header?: string) {
    const { schema, versionKey, version, headerKey } = format;
    this.#format = format;
    this.#parquet = new ParquetWriter({
      writer: this.#bytes,
      schema: [...schema],
      createdBy: 'ptshare',
      kvMetadata: [
        { key: versionKey, value: version },
        ...(headerKey === undefined ? [] : [{ key: headerKey, value: header ?? '' }]),
      ],
    });
  }

  /** @param values by column; at most `GROUP_ROWS_MAX` each */
  writeGroup(values: readonly Value[][]): void {
    this.#parquet.write({
      columnData: this.#format.columns.map(({ name, type, bounded }, index) => ({
        name,
        data: values[index]!,
        ...(ENCODINGS[type] && { encoding: ENCODINGS[type] }),
        offsetIndex: false,
        statistics: bounded,
      })),
      rowGroupSize: GROUP_ROWS_MAX,
      // One page a column: the reader expects no more.
      pageSize: 0,
    });
  }

  /** @returns the whole file */
  finish(): Uint8Array {
    const checksumStart = this.#bytes.offset;
    this.#bytes.appendBytes(new Uint8Array(CHECKSUM_BYTES));
    this.#parquet.finish();
    const file = this.#bytes.getBytes();
    stampChecksum(file, checksumStart);
    return file;
  }
}
