/**
 * A TLB: levels of set-associative arrays, each for some page sizes.
 *
 * An entry holds a translation as the distance from page to frame, with the rights that it grants
 * at once. A page that is not marked dirty grants no store at once: the CPU walks again, and so
 * finds an entry that has gone meanwhile. A page that is larger than any that an array of a level
 * takes is held in pieces, which an invalidation of any part of the page drops all.
 *
 * @source Intel SDM vol. 3A, 4.10.2 "Translation Lookaside Buffers (TLBs)"
 */
import { ALL_GRANTS, type Grants } from '../arch/rights.ts';
import { assert } from '../base/assert.ts';
import { STORES } from './access.ts';
import { AssociativeCache, GLOBAL_SPACE, SPACE_STRIDE } from './associative_cache.ts';
import type { TlbArray } from './shape.ts';

/** The word of an entry: grants at once, all grants, index of the size of the page. */
const GRANTED_SHIFT = 6;
const SIZE_SHIFT = 12;
/** No array of the level takes pages that small. */
const NO_HOME = -1;
const NO_ENTRY = -1;

/** One array, searched for pages of one size. */
export interface Probe {
  readonly level: number;
  readonly cache: AssociativeCache;
  readonly size: number;
  readonly pages: number;
  /** Its inverse: both are powers of two. */
  readonly scale: number;
  /** Its place among all probes. */
  readonly index: number;
}

export class Tlb {
  /** Of the last `find()` that found: the level, what the page grants at once, and in all. */
  level = 0;
  atOnce: Grants = 0;
  granted: Grants = 0;
  /**
   * By level, and in it by index of the size that a translation is held for: how often `find()` has
   * found. By index of the size that is mapped: how often one was filled in, after a miss or because the
   * page became dirty.
   */
  declare readonly hits: Float64Array;
  declare readonly fills: Float64Array;
  /** Page sizes of the format, in base pages. */
  declare readonly sizes: readonly number[];

  /** All of them, in the order in which they are searched. */
  declare private readonly probes: readonly Probe[];
  /** Of each level, by index of size: the probe that a page of that size is filled into. */
  declare private readonly homes: readonly (readonly number[])[];
  declare private readonly caches: readonly AssociativeCache[];
  /** Of each probe: 1 if anything was ever filled into it, or there is nothing to search. */
  declare private readonly isInUse: Int32Array;
  /** Of each level: 1 if it may hold pieces of larger pages. */
  declare private readonly hasPieces: Int32Array;

  /** @param sizes page sizes of the format, in base pages, smallest first */
  constructor(levels: readonly (readonly TlbArray[])[], sizes: readonly number[]) {
    const probes: Probe[] = [];
    const caches: AssociativeCache[] = [];
    levels.forEach((arrays, level) => {
      for (const array of arrays) {
        const cache = new AssociativeCache(array, sizes);
        caches.push(cache);
        for (const pages of array.pages) {
          const size = sizes.indexOf(pages);
          assert(size >= 0, 'a TLB holds pages of sizes that the format has');
          const isNext = pages === array.pages[0] || probes.at(-1)!.pages < pages;
          assert(isNext, 'the sizes of an array are listed smallest first');
          const index = probes.length;
          probes.push({ level, cache, size, pages, scale: 1 / pages, index });
        }
      }
    });
    this.probes = probes;
    this.caches = caches;
    this.sizes = sizes;
    this.homes = levels.map((_, level) => sizes.map((_, size) => homeOf(probes, level, size)));
    this.isInUse = new Int32Array(probes.length);
    this.hasPieces = new Int32Array(levels.length);
    this.hits = new Float64Array(levels.length * sizes.length);
    this.fills = new Float64Array(sizes.length);
  }

  /** What is searched first. */
  first(): Probe {
    const probe = this.probes[0];
    assert(probe !== undefined, 'a TLB has an array');
    return probe;
  }

  parts(): (Float64Array | Int32Array)[] {
    const own = [this.isInUse, this.hasPieces, this.hits, this.fills];
    return [...this.caches.flatMap((cache) => cache.parts()), ...own];
  }

