/** A file of a dataset to samples. The file is a stranger's: nothing of it is believed. */
import type { SnapshotLimits } from '../snapshot/limits.ts';
import { ColumnReader, NULL } from '../snapshot/parquet/column_reader.ts';
import { openEnvelope } from '../snapshot/parquet/envelope.ts';
import { type Footer, readFooter } from '../snapshot/parquet/footer.ts';
import { Mend, SnapshotError } from '../snapshot/snapshot_error.ts';
import {
  COLUMN_NAMES,
  COLUMNS,
  COMMON,
  type ColumnName,
  DATASET_FORMAT,
  FIELD_OF,
  OPTIONAL,
  RECORD_NAMES,
  RECORDS,
  type RecordName,
} from './columns.ts';
import { DatasetError } from './dataset_error.ts';
import { isHostName } from './partition.ts';
import type { DesignRow, GainRow, GroupRow, HostRow, ObjectRow, Sample } from './sample.ts';

/** A file of a day and host: a minute apart, its samples have some 200,000 rows. */
export const DATASET_LIMITS: SnapshotLimits = {
  fileBytes: 2 ** 27,
  decodedBytes: 2 ** 29,
  rows: 2 ** 22,
  processes: 0,
  texts: 2 ** 20,
  textLength: 2 ** 26,
};

const TIME_MAX = Date.parse('9999-12-31T23:59:59.999Z');

/**
 * Reads what `encodeDataset()` wrote.
 *
 * @throws DatasetError, and nothing else whatever the bytes are
 */
export function decodeDataset(bytes: Uint8Array, limits = DATASET_LIMITS): Sample[] {
  try {
    return read(bytes, limits);
  } catch (error) {
    if (!(error instanceof SnapshotError)) throw error;
    const { place, what, mend } = error;
    throw new DatasetError(place, what, mend === Mend.NEWER ? mend : undefined);
  }
}

function read(bytes: Uint8Array, limits: SnapshotLimits): Sample[] {
  const footer = readFooter(bytes, openEnvelope(bytes, limits), limits, DATASET_FORMAT);
  const reader = new ColumnReader(bytes, groupRowsMax(footer), limits);
  const samples = new SampleReader(reader);
  let first = 0;
  for (const [index, { rows, chunks }] of footer.groups.entries()) {
    const columns = COLUMNS.map((column, i) => {
      const values = new Float64Array(rows);
      reader.read(chunks[i]!, column, values, `row group ${index}, column "${column.name}"`);
      return values;
    });
    for (let row = 0; row < rows; row++) samples.add(columns, row, first + row);
    first += rows;
  }
  return samples.finish();
}

function groupRowsMax({ groups }: Footer): number {
  return groups.reduce((max, { rows }) => Math.max(max, rows), 0);
}

type Fields = Record<string, string | number | boolean | null>;

/** A sample that is being read. */
interface Draft {
  readonly hostname: string;
  readonly takenAt: string;
  readonly host: HostRow;
  readonly groups: GroupRow[];
  readonly objects: ObjectRow[];
  readonly designs: DesignRow[];
  readonly gains: GainRow[];
}

const COLUMN_INDEX = Object.fromEntries(
  COLUMN_NAMES.map((name, index) => [name, index]),
) as Readonly<Record<ColumnName, number>>;

class SampleReader {
  readonly #reader: ColumnReader;
  readonly #samples: Draft[] = [];
  /** Of the sample that is being read: its name and time as numbers, and its last record. */
  #host = NULL;
  #time = NULL;
  #record = 0;

  constructor(reader: ColumnReader) {
    this.#reader = reader;
  }

  add(columns: readonly Float64Array[], row: number, place: number): void {
    const value = (name: ColumnName): number => columns[COLUMN_INDEX[name]]![row]!;
    const record = RECORD_NAMES.indexOf(this.#text(value('record')) as RecordName);
    if (record < 0) throw new DatasetError(`row ${place}`, 'its record is none of the known ones');
    const name = RECORD_NAMES[record]!;
    const fields = this.#fields(name, columns, row, place);
    if (name === 'host') this.#begin(value('hostname'), value('taken_at'), fields, place);
    else if (value('hostname') !== this.#host || value('taken_at') !== this.#time) {
      throw new DatasetError(`row ${place}`, 'it is behind the row of another host or time');
    } else if (record < this.#record) {
      throw new DatasetError(`row ${place}`, 'its record is not in its order');
    } else this.#append(name, fields);
    this.#record = record;
  }

  finish(): Sample[] {
    return this.#samples;
  }

  #begin(host: number, time: number, fields: Fields, place: number): void {
    const hostname = this.#text(host);
    if (!isHostName(hostname)) {
      throw new DatasetError(`row ${place}`, 'the name of its host is none that Linux allows');
    }
    if (time > TIME_MAX) throw new DatasetError(`row ${place}`, 'its time is behind the year 9999');
    this.#host = host;
    this.#time = time;
    this.#samples.push({
      hostname,
      takenAt: new Date(time).toISOString(),
      // Its fields are those of RECORDS, whose columns have the types of the row's fields.
      host: fields as unknown as HostRow,
      groups: [],
      objects: [],
      designs: [],
      gains: [],
    });
  }

  #append(record: Exclude<RecordName, 'host'>, fields: Fields): void {
    const rows: unknown[] = this.#samples.at(-1)![`${record}s`];
    rows.push(fields);
  }

  #fields(
    record: RecordName,
    columns: readonly Float64Array[],
    row: number,
    place: number,
  ): Fields {
    const wanted: readonly ColumnName[] = RECORDS[record];
    const fields: Fields = {};
    for (const name of COLUMN_NAMES.slice(COMMON.length)) {
      const index = COLUMN_INDEX[name];
      const value = columns[index]![row]!;
      const isWanted = wanted.includes(name);
      if (isWanted) fields[FIELD_OF[name]] = this.#valueOf(index, value);
      if (name !== OPTIONAL && isWanted !== (value !== NULL)) {
        throw new DatasetError(`row ${place}`, `it has ${isWanted ? 'no' : 'a'} ${name}`);
      }
    }
    return fields;
  }

  #valueOf(column: number, value: number): string | number | boolean | null {
    if (value === NULL) return null;
    const { type } = COLUMNS[column]!;
    return type === 'text' ? this.#text(value) : type === 'boolean' ? value === 1 : value;
  }

  #text(number: number): string {
    return this.#reader.texts.at(number);
  }
}
