/** Recorded accesses: what the MMU counts is what a plain simulator counts, whatever its caches are. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type EntryIndex, entryIndex, formatById, pfn, type Vpn } from '../../src/arch/index.ts';
import { R, USER, W } from '../../src/arch/rights.ts';
import { sizesOf } from '../../src/cost/index.ts';
import { Mmu, MmuCount, type MmuShape, WalkCount } from '../../src/mmu/index.ts';
import { NaiveMmu, type NaivePage } from './naive_mmu.ts';

const RUNS = Number(process.env.PTSHARE_TRACES ?? 1000);
const format = formatById('x86_64-4level')!;
const SIZES = [1, 512, 512 * 512] as const;
const ENTRIES = 512;
const SPACES = 3;
const FLAGS = R | W | USER;

/** Pages of all sizes: in each of two GiB, some of 2 MiB and some of 4 KiB; and two of 1 GiB. */
const PLACES: readonly Omit<NaivePage, 'isDirty'>[] = [3, 700].flatMap((gib) => {
  const base = gib * SIZES[2];
  const huge = [1, 2, 3, 9, 17].map((at) => ({ start: base + at * SIZES[1], pages: SIZES[1] }));
  const small = [0, 30 * SIZES[1], 31 * SIZES[1]].flatMap((at) =>
    Array.from({ length: 12 }, (_, page) => ({ start: base + at + page * 3, pages: 1 })),
  );
  return [...huge, ...small, { start: base + SIZES[2], pages: SIZES[2] }];
});

/** Tables that map all places. */
function tables(): { readonly lanes: Uint32Array; readonly root: EntryIndex } {
  const lanes = new Uint32Array(64 * ENTRIES * 2);
  let free = 1;
  for (const [index, { start, pages }] of PLACES.entries()) {
    const leaf = SIZES.indexOf(pages as 1);
    let table = 0;
    for (let level = 3; level > leaf; level--) {
      const lane = (table + format.index(start as Vpn, level)) * 2;
      if (lanes[lane] === 0) {
        const own = entryIndex(free++ * ENTRIES);
        lanes[lane] = format.tableLow(own, level);
        lanes[lane + 1] = format.tableHigh(own, level);
      }
      table = format.table(lanes[lane]!, lanes[lane + 1]!, level);
    }
    const lane = (table + format.index(start as Vpn, leaf)) * 2;
    const frame = pfn((index + 1) * SIZES[2]);
    lanes[lane] = format.leafLow(frame, FLAGS, leaf);
    lanes[lane + 1] = format.leafHigh(frame, FLAGS, leaf);
  }
  return { lanes, root: 0 as EntryIndex };
}

const cache = fc.record({
  sets: fc.integer({ min: 1, max: 6 }),
  ways: fc.integer({ min: 1, max: 5 }),
});
const array = fc
  .tuple(cache, fc.uniqueArray(fc.constantFrom(...SIZES), { minLength: 1, maxLength: 3 }))
  .map(([own, pages]) => ({ ...own, pages: pages.toSorted((a, b) => a - b) }));
/** A size is held by one array of a level. */
const level = fc.uniqueArray(array, {
  minLength: 1,
  maxLength: 3,
  comparator: (a, b) => a.pages.some((size) => b.pages.includes(size)),
});
const shape: fc.Arbitrary<MmuShape> = fc.record({
  tlb: fc.array(level, { minLength: 1, maxLength: 3 }),
  walkCaches: fc.tuple(
    fc.option(cache, { nil: undefined }),
    fc.option(cache, { nil: undefined }),
    fc.option(cache, { nil: undefined }),
  ),
});
const access = fc.record({
  place: fc.nat(PLACES.length - 1),
  offset: fc.nat(SIZES[2] - 1),
  isStore: fc.boolean(),
});
/** A process runs for a while, near where it was: it may come back to a page at once. */
const turn = fc.record({
  space: fc.nat(SPACES - 1),
  accesses: fc.array(access, { minLength: 1, maxLength: 60 }),
  again: fc.nat(2),
});

test(`${RUNS} random traces and configurations: hits, misses and references are those of a plain simulator`, () => {
  let misses = 0;
  fc.assert(
    fc.property(shape, fc.array(turn, { minLength: 1, maxLength: 12 }), (mmuShape, turns) => {
      const { lanes, root } = tables();
      const mmu = new Mmu(format, { lanes, origin: root }, mmuShape);
      const naive = new NaiveMmu(mmuShape);
      const pages = PLACES.map((place): NaivePage => ({ ...place, isDirty: false }));
      for (const { space, accesses, again } of turns) {
        mmu.switchTo(space, root);
        for (let time = 0; time <= again; time++) {
          const numbers = accesses.map(({ place, offset }) => {
            const { start, pages: span } = pages[place]!;
            return start + (offset % span);
          });
          const records = accesses.map(({ isStore }, index) => index * 2 + (isStore ? 1 : 0));
          const end = mmu.accessAll(
            Float64Array.from(numbers),
            Uint32Array.from(records),
            0,
            records.length,
          );
          assert.equal(end, records.length);
          for (const [index, { place, isStore }] of accesses.entries()) {
            naive.access(space, numbers[index]!, pages[place]!, isStore);
          }
        }
      }
      misses += naive.misses;
      assert.deepEqual(countsOf(mmu), countsOfNaive(naive, mmuShape));
    }),
    { numRuns: RUNS },
  );
  assert.ok(misses > RUNS, 'caches were missed');
});

interface Counts {
  readonly misses: number;
  readonly walkReferences: number;
  readonly walkCacheHits: number;
  /** By size: hits by level, and translations filled in. */
  readonly sizes: readonly (readonly [readonly number[], number])[];
}

function countsOf(mmu: Mmu): Counts {
  return {
    misses: mmu.counters[MmuCount.misses]!,
    walkReferences: mmu.walker.counters[WalkCount.entriesRead]!,
    walkCacheHits: mmu.counters[MmuCount.walkCacheHits]!,
    sizes: sizesOf(mmu).map(({ hits, fills }) => [hits, fills] as const),
  };
}

function countsOfNaive(naive: NaiveMmu, { tlb }: MmuShape): Counts {
  const { misses, walkReferences, walkCacheHits } = naive;
  const sizes = SIZES.map((size) => {
    const hits = tlb.map((_, at) => naive.hits.get(`${at}:${size}`) ?? 0);
    return [hits, naive.fills.get(size) ?? 0] as const;
  });
  return { misses, walkReferences, walkCacheHits, sizes };
}