  /**
   * The distance from `page` to its frame, if the TLB holds a translation; else NaN. Faster levels
   * are refilled.
   *
   * @param space of the address space, with index of size 0
   */
  find(page: number, space: number): number {
    for (const { cache, level, size, scale, index } of this.probes) {
      if (this.isInUse[index] === 0) continue;
      const at = cache.find(Math.floor(page * scale), space + size, GLOBAL_SPACE + size);
      if (at < 0) continue;
      cache.touch(at);
      const word = cache.words[at]!;
      const distance = cache.values[at]!;
      this.hits[level * this.sizes.length + size]!++;
      this.level = level;
      this.atOnce = word & ALL_GRANTS;
      this.granted = (word >>> GRANTED_SHIFT) & ALL_GRANTS;
      const owner = cache.spaceOf(at) - size;
      for (let faster = 0; faster < level; faster++)
        this.put(faster, page, owner, space, distance, word, false);
      return distance;
    }
    return Number.NaN;
  }

  /**
   * Stores a translation at every level.
   *
   * @param owner    the space that it belongs to: `space`, which has asked for it, or the global
   * @param distance from `page` to its frame
   * @param pages    base pages that the leaf maps, or the run that it is one of
   * @param isKnown  whether a translation was there, which is replaced
   */
  fill(
    page: number,
    owner: number,
    space: number,
    distance: number,
    granted: Grants,
    isDirty: boolean,
    pages: number,
    isKnown: boolean,
  ): void {
    const atOnce = isDirty ? granted : granted & ~STORES;
    const mapped = this.sizes.indexOf(pages);
    this.fills[mapped]!++;
    const word = atOnce | (granted << GRANTED_SHIFT) | (mapped << SIZE_SHIFT);
    for (let level = 0; level < this.homes.length; level++) {
      this.put(level, page, owner, space, distance, word, isKnown);
    }
  }

  private put(
    level: number,
    page: number,
    owner: number,
    space: number,
    distance: number,
    word: number,
    isKnown: boolean,
  ): void {
    const mapped = word >>> SIZE_SHIFT;
    const home = this.homes[level]![mapped]!;
    if (home === NO_HOME) return;
    const { cache, size, scale } = this.probes[home]!;
    if (size < mapped) this.hasPieces[level] = 1;
    this.isInUse[home] = 1;
    const tag = Math.floor(page * scale);
    const old = isKnown ? cache.find(tag, space + size, GLOBAL_SPACE + size) : NO_ENTRY;
    cache.put(old, tag, owner + size, distance, word);
  }

  /** Drops the translations of `page` in the spaces from `first` to `last`. */
  dropPage(page: number, first: number, last: number): void {
    for (const { cache, level, size, pages } of this.probes) {
      if (this.hasPieces[level] === 1) continue;
      cache.dropTag(Math.floor(page / pages), first + size, last + size);
    }
    for (const { cache, level } of this.probes) {
      if (this.hasPieces[level] === 0) continue;
      cache.dropRange(page, page + 1, first, last + SPACE_STRIDE - 1, SIZE_SHIFT);
    }
  }

  dropRange(start: number, end: number, first: number, last: number): void {
    for (const cache of this.caches) {
      cache.dropRange(start, end, first, last + SPACE_STRIDE - 1, SIZE_SHIFT);
    }
  }

  dropSpaces(first: number, last: number): void {
    for (const cache of this.caches) cache.dropSpaces(first, last + SPACE_STRIDE - 1);
    if (this.count() === 0) this.hasPieces.fill(0);
  }

  /** How many base pages the translations of a level span. */
  reach(level: number): number {
    const own = this.probes.filter((probe) => probe.level === level);
    return own.reduce((sum, { cache, size, pages }) => sum + cache.count(size) * pages, 0);
  }

  /** How many translations it holds, at all levels. */
  count(): number {
    return this.caches.reduce((sum, cache) => sum + cache.count(), 0);
  }
}

/** The probe at `level` for the largest pages that are not larger than those of a size. */
function homeOf(probes: readonly Probe[], level: number, mapped: number): number {
  let home = NO_HOME;
  probes.forEach((probe, index) => {
    if (probe.level !== level || probe.size > mapped) return;
    if (home === NO_HOME || probe.size > probes[home]!.size) home = index;
  });
  return home;
}
