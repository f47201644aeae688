/** Samples to a file of a dataset. */
import { FileWriter, type Value } from '../snapshot/parquet/file_writer.ts';
import { GROUP_ROWS_MAX } from '../snapshot/parquet/format.ts';
import { COLUMNS, DATASET_FORMAT, FIELD_OF, RECORDS, type RecordName } from './columns.ts';
import type { Sample } from './sample.ts';

/** A row of a sample, by field. */
type Fields = Readonly<Record<string, string | number | boolean | null>>;

/** Writes a Parquet file that `decodeDataset()` and every Parquet reader understand. */
export function encodeDataset(samples: readonly Sample[]): Uint8Array {
  const file = new FileWriter(DATASET_FORMAT);
  const columns: Value[][] = COLUMNS.map(() => []);
  const flush = (): void => {
    file.writeGroup(columns);
    for (const column of columns) column.length = 0;
  };
  for (const sample of samples) {
    for (const [record, rows] of rowsOf(sample)) {
      for (const row of rows) {
        addRow(columns, sample, record, row);
        if (columns[0]!.length === GROUP_ROWS_MAX) flush();
      }
    }
  }
  if (columns[0]!.length > 0) flush();
  return file.finish();
}

function rowsOf(sample: Sample): [RecordName, readonly Fields[]][] {
  // Spread: an interface has no index signature.
  const fields = (rows: readonly object[]): Fields[] => rows.map((row) => ({ ...row }));
  return [
    ['host', fields([sample.host])],
    ['group', fields(sample.groups)],
    ['object', fields(sample.objects)],
    ['design', fields(sample.designs)],
    ['gain', fields(sample.gains)],
  ];
}

/** Where each column of a record is in the file. */
const INDEXES = Object.fromEntries(
  Object.entries(RECORDS).map(([record, names]) => [
    record,
    names.map((name) => COLUMNS.findIndex((column) => column.name === name)),
  ]),
) as unknown as Readonly<Record<RecordName, readonly number[]>>;

function addRow(columns: Value[][], sample: Sample, record: RecordName, row: Fields): void {
  for (const column of columns) column.push(null);
  const at = columns[0]!.length - 1;
  columns[0]![at] = sample.hostname;
  columns[1]![at] = BigInt(Date.parse(sample.takenAt));
  columns[2]![at] = record;
  for (const [i, index] of INDEXES[record].entries()) {
    const value = row[FIELD_OF[RECORDS[record][i]!]] ?? null;
    columns[index]![at] = typeof value === 'number' ? BigInt(Math.round(value)) : value;
  }
}
