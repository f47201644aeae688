/**
 * A picture on its way to the page. What is in its tables is most of it, and goes as numbers: to copy
 * an object for each entry takes longer than to draw all of them.
 */
import type { Picture, PictureEntry, PictureTable } from './picture.ts';

export interface PackedPicture extends Omit<Picture, 'tables'> {
  readonly tables: readonly PackedTable[];
  /** Of all tables, one after the other. */
  readonly entries: Float64Array<ArrayBuffer>;
}

interface PackedTable extends Omit<PictureTable, 'entries'> {
  /** How many. */
  readonly entries: number;
}

const KINDS = ['table', 'leaf', 'other'] as const satisfies readonly PictureEntry['kind'][];
/** Index, both lanes, target, and the rest in one. */
const NUMBERS = 5;
const WRITABLE = 4;
const TOUCHED = 8;

export function pack({ tables, ...rest }: Picture): PackedPicture {
  const count = tables.reduce((sum, table) => sum + table.entries.length, 0);
  const entries = new Float64Array(count * NUMBERS);
  let at = 0;
  for (const table of tables) {
    for (const { index, low, high, target, kind, isWritable, isTouched } of table.entries) {
      const flags = (isWritable ? WRITABLE : 0) | (isTouched ? TOUCHED : 0);
      entries[at++] = index;
      entries[at++] = low;
      entries[at++] = high;
      entries[at++] = target;
      entries[at++] = KINDS.indexOf(kind) | flags;
    }
  }
  const packed = tables.map((table) => ({ ...table, entries: table.entries.length }));
  return { ...rest, tables: packed, entries };
}

export function unpack({ tables, entries, ...rest }: PackedPicture): Picture {
  let at = 0;
  const next = (): PictureEntry => {
    const flags = entries[at + 4]!;
    const entry = {
      index: entries[at]!,
      low: entries[at + 1]!,
      high: entries[at + 2]!,
      kind: KINDS[flags & 3]!,
      target: entries[at + 3]!,
      isWritable: (flags & WRITABLE) !== 0,
      isTouched: (flags & TOUCHED) !== 0,
    };
    at += NUMBERS;
    return entry;
  };
  const unpacked = tables.map((table) => ({
    ...table,
    entries: Array.from({ length: table.entries }, next),
  }));
  return { ...rest, tables: unpacked };
}
