/**
 * The hardware page-table walker.
 *
 * As `arch/walk.ts` it descends from a root to a leaf; besides, it checks rights, sets accessed and
 * dirty bits as the architecture does, counts, and can start below the root, where a walk cache
 * sends it. One loop serves all formats: what differs is in `WalkRules`, which all have the same
 * shape, so that the loop stays as fast when formats take turns.
 *
 * One walk is one step: no other CPU writes to an entry between its being read and marked. Accessed
 * bits of tables are set on the way down, also if the walk then faults; those of a leaf, and its
 * dirty bit, only if the access is allowed.
 *
 * Allocates nothing. Places are numbers of entries from the start of the lanes: integers, while
 * addresses of a large machine are not, and doubles in the chain of loads double its time. The
 * rules are inherited and members `private`: V8 pays for an object between, and for each
 * `#private`.
 *
 * @source Intel SDM vol. 3A, 4.6 "Access Rights", 4.7 "Page-Fault Exceptions", 4.8 "Accessed and
 *         Dirty Flags"; Arm ARM DDI 0487, D8.4, D8.5; RISC-V privileged specification, "Virtual
 *         Address Translation Process"; Power ISA 3.0B, Book III, 5.7.10, 5.7.12, 5.7.13
 */
import type { EntryIndex, PteFormat, Vpn } from '../arch/index.ts';
import { ALL_GRANTS, effectiveGrants, type Grants, REFUSED } from '../arch/rights.ts';
import { assert } from '../base/assert.ts';
import { type Access, Fault, protectionFault, STORES } from './access.ts';
import { BY_HARDWARE, type Updates } from './hardware.ts';
import { SHIFT_BITS, WalkRules } from './walk_rules.ts';

/** Places in `Walker.counters`. */
export const WalkCount = {
  walks: 0,
  entriesRead: 1,
  accessedSet: 2,
  dirtySet: 3,
  faults: 4,
} as const;
const COUNTS = 5;
// Constants of this module are cheaper in the walk than fields of an exported object.
const {
  walks: WALKS,
  entriesRead: ENTRIES_READ,
  accessedSet: ACCESSED_SET,
  dirtySet: DIRTY_SET,
  faults: FAULTS,
} = WalkCount;

/** Most lanes of table memory: 8 GiB. Places then stay integers. */
const LANES_MAX = 2 ** 31;
const LANE_BITS = 32;
const NO_LEVEL = -1;
const NOWHERE = -1;
const STRAIGHT_LEVELS = 4;

/** The part of physical memory that tables lie in. */
export interface TableMemory {
  /** Two lanes for each entry, low then high. */
  readonly lanes: Uint32Array;
  /** Where the first of them is in physical memory. */
  readonly origin: EntryIndex;
}

export class Walker extends WalkRules {
  declare readonly format: PteFormat;
  /** See `WalkCount`. */
  readonly counters = new Float64Array(COUNTS);

  /**
   * What `walkFrom()` walks to. In an array, because a large number that is passed is allocated.
   */
  readonly page = new Float64Array(1);
  /**
   * Of the last walk, until the next: the place, level and lanes (signed) of the last entry read.
   */
  place = 0;
  level = 0;
  low = 0;
  high = 0;
  /** If it found a page: what its leaf and the tables above grant. */
  granted: Grants = 0;

  declare private readonly lanes: Uint32Array;
  /** The last place. */
  declare private readonly last: number;
  declare private readonly origin: number;
  /**
   * `origin` as the two lanes of an address hold it. Tables whose high lane is another, 4 GiB away
   * on most formats, are reached too, but not at full speed.
   */
  declare private readonly originLow: number;
  declare private readonly originHigh: number;

  /** The level of roots where `walkFrom()` has a way of its own, else none. */
  declare private readonly straightTop: number;
  /** What all tables on that way have set, and what none of them has. */
  declare private readonly straightSetLow: number;
  declare private readonly straightSetHigh: number;
  declare private readonly straightClearLow: number;
  declare private readonly straightClearHigh: number;

