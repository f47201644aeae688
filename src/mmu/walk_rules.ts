/**
 * A format as the constants and small tables that the walk reads.
 *
 * They are found by asking the format about single bits, so that the bits of an entry are declared
 * in one place only, `arch`. That is exact because a format tells kinds of entries by masks.
 */
import {
  ACCESSED,
  DIRTY,
  type EntryIndex,
  type Lanes,
  type Pfn,
  type PteFormat,
  R,
  USER,
  W,
  X,
} from '../arch/index.ts';
import { assert } from '../base/assert.ts';
import { type Hardware, hardwareOf, type Updates } from './hardware.ts';

/** With these, every single bit of the rights may change and the entry is still a leaf. */
const PROBE = R | X | USER | ACCESSED;
const ALL_ONES = 0xffffffff;
const FIRST = 0 as Pfn;
/** Of a shift by less than the bits of a lane. */
export const SHIFT_BITS = 5;
/** Index bits that are taken from the low half of a page number, at most. */
const HALF_BITS = 30;

/** Bits that an entry must have: those of the masks, with these values. */
interface EntryTest {
  readonly maskLow: number;
  readonly low: number;
  readonly maskHigh: number;
  readonly high: number;
}

/** Which bits of `sample`, which passes, `holds()` depends on. */
function learnTest(sample: Lanes, holds: (low: number, high: number) => boolean): EntryTest {
  const { low, high } = sample;
  assert(holds(low, high), 'an entry that is probed is of its own kind');
  const maskLow = bitsOfLane((one) => !holds((low ^ one) >>> 0, high));
  const maskHigh = bitsOfLane((one) => !holds(low, (high ^ one) >>> 0));
  return { maskLow, low: low & maskLow, maskHigh, high: high & maskHigh };
}

function bitsOfLane(matters: (one: number) => boolean): number {
  let mask = 0;
  for (let bit = 0; bit < 32; bit++) if (matters((1 << bit) >>> 0)) mask |= 1 << bit;
  return mask;
}

/**
 * Where entries keep an address: shifted right by this much in the low lane, from bit 0 in the
 * high.
 */
interface Target {
  readonly maskLow: number;
  readonly shift: number;
  readonly maskHigh: number;
}

function learnTarget(decode: (low: number, high: number) => number): Target {
  const maskLow = bitsOfLane((one) => decode(one, 0) !== 0);
  const maskHigh = bitsOfLane((one) => decode(0, one) !== 0);
  const lowest = (maskLow & -maskLow) >>> 0;
  return { maskLow, shift: Math.log2(lowest / decode(lowest, 0)) | 0, maskHigh };
}

/** The bits of each lane that decide what leaves grant. */
function learnGrantBits(decode: (low: number, high: number) => number): Lanes {
  const none = decode(0, 0);
  const all = decode(ALL_ONES, ALL_ONES);
  const low = bitsOfLane(
    (one) => decode(one, 0) !== none || decode(ALL_ONES ^ one, ALL_ONES) !== all,
  );
  const high = bitsOfLane(
    (one) => decode(0, one) !== none || decode(ALL_ONES, ALL_ONES ^ one) !== all,
  );
  return { low, high };
}

/**
 * Flat, and the base of `Walker`: an object on the way to a constant costs the walk a load and a
 * check. Members are declared only: those that are defined before they have a value cost a check
 * whenever they are read.
 */
export class WalkRules {
  declare readonly hardware: Hardware;
  declare readonly updates: Updates;

  /** A page number is split in two integers: the levels from `splitLevel` up use the high one. */
  declare readonly splitScale: number;
  declare readonly splitLevel: number;
  /** Of each level: where its index starts in its half, in 5 bits, and its mask above them. */
  declare readonly index: Int32Array;
  /** The same of the lowest four levels: the masks, and the starts that may not be 0. */
  declare readonly mask0: number;
  declare readonly mask1: number;
  declare readonly mask2: number;
  declare readonly mask3: number;
  declare readonly shift1: number;
  declare readonly shift2: number;

  /**
   * A *settled* entry is a table that takes no right away, and is marked accessed if tables are.
   */
  declare readonly settledMaskLow: number;
  declare readonly settledLow: number;
  declare readonly settledMaskHigh: number;
  declare readonly settledHigh: number;
  /** The lowest level at which that is the test. */
  declare readonly settledFrom: number;
  declare readonly tableMaskLow: number;
  declare readonly tableShift: number;
  declare readonly tableMaskHigh: number;

  /** A leaf of level 0, but for combinations of rights that are reserved. */
  declare readonly leafMaskLow: number;
  declare readonly leafLow: number;
  declare readonly leafMaskHigh: number;
  declare readonly leafHigh: number;
  declare readonly frameMaskLow: number;
  declare readonly frameShift: number;
  declare readonly frameMaskHigh: number;
  /** Where the high lane's part goes in a frame, and what of it would make that no integer. */
  declare readonly frameHighShift: number;
  declare readonly frameTooHigh: number;
  /** What leaves of any level grant, by the bits that decide it. */
  declare readonly grants: Uint8Array;
  /** See `effectiveGrants()`. */
  declare readonly denyingGrants: number;
  declare readonly grantsLowShift: number;
  declare readonly grantsLowMask: number;
  declare readonly grantsLowBits: number;
  declare readonly grantsHighShift: number;
  declare readonly grantsHighMask: number;

  /** In the low lane of leaves: the bit that marks them accessed. */
  declare readonly accessed: number;
  /** The same bit where entries that point to a table have it too, else 0. */
  declare readonly tableAccessed: number;
  /** In the low lane of leaves: the bit that tells dirty from clean. */
  declare readonly dirty: number;
  /** The values of these bits in a leaf that is accessed and dirty. */
  declare readonly marked: number;
  /** Those of them that an access needs. */
  declare readonly loadMarks: number;
  declare readonly storeMarks: number;

