/**
 * TLBs and walk caches as plainly as they can be written: lists of entries, searched one by one, over
 * pages that are a list as well. It knows no bits and no tables, and is slow.
 */
import type { MmuShape } from '../../src/mmu/index.ts';

/** A page of `pages` base pages from `start` on, as tables of four levels of 512 entries map it. */
export interface NaivePage {
  readonly start: number;
  readonly pages: number;
  isDirty: boolean;
}

interface Entry {
  isValid: boolean;
  /** Used since all others of the set were. */
  isRecent: boolean;
  space: number;
  /** The size that it stands for, and which page of that size. */
  size: number;
  number: number;
  /** The size of the page that it is a piece of. */
  mapped: number;
  isDirty: boolean;
}

/** Ways of one set, with bit-PLRU. */
class NaiveSet {
  readonly #ways: Entry[];

  constructor(ways: number) {
    const empty = { isValid: false, isRecent: false, space: 0, size: 0, number: 0 };
    this.#ways = Array.from({ length: ways }, () => ({ ...empty, mapped: 0, isDirty: false }));
  }

  find(space: number, size: number, number: number): Entry | undefined {
    return this.#ways.find(
      (way) => way.isValid && way.space === space && way.size === size && way.number === number,
    );
  }

  use(entry: Entry): void {
    if (entry.isRecent) return;
    const recent = this.#ways.filter(({ isRecent }) => isRecent).length;
    if (recent === this.#ways.length - 1) for (const way of this.#ways) way.isRecent = false;
    entry.isRecent = true;
  }

  insert(wanted: Omit<Entry, 'isValid' | 'isRecent'>): void {
    let entry = this.find(wanted.space, wanted.size, wanted.number);
    if (entry === undefined) {
      const [first] = this.#ways;
      entry =
        this.#ways.find(({ isValid }) => !isValid) ??
        this.#ways.find(({ isRecent }) => !isRecent) ??
        first!;
      entry.isRecent = false;
    }
    Object.assign(entry, wanted, { isValid: true });
    this.use(entry);
  }
}

class NaiveCache {
  readonly #sets: NaiveSet[];

  constructor(sets: number, ways: number) {
    this.#sets = Array.from({ length: sets }, () => new NaiveSet(ways));
  }

  setOf(number: number): NaiveSet {
    return this.#sets[number % this.#sets.length]!;
  }
}

interface NaiveArray {
  readonly cache: NaiveCache;
  readonly sizes: readonly number[];
}

const LEVEL_SPANS = [1, 512, 512 ** 2, 512 ** 3] as const;

export class NaiveMmu {
  readonly #levels: readonly (readonly NaiveArray[])[];
  /** By level of the entry that is remembered, from 1 on. */
  readonly #walkCaches: readonly (NaiveCache | undefined)[];
  /** By level of the TLB and size held, `0:512`; by size mapped. */
  readonly hits = new Map<string, number>();
  readonly fills = new Map<number, number>();
  misses = 0;
  walkReferences = 0;
  walkCacheHits = 0;

  constructor({ tlb, walkCaches }: MmuShape) {
    this.#levels = tlb.map((arrays) =>
      arrays.map(({ sets, ways, pages }) => ({ cache: new NaiveCache(sets, ways), sizes: pages })),
    );
    this.#walkCaches = walkCaches.map((shape) => shape && new NaiveCache(shape.sets, shape.ways));
  }

  access(space: number, number: number, page: NaivePage, isStore: boolean): void {
    const found = this.#find(space, number);
    if (found === undefined) this.misses++;
    if (found === undefined || (isStore && !found.isDirty)) {
      this.#walk(space, number, page, isStore);
    }
  }

  #find(space: number, number: number): Entry | undefined {
    for (const [level, arrays] of this.#levels.entries()) {
      for (const { cache, sizes } of arrays) {
        for (const size of sizes) {
          const at = Math.floor(number / size);
          const set = cache.setOf(at);
          const entry = set.find(space, size, at);
          if (entry === undefined) continue;
          set.use(entry);
          const key = `${level}:${size}`;
          this.hits.set(key, (this.hits.get(key) ?? 0) + 1);
          for (let faster = 0; faster < level; faster++) {
            this.#insert(faster, space, number, entry.mapped, entry.isDirty);
          }
          return entry;
        }
      }
    }
    return undefined;
  }

  /** Into the array of a level for the largest pages that are not larger than the page. */
  #insert(level: number, space: number, number: number, mapped: number, isDirty: boolean): void {
    let home: NaiveArray | undefined;
    let size = 0;
    for (const array of this.#levels[level]!) {
      for (const own of array.sizes) if (own <= mapped && own > size) [home, size] = [array, own];
    }
    const at = Math.floor(number / size);
    home?.cache.setOf(at).insert({ space, size, number: at, mapped, isDirty });
  }

  #walk(space: number, number: number, page: NaivePage, isStore: boolean): void {
    const leaf = LEVEL_SPANS.indexOf(page.pages as 1);
    let top = 3;
    for (let level = 1; level <= 3; level++) {
      const at = Math.floor(number / LEVEL_SPANS[level]!);
      const set = this.#walkCaches[level - 1]?.setOf(at);
      const entry = set?.find(space, 0, at);
      if (set === undefined || entry === undefined) continue;
      set.use(entry);
      this.walkCacheHits++;
      top = level - 1;
      break;
    }
    this.walkReferences += top - leaf + 1;
    if (isStore) page.isDirty = true;
    for (let level = top; level > leaf; level--) {
      const at = Math.floor(number / LEVEL_SPANS[level]!);
      const kept = { space, size: 0, number: at, mapped: 0, isDirty: false };
      this.#walkCaches[level - 1]?.setOf(at).insert(kept);
    }
    this.fills.set(page.pages, (this.fills.get(page.pages) ?? 0) + 1);
    for (const level of this.#levels.keys()) {
      this.#insert(level, space, number, page.pages, page.isDirty);
    }
  }
}