  /** @param updates who sets accessed and dirty bits; x86-64 and ppc64 leave no choice */
  constructor(format: PteFormat, memory: TableMemory, updates: Updates = BY_HARDWARE) {
    super(format, updates);
    assert(memory.lanes.length <= LANES_MAX, 'places of entries are 30-bit integers');
    this.format = format;
    this.lanes = memory.lanes;
    this.last = (memory.lanes.length >>> 1) - 1;
    this.origin = memory.origin;
    const unit = 2 ** (LANE_BITS - this.tableShift);
    this.originLow = (memory.origin % unit) | 0;
    this.originHigh = Math.floor(memory.origin / unit) | 0;
    const isStraight =
      format.levels === STRAIGHT_LEVELS && this.splitLevel === 3 && this.settledFrom <= 1;
    this.straightTop = isStraight ? STRAIGHT_LEVELS - 1 : NO_LEVEL;
    const maskHigh = this.settledMaskHigh | this.tableMaskHigh;
    const high = (this.settledHigh & ~this.tableMaskHigh) | this.originHigh;
    this.straightSetLow = this.settledMaskLow & this.settledLow;
    this.straightSetHigh = maskHigh & high;
    this.straightClearLow = this.settledMaskLow & ~this.settledLow;
    this.straightClearHigh = maskHigh & ~high;
  }

  /** The place of a root, which lies in memory. */
  placeOf(root: EntryIndex): number {
    const place = root - this.origin;
    const last = place + (this.index[this.format.levels - 1]! >>> SHIFT_BITS);
    assert(place >= 0 && last <= this.last, 'a root lies in the memory for tables');
    return place;
  }

  /** Translates `page`, canonical, from the root of its half: its frame, or a `Fault`. */
  walk(root: EntryIndex, page: Vpn, kind: Access): number {
    this.page[0] = page;
    return this.walkFrom(this.format.levels - 1, this.placeOf(root), ALL_GRANTS, kind);
  }

  /**
   * As `walk()` for the page in `page`, from a table that a walk cache remembers.
   *
   * An allowed access to a leaf that is marked, below `straight()`, ends here; all others are walked
   * again by `descend()`. Both are small enough for V8 to inline.
   *
   * @param top    the level of the table
   * @param table  its place
   * @param above  what the tables above it grant
   */
  walkFrom(top: number, table: number, above: Grants, kind: Access): number {
    const place = top === this.straightTop ? this.straight(table) : NOWHERE;
    if (place < 0) return this.descend(top, table, above, kind);
    const low = this.lanes[place << 1]! | 0;
    const high = this.lanes[(place << 1) | 1]! | 0;
    const granted = effectiveGrants(above & this.grantsOf(low, high), this.denyingGrants);
    const marks = (kind & STORES) === 0 ? this.loadMarks : this.storeMarks;
    const unusual =
      ((low ^ this.leafLow) & this.leafMaskLow) |
      ((high ^ this.leafHigh) & this.leafMaskHigh) |
      ((low ^ this.marked) & marks) |
      (high & this.frameTooHigh);
    if (unusual !== 0 || (granted & kind) === 0) return this.descend(top, table, above, kind);
    this.place = place;
    this.level = 0;
    this.low = low;
    this.high = high;
    this.granted = granted;
    this.counters[WALKS]!++;
    this.counters[ENTRIES_READ]! += STRAIGHT_LEVELS;
    const upper = (high & this.frameMaskHigh) << this.frameHighShift;
    return upper | ((low & this.frameMaskLow) >>> this.frameShift);
  }

