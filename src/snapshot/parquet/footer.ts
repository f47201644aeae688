/** The footer of a snapshot file: where each column of each row group is, and nothing unexpected. */
import type { FileMetaData, RowGroup, SchemaElement } from 'hyparquet';
import { parquetMetadata } from 'hyparquet';
import type { SnapshotLimits } from '../limits.ts';
import { Mend, SnapshotError } from '../snapshot_error.ts';
import { checkThrift } from './check_thrift.ts';
import type { Envelope } from './envelope.ts';
import { type FileFormat, GROUP_ROWS_MAX } from './format.ts';
import { natural } from './natural.ts';

export interface Footer {
  /** JSON text; empty where the format has none. */
  readonly header: string;
  readonly groups: readonly Group[];
}

export interface Group {
  readonly rows: number;
  /** In the order of the format's columns. */
  readonly chunks: readonly Chunk[];
}

/** Where the pages of one column in one row group are. */
export interface Chunk {
  readonly start: number;
  readonly end: number;
  readonly hasDictionary: boolean;
}

const PLACE = 'footer';
/** Bytes behind the footer that hyparquet wants to see: its length and `PAR1`. */
const TAIL_BYTES = 8;

/** @throws SnapshotError if the footer is not one that `FileWriter` writes */
export function readFooter(
  bytes: Uint8Array,
  envelope: Envelope,
  limits: SnapshotLimits,
  format: FileFormat,
): Footer {
  const metadata = parseMetadata(bytes, envelope);
  checkVersion(metadata, format);
  checkSchema(metadata.schema, format);
  const header = headerOf(metadata, format);

  const groups: Group[] = [];
  let at = envelope.start;
  let rows = 0;
  for (const [index, rowGroup] of metadata.row_groups.entries()) {
    const group = readGroup(rowGroup, at, envelope.end, `row group ${index}`, format);
    groups.push(group);
    at = group.chunks.at(-1)!.end;
    rows += group.rows;
    if (rows > limits.rows) {
      throw new SnapshotError(PLACE, 'it has more rows than allowed', Mend.TOO_LARGE);
    }
  }
  if (at !== envelope.end) throw new SnapshotError(PLACE, 'its columns do not fill the file');
  if (natural(metadata.num_rows, PLACE) !== rows) {
    throw new SnapshotError(PLACE, 'its row groups do not add up to its rows');
  }
  return { header, groups };
}

/**
 * The keys of a file's metadata, by which its format is known.
 *
 * @throws SnapshotError if the footer is no Parquet
 */
export function readKeys(bytes: Uint8Array, envelope: Envelope): string[] {
  return (parseMetadata(bytes, envelope).key_value_metadata ?? []).map(({ key }) => key);
}

function parseMetadata(bytes: Uint8Array, { footerStart, footerEnd }: Envelope): FileMetaData {
  if (checkThrift(bytes, footerStart, footerEnd, PLACE) !== footerEnd) {
    throw new SnapshotError(PLACE, 'it is shorter than its length');
  }
  try {
    return parquetMetadata(bytes.subarray(footerStart, footerEnd + TAIL_BYTES), {
      geoparquet: false,
    });
  } catch {
    throw new SnapshotError(PLACE, 'its fields are not those of Parquet');
  }
}

function checkVersion(metadata: FileMetaData, { versionKey, version }: FileFormat): void {
  const found = textOf(metadata, versionKey);
  if (found === undefined) {
    throw new SnapshotError(PLACE, `it has no key ${versionKey}`, Mend.NOT_OURS);
  }
  if (found !== version) {
    const what = `its version is not ${version}, the one known here`;
    throw new SnapshotError(PLACE, what, Mend.NEWER);
  }
}

function headerOf(metadata: FileMetaData, { headerKey }: FileFormat): string {
  if (headerKey === undefined) return '';
  const header = textOf(metadata, headerKey);
  if (header === undefined) throw new SnapshotError(PLACE, `it has no key ${headerKey}`);
  return header;
}

function textOf(metadata: FileMetaData, wanted: string): string | undefined {
  return metadata.key_value_metadata?.find(({ key }) => key === wanted)?.value;
}

const SCHEMA_FIELDS = [
  'name',
  'type',
  'type_length',
  'repetition_type',
  'num_children',
  'converted_type',
  'logical_type',
  'scale',
  'precision',
] as const satisfies readonly (keyof SchemaElement)[];

function checkSchema(schema: readonly SchemaElement[], format: FileFormat): void {
  const isOurs =
    schema.length === format.schema.length &&
    format.schema.every((ours, i) =>
      SCHEMA_FIELDS.every((field) => ours[field] === schema[i]![field]),
    );
  if (!isOurs) throw new SnapshotError(PLACE, 'its columns are not those of a snapshot');
}

function readGroup(
  group: RowGroup,
  start: number,
  end: number,
  place: string,
  { columns, schema }: FileFormat,
): Group {
  const rows = natural(group.num_rows, place);
  if (rows === 0 || rows > GROUP_ROWS_MAX) {
    throw new SnapshotError(place, 'its number of rows is not possible');
  }
  if (group.columns.length !== columns.length) {
    throw new SnapshotError(place, 'its columns are not those of a snapshot');
  }
  const chunks: Chunk[] = [];
  let at = start;
  for (const [index, { name }] of columns.entries()) {
    const chunk = readChunk(
      group.columns[index]!,
      rows,
      `${place}, column "${name}"`,
      schema[index + 1]!,
    );
    // One behind the other: no byte can be in two columns and be decompressed twice.
    if (chunk.start !== at || chunk.end > end) {
      throw new SnapshotError(`${place}, column "${name}"`, 'it is not where it should be');
    }
    chunks.push(chunk);
    at = chunk.end;
  }
  return { rows, chunks };
}

function readChunk(
  { file_path, meta_data: data }: RowGroup['columns'][number],
  rows: number,
  place: string,
  { name, type }: SchemaElement,
): Chunk {
  const isOurs =
    file_path === undefined &&
    data !== undefined &&
    data.codec === 'SNAPPY' &&
    data.type === type &&
    data.path_in_schema.length === 1 &&
    data.path_in_schema[0] === name &&
    natural(data.num_values, place) === rows;
  if (!isOurs) throw new SnapshotError(place, 'it is not stored as a snapshot stores it');
  const { dictionary_page_offset: dictionary, data_page_offset: pages } = data;
  const start = natural(dictionary ?? pages, place);
  return {
    start,
    end: start + natural(data.total_compressed_size, place),
    hasDictionary: dictionary !== undefined,
  };
}
