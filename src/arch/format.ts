/**
 * Page-table entries of every architecture, from data.
 *
 * An architecture is a `FormatSpec`: field tables and what their values mean. One class turns it
 * into masks at load. No method calls back into an architecture, so a loop over many formats runs
 * the same code as a loop over one.
 *
 * Levels count from 0, the table that maps base pages, to `levels - 1`, the root. An entry is two
 * lanes, low and high, unsigned; methods that decode take them apart, so that nothing is allocated.
 */
import { assert } from '../base/assert.ts';
import { type AnyOf, BitTest } from './bit_test.ts';
import { type EntryKind, Kind } from './entry_kind.ts';
import { type Fields, type FieldValues, type Lanes, pack } from './fields.ts';
import {
  ACCESSED,
  ALL_LEAF_FLAGS,
  CONTIGUOUS,
  DIRTY,
  GLOBAL,
  type GrantBits,
  type Grants,
  GrantTable,
  type LeafFlags,
  REFUSED,
  type Rights,
  rightsOfGrants,
  UFFD_WP,
  W,
} from './rights.ts';
import type { EntryIndex, Pfn, Vpn } from './units.ts';

export interface FormatSpec {
  readonly id: string;
  readonly pageShift: number;
  /** Of each level, level 0 first. */
  readonly indexBits: readonly number[];
  /** Of a field `target`: bit `n` of an entry is bit `n + targetOffset` of an address. */
  readonly targetOffset: number;
  /** Byte order of entries in memory, for `imageOf()`; lanes hold values and have none. */
  readonly byteOrder: 'little' | 'big';
  /** Canonical page numbers: `[0, lowerEnd)` and `[upperStart, upperEnd)`. */
  readonly lowerEnd: number;
  readonly upperStart: number;
  readonly upperEnd: number;
  /** Whether the upper half is translated through a root of its own. */
  readonly upperHasOwnRoot: boolean;
  readonly present: AnyOf;
  /** `undefined` where a level may not hold leaves. */
  leaf(level: number): EntryKind | undefined;
  /** Asked for every level above 0. */
  table(level: number): EntryKind;
  readonly leafGrants: GrantBits;
  readonly tableGrants: GrantBits;
  /** What user mode may write after all levels, privileged mode never executes. */
  readonly userWriteDeniesPrivilegedExecute?: boolean;
  readonly accessed: AnyOf;
  readonly dirty: AnyOf;
  readonly global: AnyOf;
  readonly contiguous: AnyOf;
  /** Where the kernel notes write protection for userfaultfd; `{}` if it does not. */
  readonly uffdWp: AnyOf;
  /** Entries of a contiguous run at a level; 1 where there are no runs. */
  contiguousEntries(level: number): number;
  /** Fields of a leaf with these flags. Flags that do not come back when decoded are refused. */
  leafValues(flags: LeafFlags): FieldValues;
}

/** What an entry is. Malformed: valid, but reserved by the architecture, so never to be made. */
export const EntryState = { hole: 0, table: 1, leaf: 2, malformed: 3 } as const;
export type EntryState = (typeof EntryState)[keyof typeof EntryState];

/** Entries are 8 bytes. */
const ENTRY_SHIFT = 3;

export class PteFormat {
  readonly id: string;
  readonly levels: number;
  readonly pageShift: number;
  readonly byteOrder: 'little' | 'big';
  readonly upperHasOwnRoot: boolean;
  /** Of each level, level 0 first. */
  readonly indexBits: readonly number[];
  /** Base pages that one entry of each level spans. */
  readonly entryPages: Float64Array;

