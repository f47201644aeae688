/**
 * With every invalidation that a change of the tables asks for, no access differs from a fresh
 * walk, whatever the TLB is like; with any one kind of them left out, some do.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { formatById } from '../arch/formats.ts';
import {
  ACCESSED,
  CONTIGUOUS,
  DIRTY,
  type EntryIndex,
  GLOBAL,
  type Pfn,
  type PteFormat,
  R,
  USER,
  type Vpn,
  W,
  X,
} from '../arch/index.ts';
import { Access } from './access.ts';
import type { CacheShape } from './associative_cache.ts';
import { pageSizes } from './hardware.ts';
import { EVERY_ASID, GLOBAL_TOO, LEAF_ONLY, Mmu } from './mmu.ts';
import type { TlbArray } from './shape.ts';
import { Walker } from './walker.ts';

const FORMATS = ['x86_64-4level', 'arm64-4k-39bit', 'riscv64-sv39', 'ppc64-radix-4k'];
const KINDS = Object.values(Access);
const SPACES = 2;
const TABLES = 24;
const STEPS = 250;

/** What may be left out: of a leaf, of walk caches, of global entries, of an address space. */
type Omission = 'leaf' | 'walk caches' | 'global' | 'space';
const OMISSIONS: readonly Omission[] = ['leaf', 'walk caches', 'global', 'space'];

class World {
  readonly format: PteFormat;
  readonly mmu: Mmu;
  readonly lanes: Uint32Array;
  readonly #tableEntries: number;
  readonly #omission: Omission | undefined;
  readonly #free: number[] = [];
  readonly #roots: number[];
  #space = 0;
  #state: number;

  constructor(format: PteFormat, seed: number, omission?: Omission) {
    this.format = format;
    this.#state = seed >>> 0;
    this.#omission = omission;
    this.#tableEntries = 2 ** Math.max(...format.indexBits);
    this.lanes = new Uint32Array(TABLES * this.#tableEntries * 2);
    for (let table = TABLES - 1; table >= 0; table--) this.#free.push(table);
    this.#roots = Array.from({ length: SPACES }, () => this.#free.pop()!);
    this.mmu = new Mmu(format, { lanes: this.lanes, origin: 0 as EntryIndex }, this.#shape());
    this.#linkKernel();
    this.#switchTo(0);
  }

  below(end: number): number {
    this.#state = (Math.imul(this.#state, 1664525) + 1013904223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * end);
  }

  #cache(): CacheShape {
    return { sets: 1 + this.below(5), ways: 1 + this.below(4) };
  }

  #shape() {
    const sizes = pageSizes(this.format);
    const arrays = (): TlbArray[] =>
      Array.from({ length: 1 + this.below(2) }, () => {
        const pages = sizes.filter((_, index) => index === 0 || this.below(2) === 0);
        return { ...this.#cache(), pages };
      });
    const tlb = Array.from({ length: 1 + this.below(3) }, arrays);
    const levels = Array.from({ length: this.format.levels - 1 });
    const walkCaches = levels.map(() => (this.below(4) === 0 ? undefined : this.#cache()));
    return { tlb, walkCaches };
  }

  /** Index 1 of every root is the kernel's: the same tables in all address spaces. */
  #linkKernel(): void {
    const root = this.format.levels - 1;
    const table = this.#free.pop()!;
    for (const space of this.#roots.keys())
      this.#link(this.#lane(this.#roots[space]!, 1), table, root);
  }

  #lane(table: number, index: number): number {
    return (table * this.#tableEntries + index) * 2;
  }

  #link(lane: number, table: number, level: number): void {
    const place = (table * this.#tableEntries) as EntryIndex;
    this.lanes[lane] = this.format.tableLow(place, level);
    this.lanes[lane + 1] = this.format.tableHigh(place, level);
  }

  #tableAt(lane: number, level: number): number | undefined {
    const [low, high] = [this.lanes[lane]!, this.lanes[lane + 1]!];
    if (!this.format.isTable(low, high, level)) return undefined;
    return this.format.table(low, high, level) / this.#tableEntries;
  }

  /** One of a few pages, near enough to one another to meet in sets and tables. */
  #page(): Vpn {
    const { format } = this;
    let page = this.below(20);
    for (let level = 1; level < format.levels; level++) {
      page += this.below(2) * format.entryPages[level]!;
    }
    return page as Vpn;
  }

  #isKernel(page: Vpn): boolean {
    return this.format.index(page, this.format.levels - 1) === 1;
  }

