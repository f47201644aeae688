/**
 * Random page tables in the memory of a machine that has hardware to walk them.
 *
 * Unlike `test/random_tables.ts`, no entry leads out of memory, where each machine has something
 * else, and pages of all sizes lie all over 64 GiB.
 */
import {
  type EntryIndex,
  EntryState,
  entryIndex,
  type Pfn,
  type PteFormat,
  type Vpn,
  vpn,
} from '../../src/arch/index.ts';
import { ALL_LEAF_FLAGS } from '../../src/arch/rights.ts';
import { Random } from '../kernel/random.ts';
import { RAM_BYTES, TABLES_START } from './board.ts';

const TABLES_PER_LEVEL = 8;
/** Of each table, besides the first two entries and the last. */
const DRAWN_ENTRIES = 12;
/** Entries from one table to the next: the largest table of any format. */
const STRIDE = 2 ** 13;
const ENTRY_BYTES = 8;

export interface TableSet {
  readonly lanes: Uint32Array;
  readonly origin: EntryIndex;
  /** Of the lower and of the upper half; the same where there is one root for both. */
  readonly roots: readonly [EntryIndex, EntryIndex];
}

/** The entry of the root of the upper half through which the stub is mapped. */
export function stubSlot({ indexBits, levels }: PteFormat): number {
  return 2 ** indexBits[levels - 1]! - 2;
}

/** From a page number as the indices make it to that of the upper half. */
export function upperOffset(format: PteFormat): number {
  const { entryPages, indexBits, levels, pageShift } = format;
  if (format.id.startsWith('ppc64')) return 3 * 2 ** (62 - pageShift);
  return 2 ** (64 - pageShift) - entryPages[levels - 1]! * 2 ** indexBits[levels - 1]!;
}

export class RandomMemory implements TableSet {
  readonly lanes: Uint32Array;
  readonly origin = entryIndex(TABLES_START / ENTRY_BYTES);
  readonly roots: readonly [EntryIndex, EntryIndex];
  readonly #format: PteFormat;
  readonly #random: Random;
  readonly #flags: readonly number[];
  /** Entries of tables of each level that may be filled. */
  readonly #indices: readonly (readonly number[])[];

