/** A state as data to draw: what there is, what leads to what, and what has just changed. */
import { formatById, type PteFormat } from '../arch/index.ts';
import type { Names } from './names.ts';
import type { Obligation } from './obligations.ts';
import { type ActorKey, actorOf, cpuOf, type State } from './state.ts';
import { cellOf, EntryKind, sizeOf, type TablePaint, TablePainter } from './table_paint.ts';
import type { Link, Table } from './tables.ts';

export interface PictureEntry {
  readonly index: number;
  readonly low: number;
  readonly high: number;
  /** `other`: it is not present, and says something nevertheless. */
  readonly kind: 'table' | 'leaf' | 'other';
  /** The frame of a leaf, the table below, or -1. */
  readonly target: number;
  readonly isWritable: boolean;
  readonly isTouched: boolean;
}

export interface PictureTable {
  readonly id: number;
  readonly level: number;
  readonly start: number;
  readonly links: readonly Link[];
  readonly size: number;
  readonly used: number;
  /**
   * What is in each part of the table, from its beginning: `.` nothing, `r` and `w` what can be read
   * and written, `t` tables, `o` what is not present, `!` what has just changed.
   */
  readonly cells: string;
  /** The first of them, those that have just changed included. */
  readonly entries: readonly PictureEntry[];
  readonly isTouched: boolean;
}

export interface PictureFrame {
  readonly frame: number;
  readonly order: number;
  /** Entries that lead to it. */
  readonly mapped: number;
  readonly writable: number;
  readonly isTouched: boolean;
  /** Whether it is free, and something still leads to it. */
  readonly isFree: boolean;
}

export interface PictureLock {
  readonly lock: number;
  readonly name: string;
  readonly holders: readonly { readonly name: string; readonly mode: 'exclusive' | 'shared' }[];
  readonly waiting: readonly string[];
  readonly isTouched: boolean;
}

/** A translation that the TLB of a CPU may hold though the tables say otherwise by now. */
export interface PictureStale {
  readonly cpu: number;
  readonly mm: string;
  readonly start: number;
  readonly end: number;
  readonly target: Obligation['target'];
  readonly id: number;
  /** The event that made it stale. */
  readonly since: number;
  /** Whether the frame it leads to is free. */
  readonly isFreed: boolean;
}

export interface PictureCpu {
  readonly cpu: number;
  readonly name: string;
  readonly actors: readonly { readonly name: string; readonly stack: readonly string[] }[];
}

export interface Picture {
  readonly event: number;
  readonly roots: readonly { readonly mm: number; readonly name: string; readonly table: number }[];
  readonly levels: number;
  readonly tables: readonly PictureTable[];
  /** Tables that were left out because there are too many. */
  readonly tablesLeftOut: number;
  readonly frames: readonly PictureFrame[];
  /** Whether there are frames that are not in the list. */
  readonly hasMoreFrames: boolean;
  readonly cpus: readonly PictureCpu[];
  readonly locks: readonly PictureLock[];
  readonly stale: readonly PictureStale[];
  /** Obligations in the ledger, as the trace says. */
  readonly open: number;
}

const TABLES_MAX = 160;
/** Of a table, and of all tables together. */
const ENTRIES_MAX = 48;
const ENTRIES_ALL_MAX = 1500;
const FRAMES_MAX = 240;
/** A power of two, much larger than that. */
const FILTER = 2 ** 14;
const LOCKS_MAX = 60;
const STALE_MAX = 120;

/** Draws states of one trace. */
export class Pictures {
  readonly #format: PteFormat | undefined;
  readonly #names: Names;
  readonly #tables: TablePainter;

  constructor(formatId: string, names: Names) {
    this.#format = formatById(formatId);
    this.#names = names;
    this.#tables = new TablePainter(this.#format);
  }

  of(event: number, state: State): Picture {
    return new Painter(state, this.#format, this.#names, this.#tables).paint(event);
  }
}

class Painter {
  readonly #state: State;
  readonly #format: PteFormat | undefined;
  readonly #names: Names;
  readonly #tables: TablePainter;
  /** The tables below a table, by index. */
  readonly #below = new Map<number, Map<number, number>>();
  #entriesLeft = ENTRIES_ALL_MAX;
  /** Entries that lead to the frames that are drawn. */
  readonly #mapped = new Map<number, { all: number; writable: number }>();
  /** Which remainders of `FILTER` their numbers have: most entries lead elsewhere, and are many. */
  readonly #filter = new Uint8Array(FILTER);

