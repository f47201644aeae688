/**
 * The MMU of one CPU: registers, TLB, walk caches, walker.
 *
 * An access is answered by the TLB, else by a walk, which starts at the lowest table that a walk
 * cache remembers. What the caches hold stays until it is replaced or invalidated, whatever happens
 * to the tables: that is the point. Walk caches hold tables and what they leave of the rights; they
 * belong to an address space and are dropped with it, or by an invalidation that is not
 * `LEAF_ONLY`.
 *
 * The CPU of another mm is another `Mmu` over the same memory. Sending invalidations to it, and
 * knowing when one is needed, is the kernel's business.
 *
 * @source Intel SDM vol. 3A, 4.10 "Caching Translation Information"; Arm ARM DDI 0487, D8.16 "TLB
 *         maintenance"; RISC-V privileged specification, SFENCE.VMA; Power ISA 3.0B, Book III, 5.10
 * @omits  speculative walks and prefetching; SMEP, SMAP, PAN, SUM and MXR; memory types; protection
 *         keys; translations cached although they fault; apart TLBs for instructions
 */
import type { EntryIndex, PteFormat, Vpn } from '../arch/index.ts';
import { ALL_GRANTS, type Grants } from '../arch/rights.ts';
import { assert } from '../base/assert.ts';
import { Access, Fault, protectionFault } from './access.ts';
import { AssociativeCache, GLOBAL_SPACE, SPACE_STRIDE } from './associative_cache.ts';
import { BY_HARDWARE, pageSizes, type Updates } from './hardware.ts';
import type { MmuShape } from './shape.ts';
import { Tlb } from './tlb.ts';
import { type TableMemory, Walker } from './walker.ts';

/** For invalidations: all address spaces. */
export const EVERY_ASID = -1;
/** Flags of an invalidation: also global entries; not the walk caches. */
export const GLOBAL_TOO = 1;
export const LEAF_ONLY = 2;

/** Places in `Mmu.counters`; `accesses - misses` are hits, of the first array if not `slow`. */
export const MmuCount = {
  slowAccesses: 0,
  slowHits: 1,
  misses: 2,
  faults: 3,
  walkCacheHits: 4,
  accesses: 5,
} as const;
const COUNTS = 6;
const {
  slowAccesses: SLOW_ACCESSES,
  slowHits: SLOW_HITS,
  misses: MISSES,
  faults: FAULTS,
  walkCacheHits: WALK_CACHE_HITS,
  accesses: ACCESSES,
} = MmuCount;

const { load: LOAD, store: STORE } = Access;

/** Places in the registers. */
const SPACE = 0;
const ROOT = 1;
const UPPER_ROOT = 2;
const NO_ROOT = -1;
/** Shift that leaves nothing of a word: entries of walk caches are no pieces of others. */
const WHOLE = 31;
/** Places for guesses, a power of two. */
const GUESSES = 256;

export class Mmu {
  declare readonly format: PteFormat;
  declare readonly walker: Walker;
  declare readonly tlb: Tlb;
  /** See `MmuCount`. */
  readonly counters = new Float64Array(COUNTS);

  /** Address space times `SPACE_STRIDE`, places of the roots of both halves. */
  private readonly registers = new Int32Array(3);
  /** By level of the entry that they remember; level 0 has none. */
  declare private readonly walkCaches: readonly (AssociativeCache | undefined)[];
  /** The array that is searched first, for pages of its smallest size. */
  declare private readonly first: AssociativeCache;
  declare private readonly firstScale: number;
  declare private readonly firstSize: number;
  /** Its arrays. */
  declare private readonly tags: Float64Array;
  declare private readonly spaces: Int32Array;
  declare private readonly words: Int32Array;
  declare private readonly distances: Float64Array;
  declare private readonly recent: Int32Array;
  /** By the last bits of a page, or of its index: the entry of the array that had such a page last. */
  private readonly guesses = new Int32Array(GUESSES);

  constructor(
    format: PteFormat,
    memory: TableMemory,
    shape: MmuShape,
    updates: Updates = BY_HARDWARE,
  ) {
    this.format = format;
    this.walker = new Walker(format, memory, updates);
    this.tlb = new Tlb(shape.tlb, pageSizes(format));
    const spans = Array.from(format.entryPages);
    this.walkCaches = spans.map((pages, level) => {
      const own = level === 0 ? undefined : shape.walkCaches[level - 1];
      return own && new AssociativeCache(own, [pages]);
    });
    const { cache, pages, size } = this.tlb.first();
    this.first = cache;
    this.firstScale = 1 / pages;
    this.firstSize = size;
    this.tags = cache.tags;
    this.spaces = cache.spaces;
    this.words = cache.words;
    this.distances = cache.values;
    this.recent = cache.recent;
  }

