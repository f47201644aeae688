/** What tells one kind of file from another: its columns, and the keys of its metadata. */
import type { SchemaElement } from 'hyparquet';

const TYPES = {
  text: { type: 'BYTE_ARRAY', converted_type: 'UTF8' },
  int32: { type: 'INT32' },
  int64: { type: 'INT64' },
  time: { type: 'INT64', converted_type: 'TIMESTAMP_MILLIS' },
  boolean: { type: 'BOOLEAN' },
} as const;
/** Numbers are never negative. */
export type ColumnType = keyof typeof TYPES;

export interface FileColumn {
  readonly name: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
  /** Whether readers are told its bounds, so that they can skip row groups. */
  readonly bounded: boolean;
}

export interface FileFormat {
  readonly columns: readonly FileColumn[];
  readonly schema: readonly SchemaElement[];
  /** Of the key-value metadata. */
  readonly versionKey: string;
  readonly version: string;
  /** Of a JSON text, where the format has one. */
  readonly headerKey?: string;
}

/** Rows of a row group: few enough that a group in memory is small beside a host's records. */
export const GROUP_ROWS_MAX = 2 ** 16;

export function schemaOf(columns: readonly FileColumn[]): SchemaElement[] {
  return [
    { name: 'ptshare', num_children: columns.length },
    ...columns.map(
      ({ name, type, nullable }): SchemaElement => ({
        name,
        repetition_type: nullable ? 'OPTIONAL' : 'REQUIRED',
        ...TYPES[type],
      }),
    ),
  ];
}
