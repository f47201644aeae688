/**
 * Page tables, followed through a trace. Entries are copied when they are written to after a copy of
 * the whole was made, so a copy costs little.
 */

import { SceneError } from './scene_error.ts';

/** Where a table is linked: a shared one in several places. */
export interface Link {
  readonly mm: number;
  /** -1 for a root. */
  readonly parent: number;
  readonly index: number;
}

export interface Table {
  readonly id: number;
  readonly level: number;
  /** First page that it maps. */
  readonly start: number;
  readonly links: readonly Link[];
  /** Low and high lane of each entry, up to the last that was written. */
  readonly lanes: Uint32Array;
  /** Copies since which `lanes` is its own. */
  readonly generation: number;
  /** To `lanes`: they are written to in place, as long as they are its own. */
  writes: number;
}

/** Entries of the largest table: 13 bits of index. */
const ENTRIES_MAX = 2 ** 13;
/** Of all tables together. */
const WORDS_MAX = 2 ** 25;
const DAMAGED = 'Record the trace again';
const SHORTER = 'Record a shorter run';
const NO_LANES = new Uint32Array();

export class Tables {
  /** By number. */
  all: ReadonlyMap<number, Table> = new Map();
  #own: Map<number, Table> | undefined;
  #generation = 0;
  /** Of all tables. */
  #words = 0;
  /** Of those that were written to since the last copy. */
  copiedWords = 0;

  copy(): Tables {
    const copy = new Tables();
    copy.all = this.all;
    copy.#words = this.#words;
    copy.#generation = this.#generation + 1;
    this.#generation++;
    this.#own = undefined;
    return copy;
  }

  alloc(id: number): void {
    this.#words -= this.all.get(id)?.lanes.length ?? 0;
    const table = { id, level: 0, start: 0, links: [], lanes: NO_LANES, writes: 0 };
    this.#edit().set(id, { ...table, generation: this.#generation });
  }

  free(id: number): void {
    this.#words -= this.all.get(id)?.lanes.length ?? 0;
    this.#edit().delete(id);
  }

  link(id: number, link: Link, level: number, start: number): void {
    const table = this.#table(id);
    const others = table.links.filter((one) => !isSame(one, link));
    this.#edit().set(id, { ...table, level, start, links: [...others, link] });
  }

  unlink(id: number, link: Link): void {
    const table = this.#table(id);
    const links = table.links.filter((one) => !isSame(one, link));
    this.#edit().set(id, { ...table, links });
  }

  /** @throws SceneError if a trace has more tables than fit into memory */
  write(id: number, index: number, low: number, high: number): void {
    if (index >= ENTRIES_MAX)
      throw new SceneError('An entry of this trace has an index that no table has', DAMAGED);
    let table = this.#table(id);
    const isOwn = table.generation === this.#generation;
    if (!isOwn || table.lanes.length <= 2 * index) {
      const size = Math.max(table.lanes.length, roomFor(index));
      this.#words += size - table.lanes.length;
      this.copiedWords += size;
      if (this.#words > WORDS_MAX)
        throw new SceneError('This trace has more page tables than can be shown', SHORTER);
      const lanes = new Uint32Array(size);
      lanes.set(table.lanes);
      table = { ...table, lanes, generation: this.#generation };
      this.#edit().set(id, table);
    }
    table.lanes[2 * index] = low;
    table.lanes[2 * index + 1] = high;
    table.writes++;
  }

  /** A trace may begin in the middle, with tables that were never told. */
  #table(id: number): Table {
    if (!this.all.has(id)) this.alloc(id);
    return this.all.get(id)!;
  }

  #edit(): Map<number, Table> {
    if (this.#own === undefined) {
      this.#own = new Map(this.all);
      this.all = this.#own;
    }
    return this.#own;
  }
}

/** 512 entries, which is a table of nearly all formats, or what the index asks for. */
function roomFor(index: number): number {
  let entries = 512;
  while (entries <= index) entries *= 2;
  return 2 * entries;
}

function isSame(one: Link, other: Link): boolean {
  return one.mm === other.mm && one.parent === other.parent && one.index === other.index;
}
