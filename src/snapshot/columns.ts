/**
 * The columns of a snapshot file, in their order. docs/snapshot.md explains each to those who
 * query it.
 *
 * A row is one run, and repeats what its VMA, its process and its host are. A VMA without runs, a
 * process without VMAs and an object that nobody maps have one row each, with nulls in the columns
 * of the lower levels.
 */
import { type ColumnType, type FileColumn, type FileFormat, schemaOf } from './parquet/format.ts';
import { RunKind } from './records.ts';

/** Raised when a file can no longer be read by older versions of ptshare. */
export const SNAPSHOT_VERSION = '1';

/** The columns of each level, in the order of the file. */
const LEVELS = {
  host: { hostname: 'text', taken_at: 'time', page_bytes: 'int64' },
  process: {
    pid: 'int32',
    sharers: 'text',
    parent_pid: 'int32',
    uid: 'int64',
    comm: 'text',
    command_line: 'text',
    cgroup: 'text',
    visibility: 'text',
    vm_pte_pages: 'int64',
    stable: 'boolean',
  },
  vma: {
    vma_start: 'int64',
    vma_end: 'int64',
    protection: 'text',
    shared: 'boolean',
    vma_offset: 'int64',
    label: 'text',
  },
  object: {
    object: 'int32',
    object_kind: 'text',
    object_name: 'text',
    device: 'text',
    inode: 'text',
    deleted: 'boolean',
    object_page_bytes: 'int64',
  },
  run: { slot: 'int64', slots: 'int32', kind: 'text', pages: 'int64', content: 'int32' },
} as const satisfies Record<string, Record<string, ColumnType>>;

export type Level = keyof typeof LEVELS;
export type ColumnOf<L extends Level> = keyof (typeof LEVELS)[L];
export type ColumnName = { [L in Level]: ColumnOf<L> }[Level];
export interface Column extends FileColumn {
  readonly name: ColumnName;
  readonly level: Level;
}

export function columnsOf<L extends Level>(level: L): readonly ColumnOf<L>[] {
  return Object.keys(LEVELS[level]) as ColumnOf<L>[];
}

export const COLUMNS = Object.entries(LEVELS).flatMap(([level, columns]) =>
  Object.entries(columns).map(([name, type]) => ({
    name,
    level,
    type,
    // Only what the host says is known in every row.
    nullable: level !== 'host',
    // Nobody looks for a page number.
    bounded: level === 'host' || level === 'process',
  })),
) as readonly Column[];

/** Position of each column in a row. */
export const COLUMN_INDEX = Object.fromEntries(
  COLUMNS.map(({ name }, index) => [name, index]),
) as Readonly<Record<ColumnName, number>>;

export const SNAPSHOT_FORMAT: FileFormat = {
  columns: COLUMNS,
  schema: schemaOf(COLUMNS),
  versionKey: 'ptshare.snapshot',
  version: SNAPSHOT_VERSION,
  headerKey: 'ptshare.header',
};

/** Column `kind`, by `RunKind`. */
export const KIND_NAMES: Readonly<Record<RunKind, string>> = {
  [RunKind.PTE]: 'pte',
  [RunKind.EMPTY]: 'empty',
  [RunKind.THP_ANON]: 'thp-anon',
  [RunKind.THP_FILE]: 'thp-file',
  [RunKind.HUGETLB_PMD]: 'hugetlb-pmd',
  [RunKind.HUGETLB_HOLE]: 'hugetlb-hole',
  [RunKind.HUGETLB_PUD]: 'hugetlb-pud',
  [RunKind.PFNMAP]: 'pfnmap',
};

/** Column `protection`, by the bits of `Vma.protection`: as maps prints it. */
export const PROTECTION_NAMES: readonly string[] = [
  '---',
  'r--',
  '-w-',
  'rw-',
  '--x',
  'r-x',
  '-wx',
  'rwx',
];