  readonly #spec: FormatSpec;
  readonly #indexScale: Float64Array;
  readonly #indexMask: Int32Array;
  readonly #leaf: readonly Kind[];
  readonly #frameBits: readonly Lanes[];
  readonly #table: readonly Kind[];
  /** Tables that take no right away: nearly all, so that a walk tests for them first. */
  readonly #openTable: readonly Kind[];
  readonly #present: BitTest;
  readonly #accessed: BitTest;
  readonly #dirty: BitTest;
  readonly #global: BitTest;
  readonly #contiguous: BitTest;
  readonly #uffdWp: BitTest;
  readonly #leafGrants: GrantTable;
  readonly #tableGrants: GrantTable;
  /** See `effectiveGrants()`. */
  readonly denyingGrants: Grants;
  /** Where a frame number, or an `EntryIndex`, starts in the low lane. */
  readonly frameShift: number;
  readonly #tableShift: number;
  /** What one unit of the high lane is worth. */
  readonly #frameScale: number;
  readonly #tableScale: number;
  /** The bits that each set of flags sets in a leaf. */
  readonly #flagsLow = new Uint32Array(ALL_LEAF_FLAGS + 1);
  readonly #flagsHigh = new Uint32Array(ALL_LEAF_FLAGS + 1);
  readonly #expressible: Uint8Array;