  /** All state, in arrays to be saved and restored. */
  parts(): (Float64Array | Int32Array)[] {
    const caches = this.walkCaches.flatMap((cache) => cache?.parts() ?? []);
    return [this.registers, this.counters, this.walker.counters, ...this.tlb.parts(), ...caches];
  }

  /**
   * Goes on in another address space, and invalidates nothing.
   *
   * @param root      of the lower half, and of the upper if halves have no roots of their own
   * @param upperRoot of the upper half; where it is not given, the upper half is out of reach
   */
  switchTo(asid: number, root: EntryIndex, upperRoot?: EntryIndex): void {
    const { format, walker, registers } = this;
    registers[SPACE] = this.spaceOf(asid);
    registers[ROOT] = walker.placeOf(root);
    const upper = format.upperHasOwnRoot ? upperRoot : root;
    registers[UPPER_ROOT] = upper === undefined ? NO_ROOT : walker.placeOf(upper);
  }

  private spaceOf(asid: number): number {
    assert(asid >= 0 && asid < this.walker.hardware.asids, 'an address space has a tag');
    return asid * SPACE_STRIDE;
  }

  /** The frame that an access to `page` reaches, or a `Fault`. */
  access(page: Vpn, kind: Access): number {
    this.counters[ACCESSES]!++;
    const at = this.guesses[page & (GUESSES - 1)]!;
    const space = this.spaces[at]!;
    if (
      this.tags[at] === page &&
      (space === this.registers[SPACE]! || space === GLOBAL_SPACE) &&
      (this.words[at]! & kind) !== 0 &&
      this.recent[at] === 1
    ) {
      return page + this.distances[at]!;
    }
    this.walker.page[0] = page;
    return this.accessFirst(kind, page & (GUESSES - 1));
  }

  /**
   * As `access()`, for records one after the other: each is the index of a page among `pages`, times
   * two, plus one for a store.
   *
   * @returns the place of the first record that faults, or `end`
   */
  accessAll(pages: Float64Array, records: Uint32Array, start: number, end: number): number {
    const { guesses, tags, spaces, words, recent } = this;
    const space = this.registers[SPACE]!;
    let at = start;
    for (; at < end; at++) {
      const record = records[at]!;
      const index = record >>> 1;
      const page = pages[index]!;
      const kind = (record & 1) === 0 ? LOAD : STORE;
      // Any place will do for a guess, and this one is at hand.
      const hint = index & (GUESSES - 1);
      const guess = guesses[hint]!;
      if (
        tags[guess] === page &&
        (spaces[guess] === space || spaces[guess] === GLOBAL_SPACE) &&
        (words[guess]! & kind) !== 0 &&
        recent[guess] === 1
      ) {
        continue;
      }
      this.walker.page[0] = page;
      if (this.accessFirst(kind, hint) < 0) break;
    }
    this.counters[ACCESSES]! += at - start + (at < end ? 1 : 0);
    return at;
  }

  /**
   * Of the page in `walker.page`, through the whole array that is searched first.
   *
   * @param hint where to guess the next time
   */
  private accessFirst(kind: Access, hint: number): number {
    const { first, firstSize, walker } = this;
    const page = walker.page[0]!;
    const tag = Math.floor(page * this.firstScale);
    const at = first.find(tag, this.registers[SPACE]! + firstSize, GLOBAL_SPACE + firstSize);
    if (at >= 0 && (first.words[at]! & kind) !== 0) {
      first.touch(at);
      this.guesses[hint] = at;
      return page + first.values[at]!;
    }
    return this.accessSlowly(kind);
  }

  /** Of the page in `walker.page`. */
  private accessSlowly(kind: Access): number {
    const { tlb, counters, walker } = this;
    const page = walker.page[0]! as Vpn;
    counters[SLOW_ACCESSES]!++;
    const distance = tlb.find(page, this.registers[SPACE]!);
    if (!Number.isNaN(distance)) {
      counters[SLOW_HITS]!++;
      if ((tlb.atOnce & kind) !== 0) return page + distance;
      if ((tlb.granted & kind) === 0) return this.fault(page, protectionFault(tlb.granted, kind));
      // A store to a clean page: the walk marks it, if it is still there.
      return this.walk(page, kind, true);
    }
    counters[MISSES]!++;
    return this.walk(page, kind, false);
  }

