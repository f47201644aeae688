/** Queries on a dataset through the embedded DuckDB, which is an optional dependency. */
import type { DuckDBConnection } from '@duckdb/node-api';
import { RECORDS } from '../../fleet/columns.ts';
import { printable } from '../../report/printable.ts';
import { canvasOf } from '../../report/text/canvas.ts';
import { table } from '../../report/text/table.ts';
import { ExitCode, Failure, wrongUse } from '../failure.ts';
import { type TerminalWishes, textOptions } from '../terminal.ts';

const MEMORY_LIMIT = '512MB';
const CELL_WIDTH_MIN = 24;

/** Names of the views, by record. */
const VIEWS: Readonly<Record<keyof typeof RECORDS, string>> = {
  host: 'hosts',
  group: 'software',
  object: 'objects',
  design: 'designs',
  gain: 'gains',
};

/**
 * @param folder a dataset
 * @returns the answer as a table, or as JSON: one object a row
 * @throws Failure if DuckDB is not installed, or the query is wrong
 */
export async function queryDataset(
  folder: string,
  sql: string,
  options: TerminalWishes & { readonly json?: true },
): Promise<string> {
  const { DuckDBInstance } = await loadDuckDb();
  const instance = await DuckDBInstance.create(':memory:', {
    memory_limit: MEMORY_LIMIT,
    // Nothing is fetched, and nothing but the dataset is read.
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  });
  const connection = await instance.connect();
  try {
    await createViews(connection, folder);
    const { names, rows } = await answer(connection, sql);
    if (options.json) return `${JSON.stringify(rows.map(byName(names)), null, 2)}\n`;
    return tableText(names, rows, options);
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

async function loadDuckDb(): Promise<typeof import('@duckdb/node-api')> {
  try {
    return await import('@duckdb/node-api');
  } catch {
    throw new Failure(
      ExitCode.CANNOT_RUN,
      'Cannot run --sql: the optional package @duckdb/node-api is not installed here',
      'Install it (npm install @duckdb/node-api), or query a dataset of --save with another engine',
    );
  }
}

async function createViews(connection: DuckDBConnection, folder: string): Promise<void> {
  const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
  const files = `${folder}/host=*/day=*/*.parquet`;
  await connection.run(
    `CREATE TABLE samples AS SELECT * FROM read_parquet(${quoted(files)}, hive_partitioning = true,
      hive_types = {'host': VARCHAR, 'day': DATE})`,
  );
  for (const [record, columns] of Object.entries(RECORDS)) {
    await connection.run(
      `CREATE VIEW ${VIEWS[record as keyof typeof RECORDS]} AS
        SELECT hostname, taken_at, day, ${columns.join(', ')} FROM samples
        WHERE record = ${quoted(record)}`,
    );
  }
  await connection.run('SET enable_external_access = false; SET lock_configuration = true');
}

type Cell = string | number | boolean | null;

interface Answer {
  readonly names: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

async function answer(connection: DuckDBConnection, sql: string): Promise<Answer> {
  try {
    const reader = await connection.runAndReadAll(sql);
    return {
      names: reader.deduplicatedColumnNames(),
      rows: reader.getRowsJson().map((row) => row.map(toCell)),
    };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw wrongUse(
      `Cannot answer the query: ${message.replaceAll('\n', ' ')}`,
      `Tables are samples, ${Object.values(VIEWS).join(', ')}: docs/fleet.md has their columns`,
    );
  }
}

/** Numbers of 64 and 128 bits come as texts; lists and the like stay JSON. */
function toCell(value: unknown): Cell {
  if (typeof value === 'string' && /^-?(0|[1-9]\d*)$/.test(value)) {
    const number = Number(value);
    return Number.isSafeInteger(number) ? number : value;
  }
  if (value === null || ['string', 'number', 'boolean'].includes(typeof value)) {
    return value as Cell;
  }
  return JSON.stringify(value);
}

function byName(names: readonly string[]): (row: readonly Cell[]) => Record<string, Cell> {
  return (row) => Object.fromEntries(names.map((name, i) => [name, row[i]!]));
}

function tableText(
  names: readonly string[],
  rows: Answer['rows'],
  options: TerminalWishes,
): string {
  const lines = table(
    canvasOf(textOptions(options)),
    names.map((name, i) => ({
      title: printable(name),
      align: rows.every((row) => typeof row[i] === 'number') ? 'right' : 'left',
      cells: rows.map((row) => printable(String(row[i] ?? ''))),
      widthMin: CELL_WIDTH_MIN,
    })),
  );
  return `${lines.join('\n')}\n`;
}