  constructor(format: PteFormat, seed: number) {
    this.#format = format;
    this.#random = new Random(seed);
    const all = Array.from({ length: ALL_LEAF_FLAGS + 1 }, (_, flags) => flags);
    this.#flags = all.filter((flags) => format.expresses(flags));
    this.#indices = format.indexBits.map((bits) => this.#drawIndices(2 ** bits));
    const { levels } = format;
    this.lanes = new Uint32Array(levels * TABLES_PER_LEVEL * STRIDE * 2);
    const last = (levels - 1) * TABLES_PER_LEVEL;
    this.roots = [this.#place(last), this.#place(format.upperHasOwnRoot ? last + 1 : last)];
    for (let table = 0; table < levels * TABLES_PER_LEVEL; table++) {
      const level = Math.floor(table / TABLES_PER_LEVEL);
      for (const index of this.#indices[level]!) this.#draw(table * STRIDE + index, level);
    }
  }

  #drawIndices(size: number): number[] {
    const drawn = Array.from({ length: DRAWN_ENTRIES }, () => this.#random.below(size));
    return [...new Set([0, 1, size - 1, ...drawn])];
  }

  #place(table: number): EntryIndex {
    return entryIndex(this.origin + table * STRIDE);
  }

  #draw(entry: number, level: number): void {
    const { lanes } = this;
    do {
      [lanes[entry * 2], lanes[entry * 2 + 1]] = this.#entry(level);
      if (this.#random.chance(10)) this.#spoil(entry, level);
    } while (!this.#isInMemory(lanes[entry * 2]!, lanes[entry * 2 + 1]!, level));
  }

  #entry(level: number): [low: number, high: number] {
    const format = this.#format;
    if (this.#random.chance(6)) return [0, 0];
    if (level > 0 && !(format.mayHoldLeaf(level) && this.#random.chance(25))) {
      const below = this.#place((level - 1) * TABLES_PER_LEVEL + this.#random.below(8));
      return [format.tableLow(below, level), format.tableHigh(below, level)];
    }
    if (!format.mayHoldLeaf(level)) return [0, 0];
    const span = format.entryPages[level]!;
    const all = RAM_BYTES / 2 ** format.pageShift / span;
    const frame = (span * this.#random.below(this.#random.chance(30) ? all / 64 : all)) as Pfn;
    const flags = this.#random.pick(this.#flags);
    return [format.leafLow(frame, flags, level), format.leafHigh(frame, flags, level)];
  }

  /** Turns over a bit: any, or one that changes the rights. */
  #spoil(entry: number, level: number): void {
    const { lanes } = this;
    const [low, high] = [lanes[entry * 2]!, lanes[entry * 2 + 1]!];
    const format = this.#format;
    const isTable = format.isTable(low, high, level);
    const grants = (one: number, other: number): number =>
      isTable ? format.tableGrants(one, other) : format.leafGrants(one, other);
    const bits = Array.from({ length: 64 }, (_, bit) => bit);
    const rights = bits.filter((bit) => {
      const [one, other] = flipped(low, high, bit);
      return grants(one, other) !== grants(low, high);
    });
    const isOfRights = rights.length > 0 && this.#random.chance(50);
    const bit = this.#random.pick(isOfRights ? rights : bits);
    [lanes[entry * 2], lanes[entry * 2 + 1]] = flipped(low, high, bit);
  }

  /** Whether an entry leads to memory, or is one whose bits decide what happens. */
  #isInMemory(low: number, high: number, level: number): boolean {
    const format = this.#format;
    const state = format.state(low, high, level);
    if (state === EntryState.table) {
      // A table that was filled for another level leads anywhere.
      const table = (format.table(low, high, level) - this.origin) / STRIDE;
      return Number.isInteger(table) && Math.floor(table / TABLES_PER_LEVEL) === level - 1;
    }
    if (state === EntryState.malformed) return !mayBeIgnored(format, low, level);
    const end = format.frame(low, high, level) + format.entryPages[level]!;
    return state === EntryState.hole || end * 2 ** format.pageShift <= RAM_BYTES;
  }

  /** A page whose path meets entries that were drawn, or now and then one that cannot be. */
  page(): Vpn {
    const format = this.#format;
    const top = format.levels - 1;
    // In quadrant 0 of Power, whose other addresses are for guests.
    const beyond = 2 ** (60 - format.pageShift);
    for (;;) {
      let page = 0;
      for (let level = 0; level <= top; level++) {
        page += this.#random.pick(this.#indices[level]!) * format.entryPages[level]!;
      }
      if (this.#random.chance(2)) page += beyond;
      else if (
        format.upperHasOwnRoot ? this.#random.chance(50) : !format.isCanonical(page as Vpn)
      ) {
        page += upperOffset(format);
      }
      const isStub = format.index(page as Vpn, top) === stubSlot(format);
      if (!isStub || !format.isUpper(page as Vpn)) return vpn(page);
    }
  }

  /** A number below `end`. */
  below(end: number): number {
    return this.#random.below(end);
  }
}

function flipped(low: number, high: number, bit: number): [low: number, high: number] {
  return bit < 32 ? [(low ^ (1 << bit)) >>> 0, high] : [low, (high ^ (1 << (bit - 32))) >>> 0];
}

/**
 * Whether QEMU may take an entry that is reserved for a valid one. Of arm64 it ignores the bits that
 * are to be zero, which the architecture allows, and QEMU 7.2 takes a block at any level; only the
 * wrong type at the last level is sure to be refused.
 */
function mayBeIgnored(format: PteFormat, low: number, level: number): boolean {
  if (format.id.startsWith('ppc64')) return true;
  return format.id.startsWith('arm64') && (level > 0 || (low & 2) !== 0);
}
