/** How full the parts of a table are: its entries, many in a cell, from the first to the last. */
import type { Canvas } from '../../report/text/canvas.ts';
import { EntryKind } from '../view/tables.ts';
import { paintOf } from './kinds.ts';

export interface Density {
  readonly text: string;
  /** The entry that a cell is coloured like; 0 of empty ones. */
  readonly entries: readonly number[];
}

/** @param cells a divisor of the number of entries */
export function density({ symbols }: Canvas, entries: Uint8Array, cells: number): Density {
  const perCell = entries.length / cells;
  const shown: number[] = [];
  let text = '';
  for (let cell = 0; cell < cells; cell++) {
    const part = entries.subarray(cell * perCell, (cell + 1) * perCell);
    const used = part.reduce((count, entry) => count + (entry === EntryKind.EMPTY ? 0 : 1), 0);
    text += used === 0 ? symbols.empty : levelOf(symbols.levels, used / perCell);
    shown.push(mostCommon(part));
  }
  return { text, entries: shown };
}

/** Only what is full looks so. */
function levelOf(levels: readonly string[], share: number): string {
  return share === 1 ? levels.at(-1)! : levels[Math.floor(share * (levels.length - 1))]!;
}

function mostCommon(part: Uint8Array): number {
  const counts = new Map<number, number>();
  let best: number = EntryKind.EMPTY;
  for (const entry of part) {
    if (entry === EntryKind.EMPTY) continue;
    const count = (counts.get(entry) ?? 0) + 1;
    counts.set(entry, count);
    if (count > (counts.get(best) ?? 0)) best = entry;
  }
  return best;
}

/** Colours the cells, runs of one kind at a time. */
export function paintDensity(canvas: Canvas, { text, entries }: Density): string {
  let painted = '';
  for (let start = 0; start < entries.length; ) {
    let end = start + 1;
    while (end < entries.length && entries[end] === entries[start]) end++;
    const run = text.slice(start, end);
    const entry = entries[start]!;
    painted += entry === EntryKind.EMPTY ? canvas.colors.dim(run) : paintOf(canvas, entry)(run);
    start = end;
  }
  return painted;
}
