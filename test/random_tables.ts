/** Page tables of any format with entries of all kinds, and with bits that are wrong. */

import {
  type EntryIndex,
  entryIndex,
  type Pfn,
  type PteFormat,
  type Vpn,
  vpn,
} from '../src/arch/index.ts';
import { ALL_GRANTS, ALL_LEAF_FLAGS, effectiveGrants, type Grants } from '../src/arch/rights.ts';

const TABLES_PER_LEVEL = 3;
/** Entries from one table to the next: the largest table of any format. */
const STRIDE = 2 ** 13;

export class RandomTables {
  readonly lanes: Uint32Array;
  readonly root: EntryIndex;
  readonly #format: PteFormat;
  readonly #origin: number;
  readonly #flags: readonly number[];
  #state: number;

  /** @param origin the first entry's place in memory, a multiple of 2^13 */
  constructor(format: PteFormat, seed: number, origin: number) {
    this.#format = format;
    this.#origin = origin;
    this.#state = seed >>> 0;
    const all = Array.from({ length: ALL_LEAF_FLAGS + 1 }, (_, flags) => flags);
    this.#flags = all.filter((flags) => format.expresses(flags));
    this.lanes = new Uint32Array(format.levels * TABLES_PER_LEVEL * STRIDE * 2);
    this.root = this.#table(format.levels - 1);
    for (let level = 0; level < format.levels; level++) {
      for (let table = 0; table < TABLES_PER_LEVEL; table++) {
        for (const index of this.#indices(level)) this.#draw(level, table, index);
      }
    }
  }

  /** A number below `end`, from a generator with a fixed seed. */
  below(end: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)]!;
  }

  /** Places in a table that are filled: the ends, and one between. */
  #indices(level: number): number[] {
    const size = 2 ** this.#format.indexBits[level]!;
    return [...new Set([0, 1, size - 1])];
  }

  #table(level: number): EntryIndex {
    const number = level * TABLES_PER_LEVEL + this.below(TABLES_PER_LEVEL);
    return entryIndex(this.#origin + number * STRIDE);
  }

  #draw(level: number, table: number, index: number): void {
    const format = this.#format;
    const lane = ((level * TABLES_PER_LEVEL + table) * STRIDE + index) * 2;
    const choice = this.below(10);
    const isLeaf = choice >= 7 && format.mayHoldLeaf(level);
    if (level > 0 && !isLeaf) {
      const below = this.#table(level - 1);
      this.#set(lane, format.tableLow(below, level), format.tableHigh(below, level));
    } else if (format.mayHoldLeaf(level)) {
      const span = format.entryPages[level]!;
      const frame = (span * this.below(2 ** 8)) as Pfn;
      const flags = this.#pick(this.#flags);
      this.#set(lane, format.leafLow(frame, flags, level), format.leafHigh(frame, flags, level));
    }
    if (this.below(4) === 0) this.#spoil(lane);
    if (this.below(16) === 0) this.#set(lane, 0, 0);
  }

  #set(lane: number, low: number, high: number): void {
    this.lanes[lane] = low;
    this.lanes[lane + 1] = high;
  }

  /** Turns over one bit, or now and then all. */
  #spoil(lane: number): void {
    if (this.below(8) === 0) {
      this.#set(lane, this.below(2 ** 32), this.below(2 ** 32));
      return;
    }
    this.lanes[lane + this.below(2)]! ^= 1 << this.below(32);
  }

  /** A page whose path meets entries that were drawn. */
  page(): Vpn {
    const format = this.#format;
    let page = 0;
    for (let level = 0; level < format.levels; level++) {
      page += this.#pick(this.#indices(level)) * format.entryPages[level]!;
    }
    const root = format.levels - 1;
    const all = format.entryPages[root]! * 2 ** format.indexBits[root]!;
    return vpn(format.isCanonical(page as Vpn) ? page : page + 2 ** (64 - format.pageShift) - all);
  }

  /** Memory from address 0. */
  image(): Uint32Array {
    const image = new Uint32Array(this.#origin * 2 + this.lanes.length);
    image.set(this.lanes, this.#origin * 2);
    return image;
  }

  /** What the entries on the path of a page that is mapped leave of the rights. */
  grantsOf(page: Vpn): Grants {
    const format = this.#format;
    let granted = ALL_GRANTS;
    let table: number = this.root;
    for (let level = format.levels - 1; ; level--) {
      const lane = (table - this.#origin + format.index(page, level)) * 2;
      const [low, high] = [this.lanes[lane]!, this.lanes[lane + 1]!];
      if (!format.isTable(low, high, level)) {
        return effectiveGrants(granted & format.leafGrants(low, high), format.denyingGrants);
      }
      granted &= format.tableGrants(low, high);
      table = format.table(low, high, level);
    }
  }
}
