/**
 * A set-associative cache of translations: one array of a TLB, or one level of walk caches.
 *
 * An entry is found by a tag, the number of its page in pages of its size, and by its *space*: 16
 * times the address space that it belongs to, plus the index of its size. The replaced entry is the
 * first invalid one of the set, else the first that was not used since all others were (bit-PLRU).
 *
 * @source bit-PLRU: A. Malamy et al., US patent 5353425 (1994); any number of ways, where a tree
 *         needs a power of two
 */
import { assert } from '../base/assert.ts';

/** Any counts from 1; entries are sets times ways. */
export interface CacheShape {
  readonly sets: number;
  readonly ways: number;
}

export const SPACE_STRIDE = 16;
/** The address space of global entries: above all others. */
export const GLOBAL_SPACE = 2 ** 24 * SPACE_STRIDE;
const INVALID = -1;
const MISSING = -1;

export class AssociativeCache {
  /** Two payloads for each entry. */
  declare readonly values: Float64Array;
  declare readonly words: Int32Array;
  declare readonly tags: Float64Array;
  declare readonly spaces: Int32Array;
  /** 1 if an entry was used since all of its set were; how many of a set were. */
  declare readonly recent: Int32Array;

  declare private readonly sets: number;
  declare private readonly ways: number;
  declare private readonly setMask: number;
  /** Base pages of an entry, by index of size. */
  declare private readonly spans: readonly number[];
  declare private readonly recentCount: Int32Array;

  constructor({ sets, ways }: CacheShape, spans: readonly number[]) {
    assert(Number.isInteger(sets) && sets >= 1, 'a cache has at least one set');
    assert(Number.isInteger(ways) && ways >= 1, 'a cache has at least one way');
    assert(spans.length <= SPACE_STRIDE, 'the index of a size fits a space');
    this.sets = sets;
    this.ways = ways;
    this.setMask = (sets & (sets - 1)) === 0 ? sets - 1 : MISSING;
    this.spans = spans;
    this.tags = new Float64Array(sets * ways);
    this.spaces = new Int32Array(sets * ways).fill(INVALID);
    this.values = new Float64Array(sets * ways);
    this.words = new Int32Array(sets * ways);
    this.recent = new Int32Array(sets * ways);
    this.recentCount = new Int32Array(sets);
  }

  /** Everything that changes, to be saved and restored. */
  parts(): (Float64Array | Int32Array)[] {
    return [this.tags, this.spaces, this.values, this.words, this.recent, this.recentCount];
  }

  private setOf(tag: number): number {
    return this.setMask >= 0 ? tag & this.setMask : tag % this.sets;
  }

  /** The entry with `tag` in `space`, or in the space `other`; negative if there is none. */
  find(tag: number, space: number, other: number): number {
    const { tags, spaces, ways } = this;
    const first = this.setOf(tag) * ways;
    for (let at = first; at < first + ways; at++) {
      if (tags[at] !== tag) continue;
      const found = spaces[at];
      if (found === space || found === other) return at;
    }
    return MISSING;
  }

  /** Notes that an entry was used. */
  touch(at: number): void {
    if (this.recent[at] === 0) this.touchFirst(at);
  }

  private touchFirst(at: number): void {
    const { recent, recentCount, ways } = this;
    const set = Math.floor(at / ways);
    if (recentCount[set] === ways - 1) {
      recent.fill(0, set * ways, (set + 1) * ways);
      recentCount[set] = 0;
    }
    recent[at] = 1;
    recentCount[set]!++;
  }

  /** Stores an entry in place of `old`, which `find()` has given; if negative, of the victim. */
  put(old: number, tag: number, space: number, value: number, word: number): void {
    const at = old >= 0 ? old : this.victimOf(this.setOf(tag) * this.ways);
    if (old < 0) this.drop(at);
    this.tags[at] = tag;
    this.spaces[at] = space;
    this.values[at] = value;
    this.words[at] = word;
    this.touch(at);
  }

  private victimOf(first: number): number {
    const { spaces, recent, ways } = this;
    let victim = MISSING;
    for (let at = first; at < first + ways; at++) {
      if (spaces[at] === INVALID) return at;
      if (victim === MISSING && recent[at] === 0) victim = at;
    }
    return victim === MISSING ? first : victim;
  }

  /** Drops entries of one tag whose space is in `[from, to]` and has the size of `from`. */
  dropTag(tag: number, from: number, to: number): void {
    const { tags, spaces, ways } = this;
    const first = this.setOf(tag) * ways;
    for (let at = first; at < first + ways; at++) {
      const space = spaces[at]!;
      if (tags[at] !== tag || space < from || space > to) continue;
      if (((space ^ from) & (SPACE_STRIDE - 1)) === 0) this.drop(at);
    }
  }

  /** Drops every entry whose space is in `[from, to]`. */
  dropSpaces(from: number, to: number): void {
    for (let at = 0; at < this.spaces.length; at++) {
      if (this.spaces[at]! >= from && this.spaces[at]! <= to) this.drop(at);
    }
  }

  /**
   * As `dropSpaces()`, of entries that overlap the base pages `[start, end)`.
   *
   * @param spanShift where the words of entries hold the index of the size that they were mapped
   *                  with: a piece of a larger page goes with all of it
   */
  dropRange(start: number, end: number, from: number, to: number, spanShift: number): void {
    const { tags, spaces, spans, words } = this;
    for (let at = 0; at < spaces.length; at++) {
      const space = spaces[at]!;
      if (space < from || space > to) continue;
      const page = tags[at]! * spans[space & (SPACE_STRIDE - 1)]!;
      const span = spans[words[at]! >>> spanShift]!;
      const first = page - (page % span);
      if (first < end && first + span > start) this.drop(at);
    }
  }

  private drop(at: number): void {
    this.spaces[at] = INVALID;
    if (this.recent[at] === 0) return;
    this.recent[at] = 0;
    this.recentCount[Math.floor(at / this.ways)]!--;
  }

  spaceOf(at: number): number {
    return this.spaces[at]!;
  }

  /** How many entries are valid; of one size, if it is given. */
  count(size?: number): number {
    let count = 0;
    for (const space of this.spaces) {
      if (space === INVALID) continue;
      if (size === undefined || (space & (SPACE_STRIDE - 1)) === size) count++;
    }
    return count;
  }
}
