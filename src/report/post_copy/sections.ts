/** What is shown of a guest's migration, on a terminal as on a page. */
import { counted, formatBytes, formatMicroseconds } from '../quantity.ts';
import type { PostCopyComparison, PostCopyEngineEntry, PostCopyEntry } from './schema.ts';

/** A table, and what is said before it. */
export interface Section {
  readonly title: string;
  readonly lead?: string;
  readonly columns: readonly Column[];
}

export interface Column {
  readonly title: string;
  readonly cells: readonly string[];
  readonly isWord: boolean;
  /** On a terminal, the column with the highest leaves first. */
  readonly dropOrder: number;
}

export function sectionsOf(comparison: PostCopyComparison): Section[] {
  const { designs, engine } = comparison;
  const collapses = collapseRows(designs);
  const collapse: Section = {
    title: 'The collapse at the end',
    columns: columnsOf(COLLAPSE, collapses),
  };
  return [
    {
      title: 'Until a vCPU goes on, and until all is there',
      columns: columnsOf(FETCH, designs),
    },
    ...(collapses.length === 0 ? [] : [collapse]),
    {
      title: 'In the engine',
      lead: engineText(comparison),
      columns: columnsOf(ENGINE, engine.designs),
    },
  ];
}

/** A column of a table with a row for each `Row`. */
interface Shown<Row> {
  readonly title: string;
  readonly cell: (row: Row) => string;
  readonly isWord?: true;
  readonly dropOrder?: number;
}

function columnsOf<Row>(shown: readonly Shown<Row>[], rows: readonly Row[]): Column[] {
  return shown.map(({ title, cell, isWord = false, dropOrder = 0 }) => ({
    ...{ title, isWord, dropOrder },
    cells: rows.map(cell),
  }));
}

const figure = (value: number): string => value.toLocaleString('en');

const FETCH: readonly Shown<PostCopyEntry>[] = [
  { title: 'Design', cell: ({ id }) => id, isWord: true },
  { title: 'Pages', cell: ({ pageBytes }) => formatBytes(pageBytes), dropOrder: 2 },
  { title: 'Pieces', cell: ({ pieceBytes }) => formatBytes(pieceBytes) },
  { title: 'Waits', cell: ({ faults }) => figure(faults), dropOrder: 3 },
  { title: 'Median', cell: ({ medianUs }) => formatMicroseconds(medianUs) },
  { title: 'p99', cell: ({ p99Us }) => formatMicroseconds(p99Us) },
  { title: 'All waits', cell: ({ stalledUs }) => formatMicroseconds(stalledUs), dropOrder: 1 },
  { title: 'Total', cell: ({ totalUs }) => formatMicroseconds(totalUs) },
  { title: 'Tables', cell: ({ tableBytes }) => formatBytes(tableBytes) },
];

type CollapseRow = PostCopyEntry['collapses'][number] & { readonly id: string };

function collapseRows(designs: readonly PostCopyEntry[]): CollapseRow[] {
  return designs.flatMap(({ id, collapses }) => collapses.map((collapse) => ({ id, ...collapse })));
}

const COLLAPSE: readonly Shown<CollapseRow>[] = [
  { title: 'Design', cell: ({ id }) => id, isWord: true },
  { title: 'Rounds', cell: ({ rounds }) => rounds.map(formatBytes).join(', '), isWord: true },
  { title: 'Longest wait', cell: ({ longestUs }) => formatMicroseconds(longestUs) },
  { title: 'Time', cell: ({ totalUs }) => formatMicroseconds(totalUs) },
  { title: 'Entries', cell: ({ entries }) => figure(entries), dropOrder: 2 },
  { title: 'Counts', cell: ({ counts }) => figure(counts), dropOrder: 1 },
  { title: 'Tables left', cell: ({ tableBytes }) => formatBytes(tableBytes) },
];

const ofRounds = (
  title: string,
  value: (round: PostCopyEngineEntry['rounds'][number]) => string,
  dropOrder: number,
): Shown<PostCopyEngineEntry> => ({
  title,
  cell: ({ rounds }) => rounds.map(value).join(', '),
  dropOrder,
});

const ENGINE: readonly Shown<PostCopyEngineEntry>[] = [
  { title: 'Design', cell: ({ id }) => id, isWord: true },
  { title: 'Tables', cell: ({ tableBytes }) => formatBytes(tableBytes) },
  { title: 'Faults', cell: ({ faults }) => figure(faults) },
  { title: 'Locks', cell: ({ locks }) => figure(locks), dropOrder: 3 },
  { title: 'Entries', cell: ({ entriesWritten }) => figure(entriesWritten) },
  ofRounds('Collapse: entries', ({ entriesWritten }) => figure(entriesWritten), 0),
  ofRounds('Flushes', ({ flushes }) => figure(flushes), 2),
  ofRounds('Tables left', ({ tableBytes }) => formatBytes(tableBytes), 1),
];

/** What times follow from. */
export function parametersText({ processes, bytes, parameters }: PostCopyComparison): string {
  const { bitsPerSecond, roundTripUs, resumeUs, touchUs, entryUs, countUs } = parameters;
  const [roundTrip, resume, touch, entry, count] = [
    roundTripUs,
    resumeUs,
    touchUs,
    entryUs,
    countUs,
  ].map(formatMicroseconds);
  return (
    `${counted(processes, 'vCPU')}, each touching any page every ${touch}; ${formatBytes(bytes)} over a link of ` +
    `${Number((bitsPerSecond / 1e9).toPrecision(3))} Gbit/s, ${roundTrip} there and back; ${resume} to ` +
    `go on when a piece is there. A collapse takes ${entry} for an entry, and ${count} for a count.`
  );
}

/** One sentence for each size of piece. */
export function headlineText(designs: readonly PostCopyEntry[]): string {
  const sizes = new Map(designs.map(({ pieceBytes, medianUs }) => [pieceBytes, medianUs]));
  const parts = [...sizes].map(
    ([size, medianUs]) => `${formatMicroseconds(medianUs)} with ${formatBytes(size)} at a time`,
  );
  return `A vCPU waits for what is missing, by the median: ${parts.join('; ')}.`;
}

function engineText({ engine, bytes }: PostCopyComparison): string {
  const what =
    engine.bytes === bytes
      ? 'All of it was run by the engine'
      : `Too large for the engine, which has run ${formatBytes(engine.bytes)}`;
  const verdict = engine.agrees
    ? 'Its tables and entries are those above'
    : 'ERROR: its tables and entries are not those above';
  return `${what}: UFFDIO_CONTINUE of each piece as it came, faults of who waited, MADV_COLLAPSE in two rounds. ${verdict}.`;
}