  /**
   * The place of the leaf for the page in `page`, from a root of four levels, if all tables are
   * settled; else negative. It reads them before it looks at any, which keeps processors busy.
   */
  private straight(table: number): number {
    const { lanes, last, tableMaskLow, tableShift, originLow } = this;
    const page = this.page[0]!;
    const pageLow = page | 0;
    const third = (table + (((page * this.splitScale) | 0) & this.mask3)) | 0;
    const low3 = lanes[third << 1]!;
    const high3 = lanes[(third << 1) | 1]!;
    const tableOf3 = ((low3 & tableMaskLow) >>> tableShift) - originLow;
    const second = (tableOf3 + ((pageLow >>> this.shift2) & this.mask2)) | 0;
    if (second >>> 0 > last) return NOWHERE;
    const low2 = lanes[second << 1]!;
    const high2 = lanes[(second << 1) | 1]!;
    const tableOf2 = ((low2 & tableMaskLow) >>> tableShift) - originLow;
    const first = (tableOf2 + ((pageLow >>> this.shift1) & this.mask1)) | 0;
    if (first >>> 0 > last) return NOWHERE;
    const low1 = lanes[first << 1]!;
    const high1 = lanes[(first << 1) | 1]!;
    const tableOf1 = ((low1 & tableMaskLow) >>> tableShift) - originLow;
    const place = (tableOf1 + (pageLow & this.mask0)) | 0;
    if (place >>> 0 > last) return NOWHERE;
    const unusual =
      (~(low3 & low2 & low1) & this.straightSetLow) |
      ((low3 | low2 | low1) & this.straightClearLow) |
      (~(high3 & high2 & high1) & this.straightSetHigh) |
      ((high3 | high2 | high1) & this.straightClearHigh);
    return unusual === 0 ? place : NOWHERE;
  }

  /**
   * Any walk, an entry at a time. In one piece, so that V8 does not inline it: `straight()` is what
   * there is room for.
   */
  private descend(top: number, table: number, above: Grants, kind: Access): number {
    const { lanes, last, originLow, originHigh, counters } = this;
    const page = this.page[0]!;
    const { index, splitLevel, settledFrom } = this;
    const { settledMaskLow, settledLow, settledMaskHigh, settledHigh } = this;
    const { tableMaskLow, tableMaskHigh, tableShift } = this;
    const pageLow = page | 0;
    const pageHigh = (page * this.splitScale) | 0;
    let level = top;
    let next = table;
    let place = 0;
    let low = 0;
    let high = 0;
    for (;;) {
      const half = level < splitLevel ? pageLow : pageHigh;
      const indexAt = index[level]!;
      // A shift takes the lowest 5 bits only.
      place = (next + ((half >>> indexAt) & (indexAt >>> SHIFT_BITS))) | 0;
      // Outside of memory, on either side.
      if (((last - place) | place) < 0) {
        // Back to the entry that points there: `endAbove()` takes a closer look.
        level++;
        break;
      }
      low = lanes[place * 2]!;
      high = lanes[place * 2 + 1]!;
      if (level < settledFrom) break;
      if (
        (((low & settledMaskLow) ^ settledLow) | ((high & settledMaskHigh) ^ settledHigh)) !==
        0
      ) {
        break;
      }
      if ((high & tableMaskHigh) !== originHigh) break;
      next = (((low & tableMaskLow) >>> tableShift) - originLow) | 0;
      level--;
    }
    this.place = place;
    this.level = level;
    this.low = low | 0;
    this.high = high | 0;
    counters[WALKS]!++;
    counters[ENTRIES_READ]! += top - level + 1;
    if (level > 0) return this.endAbove(above, kind);
    const lowDiffers = (low & this.leafMaskLow) ^ this.leafLow;
    const own = this.grantsOf(low, high);
    if ((lowDiffers | ((high & this.leafMaskHigh) ^ this.leafHigh)) !== 0 || own === REFUSED) {
      return this.fault(this.notLeaf());
    }
    const granted = effectiveGrants(above & own, this.denyingGrants);
    const marks = (kind & STORES) === 0 ? this.loadMarks : this.storeMarks;
    if ((granted & kind) === 0 || ((low ^ this.marked) & marks) !== 0) {
      const fault = this.attend(granted, kind);
      if (fault !== 0) return this.fault(fault);
    }
    this.granted = granted;
    const { frameHighShift } = this;
    const upper = high & this.frameMaskHigh;
    const lower = (low & this.frameMaskLow) >>> this.frameShift;
    // An integer as long as it fits.
    if ((upper & this.frameTooHigh) === 0) return (upper << frameHighShift) | lower;
    return upper * 2 ** frameHighShift + lower;
  }

  private grantsOf(low: number, high: number): Grants {
    const lowPart = (low >>> this.grantsLowShift) & this.grantsLowMask;
    const highPart = (high >>> this.grantsHighShift) & this.grantsHighMask;
    return this.grants[lowPart | (highPart << this.grantsLowBits)]!;
  }