  /** The lane of the entry of `level` for a page, with the tables above it made if `make`. */
  #entry(page: Vpn, level: number, make: boolean): number | undefined {
    let table = this.#roots[this.#space]!;
    for (let at = this.format.levels - 1; at > level; at--) {
      const lane = this.#lane(table, this.format.index(page, at));
      let next = this.#tableAt(lane, at);
      if (next === undefined) {
        if (!make || this.format.present(this.lanes[lane]!, this.lanes[lane + 1]!))
          return undefined;
        next = this.#free.pop();
        if (next === undefined) return undefined;
        this.#link(lane, next, at);
      }
      table = next;
    }
    return this.#lane(table, this.format.index(page, level));
  }

  #flags(page: Vpn): number {
    const wanted = [R | W, R, R | X, R | W | X][this.below(4)]! | (this.below(8) === 0 ? 0 : USER);
    const marks = [0, ACCESSED, ACCESSED | DIRTY][this.below(3)]!;
    const global = this.#isKernel(page) ? GLOBAL : 0;
    const all = [wanted | marks | global, wanted | ACCESSED | global, wanted | ACCESSED];
    return all.find((flags) => this.format.expresses(flags)) ?? R | USER | ACCESSED;
  }

  #setLeaf(lane: number, level: number, frame: number, flags: number): void {
    this.lanes[lane] = this.format.leafLow(frame as Pfn, flags, level);
    this.lanes[lane + 1] = this.format.leafHigh(frame as Pfn, flags, level);
  }

  #isPresent(lane: number): boolean {
    return this.format.present(this.lanes[lane]!, this.lanes[lane + 1]!);
  }

  /** Maps a hole: no invalidation is needed. */
  #map(page: Vpn): void {
    const level = this.below(3) === 0 ? 1 : 0;
    const run = this.format.contiguousEntries(level);
    const lane = this.#entry(page, level, true);
    if (lane === undefined || this.#isPresent(lane)) return;
    const flags = this.#flags(page);
    const span = this.format.entryPages[level]!;
    const frame = this.below(64) * span * run;
    const index = this.format.index(page, level) % run;
    const first = lane - index * 2;
    const lanes = Array.from({ length: run }, (_, n) => first + n * 2);
    const isRun = run > 1 && this.below(2) === 0 && this.format.expresses(flags | CONTIGUOUS);
    if (!isRun) this.#setLeaf(lane, level, frame, flags);
    else if (!lanes.some((one) => this.#isPresent(one))) {
      for (const [n, one] of lanes.entries()) {
        this.#setLeaf(one, level, frame + n * span, flags | CONTIGUOUS);
      }
    }
  }

  /** Unmaps a page, or maps another frame with other rights. A run goes all at once. */
  #change(page: Vpn): void {
    for (const level of [0, 1]) {
      const lane = this.#entry(page, level, false);
      if (lane === undefined) continue;
      const [low, high] = [this.lanes[lane]!, this.lanes[lane + 1]!];
      if (!this.format.isLeaf(low, high, level)) continue;
      const span = this.format.entryPages[level]!;
      const run = this.format.contiguous(low, high) ? this.format.contiguousEntries(level) : 1;
      const first = lane - (this.format.index(page, level) % run) * 2;
      this.lanes.fill(0, first, first + run * 2);
      if (run === 1 && this.below(2) === 0) {
        this.#setLeaf(lane, level, this.below(64) * span, this.#flags(page));
      }
      this.#invalidateLeaves((page - (page % (span * run))) as Vpn, run, span);
      return;
    }
  }

  /** Invalidates each leaf that was changed, but for walk caches. */
  #invalidateLeaves(page: Vpn, count: number, span: number): void {
    if (this.#omission === 'leaf') return;
    const isKernel = this.#isKernel(page);
    const global = isKernel && this.#omission !== 'global' ? GLOBAL_TOO : 0;
    const asid = isKernel ? EVERY_ASID : this.#space;
    for (let n = 0; n < count; n++) {
      this.mmu.invalidatePage((page + n * span) as Vpn, asid, global | LEAF_ONLY);
    }
  }

  /** Frees a table with all below it. */
  #unlink(page: Vpn): void {
    const level = 1 + this.below(this.format.levels - 1);
    if (this.#isKernel(page) && level === this.format.levels - 1) return;
    const lane = this.#entry(page, level, false);
    const table = lane === undefined ? undefined : this.#tableAt(lane, level);
    if (lane === undefined || table === undefined) return;
    this.lanes.fill(0, lane, lane + 2);
    this.#freeTable(table, level - 1);
    const span = this.format.entryPages[level]!;
    const start = page - (page % span);
    const asid = this.#isKernel(page) ? EVERY_ASID : this.#space;
    const flags = this.#omission === 'walk caches' ? LEAF_ONLY : 0;
    this.mmu.invalidateRange(start, start + span, asid, flags | GLOBAL_TOO);
  }

  #freeTable(table: number, level: number): void {
    const first = this.#lane(table, 0);
    for (let index = 0; level > 0 && index < 4; index++) {
      const below = this.#tableAt(first + index * 2, level);
      if (below !== undefined) this.#freeTable(below, level - 1);
    }
    this.lanes.fill(0, first, first + this.#tableEntries * 2);
    this.#free.push(table);
  }

  /** Ends an address space, and begins another with the same tag. */
  #renew(): void {
    const root = this.format.levels - 1;
    const lane = this.#lane(this.#roots[this.#space]!, 0);
    const table = this.#tableAt(lane, root);
    if (table !== undefined) this.#freeTable(table, root - 1);
    this.lanes.fill(0, lane, lane + 2);
    if (this.#omission !== 'space') this.mmu.invalidateSpace(this.#space);
  }

  #switchTo(space: number): void {
    this.#space = space;
    const root = (this.#roots[space]! * this.#tableEntries) as EntryIndex;
    this.mmu.switchTo(space, root, root);
  }

  /** Whether an access gives what a walk of a copy of the tables gives. */
  #agrees(page: Vpn): boolean {
    const kind = KINDS[this.below(KINDS.length)]!;
    const copy = this.lanes.slice();
    const walker = new Walker(this.format, { lanes: copy, origin: 0 as EntryIndex });
    const root = (this.#roots[this.#space]! * this.#tableEntries) as EntryIndex;
    const expected = walker.walk(root, page, kind);
    const actual = this.mmu.access(page, kind);
    if (actual !== expected) return false;
    const isStore = kind === Access.store || kind === Access.privilegedStore;
    if (expected < 0 || !isStore) return true;
    const [low, high] = [this.lanes[walker.place * 2]!, this.lanes[walker.place * 2 + 1]!];
    // Of a run, any entry may be the one that is marked.
    return this.format.dirty(low, high) || this.format.contiguous(low, high);
  }

  /** Takes random steps; whether all accesses have agreed. */
  run(): boolean {
    for (let step = 0; step < STEPS; step++) {
      const page = this.#page();
      const choice = this.below(32);
      if (choice < 8) this.#map(page);
      else if (choice < 11) this.#change(page);
      else if (choice === 11) this.#unlink(page);
      else if (choice === 12) this.#switchTo(this.below(SPACES));
      else if (choice === 13 && this.below(4) === 0) this.#renew();
      else if (!this.#agrees(page)) return false;
    }
    return true;
  }
}

const formatOf = (id: string): PteFormat => formatById(id)!;

describe('an access gives what a fresh walk gives, if all that changed was invalidated', () => {
  for (const id of FORMATS) {
    test(id, () => {
      const property = fc.property(fc.integer(), (seed) => new World(formatOf(id), seed).run());
      fc.assert(property, { numRuns: 60 });
    });
  }
});

describe('an invalidation that is left out shows', () => {
  for (const omission of OMISSIONS) {
    test(omission, () => {
      const seeds = Array.from({ length: 60 }, (_, seed) => seed * 7919 + 1);
      const format = formatOf('x86_64-4level');
      const wrong = seeds.filter((seed) => !new World(format, seed, omission).run());
      assert.ok(wrong.length > 0, `no run of ${seeds.length} shows it`);
    });
  }
});
