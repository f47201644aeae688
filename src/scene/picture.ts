/** A state as data to draw: what there is, what leads to what, and what has just changed. */
import { EntryState, formatById, type PteFormat, W } from '../arch/index.ts';
import type { Names } from './names.ts';
import type { Obligation } from './obligations.ts';
import { type ActorKey, actorOf, cpuOf, type State } from './state.ts';
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
  readonly framesLeftOut: number;
  readonly cpus: readonly PictureCpu[];
  readonly locks: readonly PictureLock[];
  readonly stale: readonly PictureStale[];
  /** Obligations in the ledger, as the trace says. */
  readonly open: number;
}

/** Parts of a table that are told apart. */
export const CELLS = 32;
const TABLES_MAX = 160;
const ENTRIES_MAX = 48;
const FRAMES_MAX = 240;
const LOCKS_MAX = 60;
const STALE_MAX = 120;

export function pictureOf(event: number, state: State, formatId: string, names: Names): Picture {
  return new Painter(state, formatById(formatId), names).paint(event);
}

class Painter {
  readonly #state: State;
  readonly #format: PteFormat | undefined;
  readonly #names: Names;
  readonly #mapped = new Map<number, { all: number; writable: number }>();
  /** The table below an entry, by the table above and the index. */
  readonly #below = new Map<string, number>();

  constructor(state: State, format: PteFormat | undefined, names: Names) {
    this.#state = state;
    this.#format = format;
    this.#names = names;
    for (const { id, links } of state.tables.all.values()) {
      for (const { parent, index } of links) this.#below.set(`${parent} ${index}`, id);
    }
  }

  paint(event: number): Picture {
    const state = this.#state;
    const all = [...state.tables.all.values()];
    const painted = all.map((table) => this.#table(table));
    const tables = shownTables(painted);
    const frames = this.#frames();
    return {
      event,
      roots: this.#roots(all),
      levels: this.#format?.levels ?? Math.max(1, ...all.map(({ level }) => level + 1)),
      tables,
      tablesLeftOut: all.length - tables.length,
      frames: frames.slice(0, FRAMES_MAX),
      framesLeftOut: Math.max(frames.length - FRAMES_MAX, 0),
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

  #table(table: Table): PictureTable {
    const { id, level, start, links, lanes } = table;
    const touched = this.#state.touched.entries.get(id);
    const bits = this.#format?.indexBits[level];
    const size = bits === undefined ? 512 : 2 ** bits;
    const entries: PictureEntry[] = [];
    const cells = Array<string>(CELLS).fill('.');
    let used = 0;
    for (let index = 0; 2 * index < lanes.length; index++) {
      const [low, high] = [lanes[2 * index]!, lanes[2 * index + 1]!];
      const isTouched = touched?.has(index) === true;
      if ((low | high) === 0 && !isTouched) continue;
      if ((low | high) !== 0) used++;
      const entry = this.#entry(table, index, low, high, isTouched);
      if (entries.length < ENTRIES_MAX || isTouched) entries.push(entry);
      const cell = Math.min(Math.floor((index * CELLS) / size), CELLS - 1);
      if (cells[cell] !== '!') cells[cell] = signOf(entry);
    }
    const isChanged = touched !== undefined;
    return {
      id,
      level,
      start,
      links,
      size,
      used,
      cells: cells.join(''),
      entries,
      isTouched: isChanged,
    };
  }

  #entry(
    { id, level }: Table,
    index: number,
    low: number,
    high: number,
    isTouched: boolean,
  ): PictureEntry {
    const entry = { index, low, high, isTouched };
    const format = this.#format;
    const below = this.#below.get(`${id} ${index}`);
    const isLevel = format !== undefined && level < format.levels;
    if (isLevel && format.state(low, high, level) === EntryState.leaf) {
      const target = format.frame(low, high, level);
      const isWritable = (format.rights(low, high) & W) !== 0;
      const counts = this.#mapped.get(target) ?? { all: 0, writable: 0 };
      counts.all++;
      if (isWritable) counts.writable++;
      this.#mapped.set(target, counts);
      return { ...entry, kind: 'leaf', target, isWritable };
    }
    if (below !== undefined && (low | high) !== 0) {
      return { ...entry, kind: 'table', target: below, isWritable: false };
    }
    return { ...entry, kind: 'other', target: -1, isWritable: false };
  }

  /** Folios, and free frames that something still leads to; what is interesting first. */
  #frames(): PictureFrame[] {
    const { folios, touched, obligations } = this.#state;
    const wanted = new Set([...folios.keys(), ...this.#mapped.keys(), ...touched.frames]);
    for (const { target, id } of obligations.list) if (target === 'frame') wanted.add(id);
    const frames = [...wanted].map((frame) => {
      const counts = this.#mapped.get(frame);
      const isInside = counts !== undefined && !folios.has(frame) && this.#headOf(frame) >= 0;
      return {
        frame,
        order: folios.get(frame) ?? 0,
        mapped: counts?.all ?? 0,
        writable: counts?.writable ?? 0,
        isTouched: touched.frames.has(frame),
        isFree: !folios.has(frame) && !isInside,
      };
    });
    const rank = ({ isTouched, isFree }: PictureFrame): number =>
      (isFree ? 0 : 2) + (isTouched ? 0 : 1);
    return frames.sort((one, other) => rank(one) - rank(other) || one.frame - other.frame);
  }

  /** The first frame of the folio that `frame` is in, or -1. */
  #headOf(frame: number): number {
    for (let order = 1; order <= 18; order++) {
      const head = frame - (frame % 2 ** order);
      const found = this.#state.folios.get(head);
      if (found !== undefined && frame < head + 2 ** found) return head;
    }
    return -1;
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
    const stale = this.#state.obligations.list.flatMap((one) =>
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
            (one.target === 'frame' &&
              !this.#state.folios.has(one.id) &&
              this.#headOf(one.id) < 0) ||
            (one.target === 'table' && !this.#state.tables.all.has(one.id)),
        })),
    );
    return stale.slice(0, STALE_MAX);
  }
}

function signOf({ kind, isWritable, isTouched }: PictureEntry): string {
  if (isTouched) return '!';
  if (kind === 'leaf') return isWritable ? 'w' : 'r';
  return kind === 'table' ? 't' : 'o';
}

/** All tables, or those that have changed with what leads to them, and as many others as there is room for. */
function shownTables(tables: readonly PictureTable[]): PictureTable[] {
  if (tables.length <= TABLES_MAX) return [...tables];
  const byId = new Map(tables.map((table) => [table.id, table]));
  const shown = new Set<PictureTable>();
  const show = (table: PictureTable | undefined): void => {
    if (table === undefined || shown.has(table) || shown.size >= TABLES_MAX) return;
    shown.add(table);
    for (const { parent } of table.links) show(byId.get(parent));
  };
  for (const table of tables) if (table.isTouched) show(table);
  for (const table of tables) if (table.links.length > 1) show(table);
  for (const table of tables) show(table);
  return [...shown];
}