  /** The end of a walk above level 0; goes on if the entry points to a table all the same. */
  private endAbove(above: Grants, kind: Access): number {
    const { format, level } = this;
    const [low, high] = [this.low >>> 0, this.high >>> 0];
    if (format.isTable(low, high, level)) return this.goOn(above, kind);
    if (!format.isLeaf(low, high, level)) return this.fault(this.notLeaf());
    const granted = effectiveGrants(above & this.grantsOf(low, high), this.denyingGrants);
    const fault = this.attend(granted, kind);
    if (fault !== 0) return this.fault(fault);
    this.granted = granted;
    return format.frame(low, high, level) + (this.page[0]! % format.entryPages[level]!);
  }

  /** Takes the step through a table that takes rights away, or is to be marked, or lies far off. */
  private goOn(above: Grants, kind: Access): number {
    const { format, level, counters } = this;
    const { tableAccessed } = this;
    const [low, high] = [this.low >>> 0, this.high >>> 0];
    if ((low & tableAccessed) !== tableAccessed) {
      this.lanes[this.place * 2] = low | tableAccessed;
      counters[ACCESSED_SET]!++;
    }
    const table = format.table(low, high, level) - this.origin;
    const place = table + format.index(this.page[0]! as Vpn, level - 1);
    if (table < 0 || place > this.last) return this.fault(Fault.reserved);
    // It is the same walk.
    counters[WALKS]!--;
    return this.walkFrom(level - 1, table, above & format.tableGrants(low, high), kind);
  }

  /** The place of the table that `page` is reached through in a table of `level`, which has one. */
  tableBelow(table: number, level: number, page: Vpn): number {
    const place = table + this.format.index(page, level);
    const [low, high] = [this.lanes[place * 2]!, this.lanes[place * 2 + 1]!];
    assert(this.format.isTable(low, high, level), 'a walk has gone through this table');
    return this.format.table(low, high, level) - this.origin;
  }

  /** What that entry leaves of the rights. */
  grantsBelow(table: number, level: number, page: Vpn): Grants {
    const place = table + this.format.index(page, level);
    return this.format.tableGrants(this.lanes[place * 2]!, this.lanes[place * 2 + 1]!);
  }

  private notLeaf(): Fault {
    return this.format.present(this.low >>> 0, this.high >>> 0) ? Fault.reserved : Fault.notPresent;
  }

  private fault(fault: Fault): Fault {
    this.counters[FAULTS]!++;
    return fault;
  }

  /** Refuses an access to a leaf, or marks the leaf accessed and dirty: a `Fault`, or 0. */
  private attend(granted: Grants, kind: Access): Fault | 0 {
    const { updates, hardware, accessed, dirty, marked } = this;
    const { low, counters } = this;
    const isOld = (low & accessed) === 0;
    const isCleanStore = (kind & STORES) !== 0 && ((low ^ marked) & dirty) !== 0;
    const isRefused = (granted & kind) === 0;
    if (isOld && !updates.accessed && (hardware.accessFlagFirst || !isRefused)) {
      return Fault.accessFlag;
    }
    if (isRefused) return protectionFault(granted, kind);
    if (isCleanStore && !updates.dirty) return Fault.dirtyFlag;
    if (!isOld && !isCleanStore) return 0;
    if (isOld) counters[ACCESSED_SET]!++;
    if (isCleanStore) counters[DIRTY_SET]!++;
    const mask = accessed | (isCleanStore ? dirty : 0);
    this.low = (low & ~mask) | (marked & mask);
    this.lanes[this.place * 2] = this.low;
    return 0;
  }

  /** Whether the leaf that was found is dirty; this and the next two after a walk to a page. */
  isDirty(): boolean {
    return ((this.low ^ this.marked) & this.dirty) === 0;
  }

  /** Whether the translation holds in every address space. */
  isGlobal(): boolean {
    const page = this.page[0]! as Vpn;
    if (this.hardware.upperIsGlobal && this.format.isUpper(page)) return true;
    return this.format.global(this.low >>> 0, this.high >>> 0);
  }

  /** Base pages that the leaf maps, or the contiguous run that it is one of. */
  pages(): number {
    const { format, level } = this;
    const isRun = format.contiguous(this.low >>> 0, this.high >>> 0);
    return format.entryPages[level]! * (isRun ? format.contiguousEntries(level) : 1);
  }
}
