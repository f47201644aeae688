/** What a table holds, to be drawn: worked out once for each version of it. */
import { EntryState, type PteFormat, W } from '../arch/index.ts';
import type { Table } from './tables.ts';

/** Kinds of entries, by number. */
export const EntryKind = { leaf: 0, writableLeaf: 1, table: 2, other: 3 } as const;

export interface TablePaint {
  /** Indices of the entries that are not empty. */
  readonly indices: Uint16Array;
  /** `EntryKind` of each of them. */
  readonly kinds: Uint8Array;
  /** The frame of a leaf, the table below, or -1. */
  readonly targets: Float64Array;
  /** The lowest and the highest frame that a leaf leads to. */
  readonly lowest: number;
  readonly highest: number;
  /** As in `PictureTable.cells`, without what has just changed. */
  readonly cells: string;
}

/** What lanes held after so many writes. */
interface Painted {
  readonly paint: TablePaint;
  readonly writes: number;
}

/** Parts of a table that are told apart. */
export const CELLS = 32;
/** By `EntryKind`. */
const SIGNS = ['r', 'w', 't', 'o'] as const;

export class TablePainter {
  readonly #format: PteFormat | undefined;
  /** Of tables of level 0, whose lanes say all: those above also depend on what is linked. */
  readonly #known = new WeakMap<Uint32Array, Painted>();

  constructor(format: PteFormat | undefined) {
    this.#format = format;
  }

  /** @param below tables that are linked, by index */
  paint(table: Table, below: ReadonlyMap<number, number> | undefined): TablePaint {
    const canKeep = table.level === 0 && below === undefined;
    const known = canKeep ? this.#known.get(table.lanes) : undefined;
    if (known?.writes === table.writes) return known.paint;
    const paint = this.#paint(table, below);
    if (canKeep) this.#known.set(table.lanes, { paint, writes: table.writes });
    return paint;
  }

  #paint({ lanes, level }: Table, below: ReadonlyMap<number, number> | undefined): TablePaint {
    const indices: number[] = [];
    const kinds: number[] = [];
    const targets: number[] = [];
    const size = sizeOf(this.#format, level);
    const cells = Array<string>(CELLS).fill('.');
    let [lowest, highest] = [Infinity, -1];
    for (let index = 0; 2 * index < lanes.length; index++) {
      const [low, high] = [lanes[2 * index]!, lanes[2 * index + 1]!];
      if ((low | high) === 0) continue;
      indices.push(index);
      const kind = this.#kindOf(low, high, level, below?.has(index) === true);
      kinds.push(kind);
      cells[cellOf(index, size)] = SIGNS[kind]!;
      const isLeaf = kind === EntryKind.leaf || kind === EntryKind.writableLeaf;
      if (!isLeaf) {
        targets.push(kind === EntryKind.table ? below!.get(index)! : -1);
        continue;
      }
      const frame = this.#format!.frame(low, high, level);
      targets.push(frame);
      lowest = Math.min(lowest, frame);
      highest = Math.max(highest, frame);
    }
    return {
      indices: Uint16Array.from(indices),
      kinds: Uint8Array.from(kinds),
      targets: Float64Array.from(targets),
      lowest,
      highest,
      cells: cells.join(''),
    };
  }

  #kindOf(low: number, high: number, level: number, isLinked: boolean): number {
    const format = this.#format;
    const isKnown = format !== undefined && level < format.levels;
    if (isKnown && format.state(low, high, level) === EntryState.leaf) {
      return (format.rights(low, high) & W) === 0 ? EntryKind.leaf : EntryKind.writableLeaf;
    }
    return isLinked ? EntryKind.table : EntryKind.other;
  }
}

/** Entries of a table. */
export function sizeOf(format: PteFormat | undefined, level: number): number {
  const bits = format?.indexBits[level];
  return bits === undefined ? 512 : 2 ** bits;
}

/** The part of a table that an entry is in. */
export function cellOf(index: number, size: number): number {
  return Math.min(Math.floor((index * CELLS) / size), CELLS - 1);
}