  constructor(format: PteFormat, updates: Updates) {
    this.hardware = hardwareOf(format);
    this.updates = updates;
    assert(updates.accessed || !updates.dirty, 'dirty bits are set by hardware with accessed bits');
    assert(
      (updates.accessed && updates.dirty) || this.hardware.mayLeaveUpdates,
      'the architecture leaves accessed and dirty bits to software',
    );
    const { indexBits, levels } = format;
    const starts = indexBits.map((_, level) => Math.log2(format.entryPages[level]!));
    const upper = starts.findIndex((start, level) => start + indexBits[level]! > HALF_BITS);
    this.splitLevel = upper < 0 ? levels : upper;
    const split = upper < 0 ? HALF_BITS : starts[upper]!;
    this.splitScale = 2 ** -split;
    this.index = Int32Array.from(starts, (start, level) => {
      const shift = start < split ? start : start - split;
      return shift | ((2 ** indexBits[level]! - 1) << SHIFT_BITS);
    });
    const masks = Array.from(this.index, (at) => at >>> SHIFT_BITS);
    [this.mask0, this.mask1, this.mask2, this.mask3] = [
      masks[0]!,
      masks[1]!,
      masks[2]!,
      masks[3] ?? 0,
    ];
    [this.shift1, this.shift2] = [starts[1]!, starts[2]!];

    const clean = format.leafLow(FIRST, R | W | USER | ACCESSED, 0);
    const dirty = format.leafLow(FIRST, R | W | USER | ACCESSED | DIRTY, 0);
    this.accessed = clean ^ format.leafLow(FIRST, R | W | USER, 0);
    this.dirty = clean ^ dirty;
    this.loadMarks = this.accessed;
    this.storeMarks = this.accessed | this.dirty;
    this.marked = dirty & this.storeMarks;
    const tablesAreMarked = format.fields(1, 'table').accessed !== undefined;
    this.tableAccessed = tablesAreMarked ? this.accessed : 0;

    const top = openTest(format, levels - 1);
    const others = indexBits.map((_, level) => level > 0 && isSame(openTest(format, level), top));
    this.settledFrom = others.lastIndexOf(false) + 1;
    this.settledMaskLow = top.maskLow | this.tableAccessed;
    this.settledLow = top.low | this.tableAccessed;
    this.settledMaskHigh = top.maskHigh;
    this.settledHigh = top.high;
    const table = learnTarget((low, high) => format.table(low, high, levels - 1));
    this.tableMaskLow = table.maskLow;
    this.tableShift = table.shift;
    this.tableMaskHigh = table.maskHigh;

    const leaf = leafTest(format);
    this.leafMaskLow = leaf.maskLow;
    this.leafLow = leaf.low;
    this.leafMaskHigh = leaf.maskHigh;
    this.leafHigh = leaf.high;
    const frame = learnTarget((low, high) => format.frame(low, high, 0));
    this.frameMaskLow = frame.maskLow;
    this.frameShift = frame.shift;
    this.frameMaskHigh = frame.maskHigh;
    this.frameHighShift = 32 - frame.shift;
    this.frameTooHigh = frame.maskHigh & -(2 ** (frame.shift - 1));
    this.denyingGrants = format.denyingGrants;
    const decode = grantsDecoder(format, updates);
    const bits = learnGrantBits(decode);
    this.grantsLowShift = lowestBit(bits.low);
    this.grantsLowMask = bits.low >>> this.grantsLowShift;
    this.grantsLowBits = 32 - Math.clz32(this.grantsLowMask);
    this.grantsHighShift = lowestBit(bits.high);
    this.grantsHighMask = bits.high >>> this.grantsHighShift;
    this.grants = this.#grantTable(decode);
  }

  #grantTable(decode: (low: number, high: number) => number): Uint8Array {
    const bits = this.grantsLowBits + 32 - Math.clz32(this.grantsHighMask);
    return Uint8Array.from({ length: 2 ** bits }, (_, index) =>
      decode(
        ((index & this.grantsLowMask) << this.grantsLowShift) >>> 0,
        ((index >>> this.grantsLowBits) << this.grantsHighShift) >>> 0,
      ),
    );
  }
}

const lowestBit = (mask: number): number => (mask === 0 ? 0 : 31 - Math.clz32(mask & -mask));

const isSame = (one: EntryTest, other: EntryTest): boolean =>
  one.maskLow === other.maskLow &&
  one.low === other.low &&
  one.maskHigh === other.maskHigh &&
  one.high === other.high;

function openTest(format: PteFormat, level: number): EntryTest {
  const nowhere = 0 as EntryIndex;
  const sample = { low: format.tableLow(nowhere, level), high: format.tableHigh(nowhere, level) };
  return learnTest(sample, (low, high) => format.isOpenTable(low, high, level));
}

function leafTest(format: PteFormat): EntryTest {
  const sample = { low: format.leafLow(FIRST, PROBE, 0), high: format.leafHigh(FIRST, PROBE, 0) };
  return learnTest(sample, (low, high) => format.isLeaf(low, high, 0));
}

/** What a leaf grants; without hardware updates of dirty bits, DBM of arm64 means nothing. */
function grantsDecoder(format: PteFormat, updates: Updates) {
  const modifier = updates.dirty ? undefined : format.fields(0, 'leaf').dirtyBitModifier;
  const meaning = modifier === undefined ? ALL_ONES : ALL_ONES ^ (1 << (modifier[0] - 32));
  return (low: number, high: number) => format.leafGrants(low, (high & meaning) >>> 0);
}