  /** @param isKnown whether the TLB holds a translation */
  private walk(page: Vpn, kind: Access, isKnown: boolean): number {
    const { format, walker, registers, walkCaches } = this;
    if (!format.isCanonical(page)) return this.fault(page, Fault.notCanonical);
    const space = registers[SPACE]!;
    let table = registers[format.isUpper(page) ? UPPER_ROOT : ROOT]!;
    if (table === NO_ROOT) return this.fault(page, Fault.notCanonical);
    let top = format.levels - 1;
    let above = ALL_GRANTS;
    for (let level = 1; level < format.levels; level++) {
      const cache = walkCaches[level];
      const at = cache?.find(tagAt(format, page, level), space, space) ?? -1;
      if (cache === undefined || at < 0) continue;
      cache.touch(at);
      this.counters[WALK_CACHE_HITS]!++;
      table = cache.values[at]!;
      above = cache.words[at]!;
      top = level - 1;
      break;
    }
    const frame = walker.walkFrom(top, table, above, kind);
    // Refer to what the walk has read: it was one step.
    if (walker.level < top) this.rememberTables(top, table, above, page, walker.level);
    if (frame < 0) return this.fault(page, frame as Fault);
    const owner = walker.isGlobal() ? GLOBAL_SPACE : space;
    this.tlb.fill(
      page,
      owner,
      space,
      frame - page,
      walker.granted,
      walker.isDirty(),
      walker.pages(),
      isKnown,
    );
    return frame;
  }

  /** Fills the walk caches with the tables that the last walk has read from, above level `end`. */
  private rememberTables(top: number, table: number, above: Grants, page: Vpn, end: number): void {
    const { format, walker, walkCaches, registers } = this;
    let from = table;
    let granted = above;
    for (let level = top; level > end; level--) {
      granted &= walker.grantsBelow(from, level, page);
      from = walker.tableBelow(from, level, page);
      const cache = walkCaches[level];
      if (cache === undefined) continue;
      const tag = tagAt(format, page, level);
      cache.put(-1, tag, registers[SPACE]!, from, granted);
    }
  }

  private fault(page: Vpn, fault: Fault): Fault {
    this.counters[FAULTS]!++;
    if (this.walker.hardware.faultInvalidates) {
      this.invalidatePage(page, this.registers[SPACE]! / SPACE_STRIDE, GLOBAL_TOO);
    }
    return fault;
  }

  /**
   * Drops what is cached of `page`: its translation, and unless `LEAF_ONLY` the tables on its path.
   *
   * @param asid  of an address space, or `EVERY_ASID`
   * @param flags any of `GLOBAL_TOO | LEAF_ONLY`
   */
  invalidatePage(page: Vpn, asid: number, flags = 0): void {
    const { tlb, walkCaches, format } = this;
    const [first, last] = this.spacesOf(asid);
    tlb.dropPage(page, first, last);
    if ((flags & GLOBAL_TOO) !== 0) tlb.dropPage(page, GLOBAL_SPACE, GLOBAL_SPACE);
    if ((flags & LEAF_ONLY) !== 0) return;
    for (let level = 1; level < format.levels; level++) {
      walkCaches[level]?.dropTag(tagAt(format, page, level), first, last);
    }
  }

  /** As `invalidatePage()`, for the pages `[start, end)`. */
  invalidateRange(start: number, end: number, asid: number, flags = 0): void {
    const [first, last] = this.spacesOf(asid);
    this.tlb.dropRange(start, end, first, last);
    if ((flags & GLOBAL_TOO) !== 0) this.tlb.dropRange(start, end, GLOBAL_SPACE, GLOBAL_SPACE);
    if ((flags & LEAF_ONLY) !== 0) return;
    for (const cache of this.walkCaches) cache?.dropRange(start, end, first, last, WHOLE);
  }

  /** As `invalidatePage()`, for all pages. */
  invalidateSpace(asid: number, flags = 0): void {
    const [first, last] = this.spacesOf(asid);
    this.tlb.dropSpaces(first, last);
    if ((flags & GLOBAL_TOO) !== 0) this.tlb.dropSpaces(GLOBAL_SPACE, GLOBAL_SPACE);
    if ((flags & LEAF_ONLY) === 0) this.invalidateWalkCaches(asid);
  }

  invalidateWalkCaches(asid: number): void {
    const [first, last] = this.spacesOf(asid);
    for (const cache of this.walkCaches) cache?.dropSpaces(first, last);
  }

  private spacesOf(asid: number): readonly [first: number, last: number] {
    if (asid === EVERY_ASID) return [0, GLOBAL_SPACE - SPACE_STRIDE];
    const space = this.spaceOf(asid);
    return [space, space];
  }
}

/** The tag of an entry of `level` on the path of a page. */
const tagAt = (format: PteFormat, page: Vpn, level: number): number =>
  Math.floor(page / format.entryPages[level]!);
