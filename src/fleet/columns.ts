/**
 * The columns of a dataset file, in their order. docs/fleet.md explains each to those who query it.
 *
 * A sample is one row of record `host` and, behind it, its rows of records `group`, `object`,
 * `design` and `gain`. A column that a record does not have is null there.
 */
import {
  type ColumnType,
  type FileColumn,
  type FileFormat,
  schemaOf,
} from '../snapshot/parquet/format.ts';

/** Raised when a file can no longer be read by older versions of ptshare. */
export const DATASET_VERSION = '1';

const TYPES = {
  hostname: 'text',
  taken_at: 'time',
  record: 'text',
  name: 'text',
  design: 'text',
  kind: 'text',
  processes: 'int64',
  table_bytes: 'int64',
  duplicate_bytes: 'int64',
  before_bytes: 'int64',
  reserved_bytes: 'int64',
  mapped_bytes: 'int64',
  populated_bytes: 'int64',
  kernel: 'text',
  machine: 'text',
  geometry: 'text',
  memory_bytes: 'int64',
  page_tables_bytes: 'int64',
  explained_bytes: 'int64',
  kernel_bytes: 'int64',
  status_only_bytes: 'int64',
  exact: 'int64',
  status_only: 'int64',
  raced: 'int64',
  skipped: 'int64',
  whole_host: 'boolean',
  cpu_ms: 'int64',
} as const satisfies Record<string, ColumnType>;

export type ColumnName = keyof typeof TYPES;

/** The first ones, which are in every row. */
export const COMMON: readonly ColumnName[] = ['hostname', 'taken_at', 'record'];

/** The columns of each record, in the order of the records. */
export const RECORDS = {
  host: [
    'kernel',
    'machine',
    'geometry',
    'memory_bytes',
    'page_tables_bytes',
    'explained_bytes',
    'kernel_bytes',
    'status_only_bytes',
    'table_bytes',
    'duplicate_bytes',
    'processes',
    'exact',
    'status_only',
    'raced',
    'skipped',
    'whole_host',
    'cpu_ms',
  ],
  group: ['name', 'processes', 'table_bytes', 'duplicate_bytes'],
  object: [
    'name',
    'kind',
    'processes',
    'table_bytes',
    'duplicate_bytes',
    'mapped_bytes',
    'populated_bytes',
  ],
  design: ['name', 'kind', 'before_bytes', 'table_bytes', 'reserved_bytes'],
  gain: ['name', 'design', 'before_bytes', 'table_bytes'],
} as const satisfies Record<string, readonly ColumnName[]>;

export type RecordName = keyof typeof RECORDS;
export const RECORD_NAMES = Object.keys(RECORDS) as readonly RecordName[];

/** The one column that a record has and may leave out. */
export const OPTIONAL: ColumnName = 'cpu_ms';

export const COLUMN_NAMES = Object.keys(TYPES) as readonly ColumnName[];

export const COLUMNS: readonly FileColumn[] = Object.entries(TYPES).map(([name, type]) => ({
  name,
  type,
  nullable: !COMMON.includes(name as ColumnName),
  bounded: COMMON.includes(name as ColumnName),
}));

export const DATASET_FORMAT: FileFormat = {
  columns: COLUMNS,
  schema: schemaOf(COLUMNS),
  versionKey: 'ptshare.dataset',
  version: DATASET_VERSION,
};

/** The field of a row that a column holds: `tableBytes` for `table_bytes`. */
export const FIELD_OF = Object.fromEntries(
  COLUMN_NAMES.map((name) => [
    name,
    name.replace(/_(\w)/g, (_, letter: string) => letter.toUpperCase()),
  ]),
) as Readonly<Record<ColumnName, string>>;