  constructor(spec: FormatSpec) {
    this.#spec = spec;
    this.id = spec.id;
    this.levels = spec.indexBits.length;
    this.pageShift = spec.pageShift;
    this.byteOrder = spec.byteOrder;
    this.upperHasOwnRoot = spec.upperHasOwnRoot;
    this.indexBits = spec.indexBits;
    this.entryPages = entryPages(spec.indexBits);
    this.#indexScale = this.entryPages.map((pages) => 1 / pages);
    this.#indexMask = Int32Array.from(spec.indexBits, (bits) => 2 ** bits - 1);
    this.#leaf = spec.indexBits.map((_, level) => new Kind(spec.leaf(level)));
    this.#frameBits = this.#leaf.map((kind) => ({ low: kind.targetLow, high: kind.targetHigh }));
    const tables = spec.indexBits.map((_, level) => (level === 0 ? undefined : spec.table(level)));
    this.#table = tables.map((table) => new Kind(table));
    this.#openTable = tables.map(
      (table) => new Kind(table && { ...table, type: { ...table.type, ...table.preset } }),
    );
    this.#present = new BitTest(spec.present);
    this.#accessed = new BitTest(spec.accessed);
    this.#dirty = new BitTest(spec.dirty);
    this.#global = new BitTest(spec.global);
    this.#contiguous = new BitTest(spec.contiguous);
    this.#uffdWp = new BitTest(spec.uffdWp);
    this.#leafGrants = new GrantTable(spec.leafGrants);
    this.#tableGrants = new GrantTable(spec.tableGrants);
    this.denyingGrants = spec.userWriteDeniesPrivilegedExecute === true ? W : 0;
    this.frameShift = spec.pageShift - spec.targetOffset;
    this.#tableShift = ENTRY_SHIFT - spec.targetOffset;
    this.#frameScale = 2 ** (32 - this.frameShift);
    this.#tableScale = 2 ** (32 - this.#tableShift);
    this.#expressible = this.#fillFlags(spec);
  }

  /** The fields of a leaf, or of an entry that points to a table, for who draws them. */
  fields(level: number, kind: 'leaf' | 'table'): Fields {
    return (kind === 'leaf' ? this.#leaf : this.#table)[level]!.fields;
  }

  /** Whether an entry of `level` may map a page. */
  mayHoldLeaf(level: number): boolean {
    return this.#leaf[level]!.exists;
  }

  /** Entries of a contiguous run at `level`; 1 where there are no runs. */
  contiguousEntries(level: number): number {
    return this.#spec.contiguousEntries(level);
  }

  /** Whether a leaf can say exactly this. */
  expresses(flags: LeafFlags): boolean {
    return this.#expressible[flags] === 1;
  }

  isCanonical(page: Vpn): boolean {
    const { lowerEnd, upperStart, upperEnd } = this.#spec;
    return page < lowerEnd || (page >= upperStart && page < upperEnd);
  }

  /** Whether a canonical page lies in the upper half: the kernel's, on Linux. */
  isUpper(page: Vpn): boolean {
    return page >= this.#spec.upperStart;
  }

  /** The index of `page` in a table of `level`. Multiplying by a power of two is exact. */
  index(page: Vpn, level: number): number {
    return (page * this.#indexScale[level]!) & this.#indexMask[level]!;
  }

  present(low: number, high: number): boolean {
    return this.#present.of(low, high);
  }

  isTable(low: number, high: number, level: number): boolean {
    return this.#table[level]!.matches(low, high);
  }

  /** Whether this is a table whose `tableGrants()` are all. May miss one; never the reverse. */
  isOpenTable(low: number, high: number, level: number): boolean {
    return this.#openTable[level]!.matches(low, high);
  }

  isLeaf(low: number, high: number, level: number): boolean {
    const isKind = this.#leaf[level]!.matches(low, high);
    return isKind && this.#leafGrants.of(low, high) !== REFUSED;
  }

  state(low: number, high: number, level: number): EntryState {
    if (this.isTable(low, high, level)) return EntryState.table;
    if (this.isLeaf(low, high, level)) return EntryState.leaf;
    return this.present(low, high) ? EntryState.malformed : EntryState.hole;
  }

  /** The first frame that a leaf of `level` maps. */
  frame(low: number, high: number, level: number): Pfn {
    const kind = this.#leaf[level]!;
    const upper = high & kind.targetHigh;
    const lower = (low & kind.targetLow) >>> this.frameShift;
    return (upper === 0 ? lower : upper * this.#frameScale + lower) as Pfn;
  }

  /** The table that an entry of `level` points to. */
  table(low: number, high: number, level: number): EntryIndex {
    const kind = this.#table[level]!;
    const upper = high & kind.targetHigh;
    const lower = (low & kind.targetLow) >>> this.#tableShift;
    // Integers as long as memory is small: doubles in this chain halve the speed of a walk.
    return (upper === 0 ? lower : upper * this.#tableScale + lower) as EntryIndex;
  }

  /** Of a leaf alone; `walk()` gives what the tables above it leave. */
  rights(low: number, high: number): Rights {
    return rightsOfGrants(this.leafGrants(low, high));
  }

  leafGrants(low: number, high: number): Grants {
    return this.#leafGrants.of(low, high);
  }

  tableGrants(low: number, high: number): Grants {
    return this.#tableGrants.of(low, high);
  }

  accessed(low: number, high: number): boolean {
    return this.#accessed.of(low, high);
  }

  /** Whether the page may have been written through this leaf. */
  dirty(low: number, high: number): boolean {
    return this.#dirty.of(low, high);
  }

  global(low: number, high: number): boolean {
    return this.#global.of(low, high);
  }

  contiguous(low: number, high: number): boolean {
    return this.#contiguous.of(low, high);
  }

  /** Whether the kernel has noted that userfaultfd write-protects the page. */
  uffdWp(low: number, high: number): boolean {
    return this.#uffdWp.of(low, high);
  }

  /**
   * The low lane of a leaf.
   *
   * @param frame aligned to what an entry of `level` spans
   * @param flags one that `expresses()`
   */
  leafLow(frame: Pfn, flags: LeafFlags, level: number): number {
    const leaf = this.#leaf[level]!;
    assert(leaf.exists, 'a leaf is made at a level that may hold one');
    assert(this.#expressible[flags] === 1, 'a leaf is made of flags that the format expresses');
    const target = frame << this.frameShift;
    assert((target & ~leaf.targetLow) === 0, 'a frame is aligned to the level of its leaf');
    return (target | leaf.madeLow | this.#flagsLow[flags]!) >>> 0;
  }

  /** The high lane of a leaf; see `leafLow()`. */
  leafHigh(frame: Pfn, flags: LeafFlags, level: number): number {
    const leaf = this.#leaf[level]!;
    const target = Math.floor(frame / this.#frameScale);
    assert(target <= leaf.targetHigh >>> 0, 'a frame fits the format');
    assert((target & ~leaf.targetHigh) === 0, 'a frame is aligned to the level of its leaf');
    return (target | leaf.madeHigh | this.#flagsHigh[flags]!) >>> 0;
  }

  /** Writes both lanes of a leaf: a lane that is returned is a number to allocate if it is large. */
  writeLeaf(lanes: Uint32Array, entry: number, frame: Pfn, flags: LeafFlags, level: number): void {
    lanes[entry * 2] = this.leafLow(frame, flags, level);
    lanes[entry * 2 + 1] = this.leafHigh(frame, flags, level);
  }

  /** The bits of a leaf of `level` that may be its frame. The others are its flags. */
  frameBits(level: number): Lanes {
    return this.#frameBits[level]!;
  }

  /** Rights of a leaf, and everything else that it says of its page. */
  flags(low: number, high: number): LeafFlags {
    return (
      this.rights(low, high) |
      (this.accessed(low, high) ? ACCESSED : 0) |
      (this.dirty(low, high) ? DIRTY : 0) |
      (this.global(low, high) ? GLOBAL : 0) |
      (this.contiguous(low, high) ? CONTIGUOUS : 0) |
      (this.uffdWp(low, high) ? UFFD_WP : 0)
    );
  }

  /** The bits that `flags` set in the low lane of a leaf. */
  flagBitsLow(flags: LeafFlags): number {
    assert(this.#expressible[flags] === 1, 'a leaf is made of flags that the format expresses');
    return this.#flagsLow[flags]!;
  }

  /** The bits that `flags` set in the high lane; see `flagBitsLow()`. */
  flagBitsHigh(flags: LeafFlags): number {
    return this.#flagsHigh[flags]!;
  }

  /** The low lane of an entry of `level` that points to `table`, and takes no right away. */
  tableLow(table: EntryIndex, level: number): number {
    const kind = this.#table[level]!;
    assert(kind.exists, 'an entry that points to a table is above level 0');
    const target = table << this.#tableShift;
    assert((target & ~kind.targetLow) === 0, 'a table is aligned as its format asks');
    return (target | kind.madeLow) >>> 0;
  }

  /**
   * The low lane of an entry of `level` that points to a table, with or without the right to write
   * below it. Only x86-64 has a bit for that.
   */
  withTableWrites(low: number, level: number, isAllowed: boolean): number {
    const field = this.#table[level]!.fields.writable;
    assert(field !== undefined, 'an architecture that shares on fork has a write bit in tables');
    const bit = 1 << field[0];
    return (isAllowed ? low | bit : low & ~bit) >>> 0;
  }

  /** The high lane; see `tableLow()`. */
  tableHigh(table: EntryIndex, level: number): number {
    const kind = this.#table[level]!;
    const target = Math.floor(table / this.#tableScale);
    assert(target <= kind.targetHigh >>> 0, 'the address of a table fits the format');
    return (target | kind.madeHigh) >>> 0;
  }

  /** Encodes every set of flags, and finds by decoding which of them the format can express. */
  #fillFlags(spec: FormatSpec): Uint8Array {
    const leaf = this.#leaf[0]!;
    return Uint8Array.from(this.#flagsLow, (_, flags) => {
      const { low, high } = pack(leaf.fields, spec.leafValues(flags));
      this.#flagsLow[flags] = low;
      this.#flagsHigh[flags] = high;
      const [wholeLow, wholeHigh] = [low | leaf.madeLow, high | leaf.madeHigh];
      const isLeaf = this.isLeaf(wholeLow, wholeHigh, 0);
      return isLeaf && this.flags(wholeLow, wholeHigh) === flags ? 1 : 0;
    });
  }
}

function entryPages(indexBits: readonly number[]): Float64Array {
  const pages = new Float64Array(indexBits.length);
  let total = 0;
  indexBits.forEach((bits, level) => {
    pages[level] = 2 ** total;
    total += bits;
  });
  return pages;
}