  constructor(state: State, format: PteFormat | undefined, names: Names, tables: TablePainter) {
    this.#state = state;
    this.#format = format;
    this.#names = names;
    this.#tables = tables;
    for (const { id, links } of state.tables.all.values()) {
      for (const { parent, index } of links) {
        const below = this.#below.get(parent) ?? new Map<number, number>();
        this.#below.set(parent, below.set(index, id));
      }
    }
  }

  paint(event: number): Picture {
    const state = this.#state;
    const all = [...state.tables.all.values()];
    for (const frame of this.#wantedFrames()) {
      this.#mapped.set(frame, { all: 0, writable: 0 });
      this.#filter[frame & (FILTER - 1)] = 1;
    }
    const wanted = Float64Array.from(this.#mapped.keys()).sort();
    for (const table of all) this.#countLeaves(table, wanted);
    const shown = shownTables(all, (id) => this.#state.touched.entries.has(id));
    const frames = this.#frames();
    return {
      event,
      roots: this.#roots(all),
      levels: this.#format?.levels ?? Math.max(1, ...shown.map(({ level }) => level + 1)),
      tables: shown.map((table) => this.#table(table)),
      tablesLeftOut: all.length - shown.length,
      frames,
      hasMoreFrames: frames.length >= FRAMES_MAX,
      cpus: this.#cpus(),
      locks: this.#locks(),
      stale: this.#stale(),
      open: state.obligations.open,
    };
  }

  #roots(tables: readonly Table[]): Picture['roots'] {
    return tables
      .flatMap(({ id, links }) =>
        links
          .filter(({ parent }) => parent === -1)
          .map(({ mm }) => ({ mm, name: this.#names.of('mm', mm), table: id })),
      )
      .sort((one, other) => one.mm - other.mm);
  }

  #countLeaves(table: Table, wanted: Float64Array): void {
    const paint = this.#tables.paint(table, this.#below.get(table.id));
    const { kinds, targets, lowest, highest } = paint;
    // Nearly all tables of a long trace lead to none of the frames that are drawn.
    if (!(wanted[lowerBound(wanted, lowest)]! <= highest)) return;
    for (let at = 0; at < kinds.length; at++) {
      const target = targets[at]!;
      if (this.#filter[target & (FILTER - 1)] === 0 || kinds[at]! > EntryKind.writableLeaf)
        continue;
      const counts = this.#mapped.get(target);
      if (counts === undefined) continue;
      counts.all++;
      if (kinds[at] === EntryKind.writableLeaf) counts.writable++;
    }
  }

  #table(table: Table): PictureTable {
    const { id, level, start, links } = table;
    const paint = this.#tables.paint(table, this.#below.get(id));
    const touched = this.#state.touched.entries.get(id);
    const size = sizeOf(this.#format, level);
    const cells = [...paint.cells];
    for (const index of touched ?? []) cells[cellOf(index, size)] = '!';
    return {
      id,
      level,
      start,
      links,
      size,
      used: paint.indices.length,
      cells: cells.join(''),
      entries: this.#entries(table, paint, touched),
      isTouched: touched !== undefined,
    };
  }

  /** The first entries, as long as there is room, and those that have just changed. */
  #entries(
    { lanes }: Table,
    { indices, kinds, targets }: TablePaint,
    touched: ReadonlySet<number> | undefined,
  ): PictureEntry[] {
    const room = Math.min(this.#entriesLeft, ENTRIES_MAX);
    const shown = new Set(touched);
    for (let at = 0; at < indices.length && shown.size < room; at++) shown.add(indices[at]!);
    this.#entriesLeft -= shown.size;
    return [...shown]
      .sort((one, other) => one - other)
      .map((index) => {
        const at = indices.indexOf(index);
        const kind = kinds[at] ?? EntryKind.other;
        const isWritable = kind === EntryKind.writableLeaf;
        const isLeaf = isWritable || kind === EntryKind.leaf;
        return {
          index,
          low: lanes[2 * index] ?? 0,
          high: lanes[2 * index + 1] ?? 0,
          kind: isLeaf ? 'leaf' : kind === EntryKind.table ? 'table' : 'other',
          target: targets[at] ?? -1,
          isWritable,
          isTouched: touched?.has(index) === true,
        };
      });
  }

  #wantedFrames(): Set<number> {
    const { folios, touched, obligations } = this.#state;
    const wanted = new Set(touched.frames);
    for (const [table, indices] of touched.entries) {
      const lanes = this.#state.tables.all.get(table);
      if (lanes === undefined) continue;
      const paint = this.#tables.paint(lanes, this.#below.get(table));
      paint.indices.forEach((index, at) => {
        if (indices.has(index) && paint.kinds[at]! <= EntryKind.writableLeaf) {
          wanted.add(paint.targets[at]!);
        }
      });
    }
    for (const { target, id } of obligations.list) {
      if (target === 'frame' && wanted.size < FRAMES_MAX) wanted.add(id);
    }
    for (const frame of folios.first(FRAMES_MAX)) if (wanted.size < FRAMES_MAX) wanted.add(frame);
    return wanted;
  }

  /** What is interesting first: frames that are free though something leads to them. */
  #frames(): PictureFrame[] {
    const { folios, touched } = this.#state;
    const frames = [...this.#mapped].map(([frame, counts]) => ({
      frame,
      order: Math.max(folios.orderOf(frame), 0),
      mapped: counts.all,
      writable: counts.writable,
      isTouched: touched.frames.has(frame),
      isFree: !folios.has(frame),
    }));
    const rank = ({ isTouched, isFree }: PictureFrame): number =>
      (isFree ? 0 : 2) + (isTouched ? 0 : 1);
    return frames.sort((one, other) => rank(one) - rank(other) || one.frame - other.frame);
  }

  #cpus(): PictureCpu[] {
    const cpus = new Map<number, { name: string; stack: readonly string[] }[]>();
    for (const [key, stack] of this.#state.stacks) {
      if (stack.length === 0) continue;
      const actors = cpus.get(cpuOf(key)) ?? [];
      actors.push({ name: this.#names.ofActor(actorOf(key)), stack });
      cpus.set(cpuOf(key), actors);
    }
    return [...cpus]
      .sort(([one], [other]) => one - other)
      .map(([cpu, actors]) => ({ cpu, name: this.#names.of('cpu', cpu), actors }));
  }

  #locks(): PictureLock[] {
    const { locks, touched } = this.#state;
    return [...locks]
      .map(([lock, { holders, waiting }]) => ({
        lock,
        name: this.#names.of('lock', lock),
        holders: [...holders].map(([key, mode]) => ({ name: this.#actorName(key), mode })),
        waiting: [...waiting].map((key) => this.#actorName(key)),
        isTouched: touched.locks.has(lock),
      }))
      .sort(
        (one, other) => Number(other.isTouched) - Number(one.isTouched) || one.lock - other.lock,
      )
      .slice(0, LOCKS_MAX);
  }

  #actorName(key: ActorKey): string {
    const own = this.#names.ofActor(actorOf(key));
    const cpu = this.#names.of('cpu', cpuOf(key));
    return own === '' ? cpu : `${cpu}: ${own}`;
  }

  #stale(): PictureStale[] {
    const stale = this.#state.obligations.list.slice(0, STALE_MAX).flatMap((one) =>
      Array.from({ length: 32 }, (_, cpu) => cpu)
        .filter((cpu) => (one.cpus & (1 << cpu)) !== 0)
        .map((cpu) => ({
          cpu,
          mm: this.#names.of('mm', one.mm),
          start: one.start,
          end: one.end,
          target: one.target,
          id: one.id,
          since: one.event,
          isFreed:
            (one.target === 'frame' && !this.#state.folios.has(one.id)) ||
            (one.target === 'table' && !this.#state.tables.all.has(one.id)),
        })),
    );
    return stale.slice(0, STALE_MAX);
  }
}

/** Where the first value of `sorted` is that is not less than `value`. */
function lowerBound(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (sorted[middle]! < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** All tables, or those that have changed with what leads to them, and others while there is room. */
function shownTables(tables: readonly Table[], isTouched: (id: number) => boolean): Table[] {
  if (tables.length <= TABLES_MAX) return [...tables];
  const byId = new Map(tables.map((table) => [table.id, table]));
  const shown = new Set<Table>();
  const show = (table: Table | undefined): void => {
    if (table === undefined || shown.has(table) || shown.size >= TABLES_MAX) return;
    shown.add(table);
    for (const { parent } of table.links) show(byId.get(parent));
  };
  for (const table of tables) if (isTouched(table.id)) show(table);
  for (const table of tables) if (table.links.length > 1) show(table);
  for (const table of tables) show(table);
  // In the order that they have in all pictures: what stays is drawn where it was.
  return tables.filter((table) => shown.has(table));
}
