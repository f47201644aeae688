/** What holds for every format. Each format runs all of it; a skip has a reason. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import type { Fields } from './fields.ts';
import { EntryState, type PteFormat } from './format.ts';
import { FORMATS, formatById } from './formats.ts';
import { GEOMETRIES } from './geometry.ts';
import {
  ACCESSED,
  ALL_GRANTS,
  ALL_LEAF_FLAGS,
  CONTIGUOUS,
  DIRTY,
  GLOBAL,
  R,
  USER,
  W,
  X,
} from './rights.ts';
import { type EntryIndex, entryIndex, type Pfn, pfn, type Vpn, vpn } from './units.ts';
import { WalkCursor, walk } from './walk.ts';

interface Skip {
  readonly tests: string;
  readonly formats: RegExp;
  readonly reason: string;
}

const GLOBAL_TEST = 'says that a page is global';
const CONTIGUOUS_TEST = 'marks a leaf as one of a contiguous run';
const GEOMETRY_TEST = 'has the shape of the geometry with its name';
const NO_READ_TEST = 'refuses a page that can only be written';

const SKIPS: readonly Skip[] = [
  { tests: GLOBAL_TEST, formats: /ppc64/, reason: 'radix entries have no global bit' },
  {
    tests: CONTIGUOUS_TEST,
    formats: /x86_64|riscv64|ppc64/,
    reason: 'no contiguous bit; Svnapot is left out',
  },
  {
    tests: GEOMETRY_TEST,
    formats: /ppc64/,
    reason: 'a geometry has one index width for all levels below the root',
  },
];

/** Physical address bits that a leaf can name. */
const ADDRESS_BITS: Readonly<Record<string, number>> = {
  x86_64: 52,
  arm64: 48,
  riscv64: 56,
  ppc64: 57,
};

const addressBits = (format: PteFormat): number => ADDRESS_BITS[format.id.split('-')[0]!]!;
/** An `EntryIndex` is a safe integer. */
const tableAddressBits = (format: PteFormat): number => Math.min(addressBits(format), 56);
const levelsOf = (format: PteFormat): number[] => format.indexBits.map((_, level) => level);
const leafLevels = (format: PteFormat): number[] =>
  levelsOf(format).filter((level) => format.mayHoldLeaf(level));
const flagsOf = (format: PteFormat): number[] =>
  Array.from({ length: ALL_LEAF_FLAGS + 1 }, (_, flags) => flags).filter((flags) =>
    format.expresses(flags),
  );

/** A leaf of a format: where it maps, what it says, and its level. */
const leaves = (format: PteFormat) =>
  fc.constantFrom(...leafLevels(format)).chain((level) => {
    const size = format.entryPages[level]!;
    const last = 2 ** (addressBits(format) - format.pageShift) / size - 1;
    return fc.record({
      level: fc.constant(level),
      frame: fc
        .oneof(
          fc.maxSafeNat().map((n) => n % (last + 1)),
          fc.constantFrom(0, 1, last),
        )
        .map((n) => pfn(n * size)),
      flags: fc.constantFrom(...flagsOf(format)),
    });
  });

/** A table of a format, aligned to its own size or to a page if that is less. */
const tables = (format: PteFormat) =>
  fc.constantFrom(...levelsOf(format).slice(1)).chain((level) => {
    const entries = Math.min(2 ** format.indexBits[level - 1]!, 2 ** (format.pageShift - 3));
    const last = 2 ** (tableAddressBits(format) - 3) / entries - 1;
    return fc.record({
      level: fc.constant(level),
      table: fc
        .oneof(
          fc.maxSafeNat().map((n) => n % (last + 1)),
          fc.constantFrom(0, 1, last),
        )
        .map((n) => entryIndex(n * entries)),
    });
  });

type Lanes = readonly [low: number, high: number];

const leafOf = (format: PteFormat, frame: Pfn, flags: number, level: number): Lanes => [
  format.leafLow(frame, flags, level),
  format.leafHigh(frame, flags, level),
];
const tableOf = (format: PteFormat, table: EntryIndex, level: number): Lanes => [
  format.tableLow(table, level),
  format.tableHigh(table, level),
];

const wide = ([low, high]: Lanes): bigint => (BigInt(high) << 32n) | BigInt(low);
const lanesOf = (entry: bigint): Lanes => [Number(entry & 0xffffffffn), Number(entry >> 32n)];

/** The bits that fields name; fails if one is named twice. */
function namedBits(fields: Fields): bigint {
  let named = 0n;
  for (const [name, [low, high]] of Object.entries(fields)) {
    for (let bit = low; bit <= high; bit++) {
      assert.ok(bit < 64, name);
      assert.equal((named >> BigInt(bit)) & 1n, 0n, name);
      named |= 1n << BigInt(bit);
    }
  }
  return named;
}

type Body = (format: PteFormat) => void;

const CONFORMANCE: readonly (readonly [name: string, body: Body])[] = [
  [
    'gives back the frame and every flag of a leaf',
    (format) =>
      fc.assert(
        fc.property(leaves(format), ({ frame, flags, level }) => {
          const [low, high] = leafOf(format, frame, flags, level);
          assert.equal(format.state(low, high, level), EntryState.leaf);
          assert.equal(format.isLeaf(low, high, level), true);
          assert.equal(format.isTable(low, high, level), false);
          assert.equal(format.present(low, high), true);
          assert.equal(format.frame(low, high, level), frame);
          assert.equal(format.rights(low, high), flags & (R | W | X | USER));
          assert.equal(format.accessed(low, high), (flags & ACCESSED) !== 0);
          assert.equal(format.dirty(low, high), (flags & DIRTY) !== 0);
          assert.equal(format.global(low, high), (flags & GLOBAL) !== 0);
          assert.equal(format.contiguous(low, high), (flags & CONTIGUOUS) !== 0);
        }),
        { numRuns: 2000 },
      ),
  ],
  [
    'gives back a table, which is never a leaf and takes no right away',
    (format) =>
      fc.assert(
        fc.property(tables(format), ({ table, level }) => {
          const [low, high] = tableOf(format, table, level);
          assert.equal(format.state(low, high, level), EntryState.table);
          assert.equal(format.isLeaf(low, high, level), false);
          assert.equal(format.isTable(low, high, level), true);
          assert.equal(format.present(low, high), true);
          assert.equal(format.table(low, high, level), table);
          assert.equal(format.isOpenTable(low, high, level), true);
          assert.equal(format.tableGrants(low, high), ALL_GRANTS);
        }),
        { numRuns: 2000 },
      ),
  ],
  [
    'makes lanes that are unsigned and have no bit without a name',
    (format) =>
      fc.assert(
        fc.property(leaves(format), tables(format), (leaf, table) => {
          const one = leafOf(format, leaf.frame, leaf.flags, leaf.level);
          const other = tableOf(format, table.table, table.level);
          for (const lane of [...one, ...other]) assert.ok(lane >= 0 && lane < 2 ** 32);
          assert.equal(wide(one) & ~namedBits(format.fields(leaf.level, 'leaf')), 0n);
          assert.equal(wide(other) & ~namedBits(format.fields(table.level, 'table')), 0n);
        }),
      ),
  ],
  [
    'never takes a table for open that takes a right away',
    (format) => {
      const all = 2n ** 64n - 1n;
      fc.assert(
        fc.property(tables(format), fc.bigInt(0n, all), ({ table, level }, noise) => {
          const fields = format.fields(level, 'table');
          const { table: _, ...others } = fields;
          const entry = wide(tableOf(format, table, level)) ^ (noise & namedBits(others));
          const [low, high] = lanesOf(entry);
          if (!format.isOpenTable(low, high, level)) return;
          assert.equal(format.isTable(low, high, level), true);
          assert.equal(format.tableGrants(low, high), ALL_GRANTS);
        }),
        { numRuns: 2000 },
      );
    },
  ],
  [
    'calls an entry malformed for every bit without a name',
    (format) => {
      for (const level of levelsOf(format)) {
        for (const kind of ['leaf', 'table'] as const) {
          if (kind === 'leaf' ? !format.mayHoldLeaf(level) : level === 0) continue;
          const entry = wide(
            kind === 'leaf'
              ? leafOf(format, pfn(0), R, level)
              : tableOf(format, entryIndex(0), level),
          );
          const named = namedBits(format.fields(level, kind));
          for (let bit = 0n; bit < 64n; bit++) {
            if (((named >> bit) & 1n) === 1n) continue;
            const [low, high] = lanesOf(entry | (1n << bit));
            assert.equal(format.state(low, high, level), EntryState.malformed, `${kind} ${bit}`);
          }
        }
      }
    },
  ],
  [
    'has a single valid bit, without which any entry is a hole',
    (format) => {
      const base = wide(leafOf(format, pfn(0), R, 0));
      const valid = [...Array(64).keys()].filter((bit) => {
        const [low, high] = lanesOf(base & ~(1n << BigInt(bit)));
        return !format.present(low, high);
      });
      assert.equal(valid.length, 1);
      const mask = 1n << BigInt(valid[0]!);
      fc.assert(
        fc.property(fc.bigInt(0n, 2n ** 64n - 1n), fc.nat(format.levels - 1), (any, level) => {
          const [low, high] = lanesOf(any & ~mask);
          assert.equal(format.state(low, high, level), EntryState.hole);
          assert.equal(format.present(...lanesOf(any | mask)), true);
        }),
      );
    },
  ],
  [
    'refuses leaves at levels that may not hold them, and tables at level 0',
    (format) => {
      for (const level of levelsOf(format)) {
        if (format.mayHoldLeaf(level)) continue;
        assert.deepEqual(format.fields(level, 'leaf'), {});
        assert.throws(() => format.leafLow(pfn(0), R, level), /may hold one/);
        const below = leafOf(format, pfn(0), R, leafLevels(format).at(-1)!);
        assert.notEqual(format.state(...below, level), EntryState.leaf);
      }
      assert.deepEqual(format.fields(0, 'table'), {});
      assert.throws(() => format.tableLow(entryIndex(0), 0), /above level 0/);
      assert.notEqual(format.state(...tableOf(format, entryIndex(0), 1), 0), EntryState.table);
    },
  ],
  [
    'refuses frames that are too high, or not aligned to the level of their leaf',
    (format) => {
      const frames = 2 ** (addressBits(format) - format.pageShift);
      for (const level of leafLevels(format)) {
        const size = format.entryPages[level]!;
        assert.throws(() => leafOf(format, pfn(frames), R, level));
        if (level > 0) assert.throws(() => leafOf(format, pfn(size / 2), R, level), /aligned/);
      }
      assert.throws(() => tableOf(format, entryIndex(2 ** (addressBits(format) - 3) * 8), 1));
      assert.throws(() => tableOf(format, entryIndex(1), 1), /aligned/);
    },
  ],
  [
    'can express what mmap() can ask for, and refuses to make what it cannot express',
    (format) => {
      const wanted = [R, R | W, R | X, R | W | X];
      for (const rights of wanted) {
        for (const flags of [0, ACCESSED, DIRTY, ACCESSED | DIRTY]) {
          assert.ok(format.expresses(rights | USER | flags), String(rights | flags));
          assert.ok(format.expresses(rights | flags), String(rights | flags));
        }
      }
      for (let flags = 0; flags <= ALL_LEAF_FLAGS; flags++) {
        if (format.expresses(flags)) continue;
        assert.throws(() => format.leafLow(pfn(0), flags, 0), /expresses/);
      }
    },
  ],
  [
    NO_READ_TEST,
    (format) => {
      for (const flags of [W, W | USER, W | X, W | X | USER]) {
        assert.equal(format.expresses(flags), false);
      }
    },
  ],
  [GLOBAL_TEST, (format) => assert.ok(format.expresses(R | X | GLOBAL))],
  [
    CONTIGUOUS_TEST,
    (format) => {
      assert.ok(format.expresses(R | W | USER | CONTIGUOUS));
      for (const level of leafLevels(format)) assert.ok(format.contiguousEntries(level) > 1);
    },
  ],
  [
    'splits a page number into indices that give it back',
    (format) => {
      const pageBits = format.indexBits.reduce((sum, bits) => sum + bits, 0);
      const upper = 2n ** BigInt(pageBits);
      fc.assert(
        fc.property(fc.maxSafeNat(), (n) => {
          const page = vpn(n % 2 ** Math.min(52, 64 - format.pageShift));
          let joined = 0n;
          for (const level of levelsOf(format).reverse()) {
            const index = format.index(page, level);
            assert.ok(index >= 0 && index < 2 ** format.indexBits[level]!);
            joined = (joined << BigInt(format.indexBits[level]!)) | BigInt(index);
          }
          assert.equal(joined, BigInt(page) % upper);
        }),
      );
    },
  ],
  [
    'calls the two ends of each half canonical, and the pages next to them not',
    (format) => {
      const pageBits = format.indexBits.reduce((sum, bits) => sum + bits, 0);
      // With one root the halves share its entries; with two, each has all of them.
      const half = format.upperHasOwnRoot ? 2 ** pageBits : 2 ** (pageBits - 1);
      // ppc64 puts the kernel at the start of the last quarter of the address space, others at its end.
      const addresses = 2 ** (64 - format.pageShift);
      const start = format.id.startsWith('ppc64') ? addresses * 0.75 : addresses - half;
      for (const page of [0, half - 1, start, start + half - 1]) {
        assert.equal(format.isCanonical(page as Vpn), true, String(page));
        assert.equal(format.isUpper(page as Vpn), page >= start, String(page));
      }
      for (const page of [half, start - 1, start + half]) {
        assert.equal(format.isCanonical(page as Vpn), false, String(page));
      }
    },
  ],
  [
    'walks to a leaf of every size in both halves, and to holes next to them',
    (format) => {
      for (const level of leafLevels(format)) {
        for (const page of [0, 2 ** 20 + 3 * format.entryPages[level]! + 1]) {
          walkTo(format, vpn(page), level);
          if (!format.id.startsWith('ppc64')) {
            walkTo(format, vpn(2 ** (64 - format.pageShift) - 1 - page), level);
          }
        }
      }
    },
  ],
  [
    GEOMETRY_TEST,
    (format) => {
      const geometry = GEOMETRIES.find(({ id }) => id === format.id);
      assert.ok(geometry);
      assert.equal(geometry.levels, format.levels);
      assert.equal(geometry.pageBytes, 2 ** format.pageShift);
      for (const bits of format.indexBits.slice(0, -1)) assert.equal(bits, geometry.indexBits);
    },
  ],
];

/** Maps one leaf through tables of its own and walks to it, and to the slot after it. */
function walkTo(format: PteFormat, page: Vpn, leafLevel: number): void {
  const tableEntries = 2 ** Math.max(...format.indexBits);
  const memory = new Uint32Array(tableEntries * format.levels * 2);
  const root = entryIndex(0);
  let table = root;
  let entry = 0;
  for (let level = format.levels - 1; ; level--) {
    entry = table + format.index(page, level);
    if (level === leafLevel) break;
    table = entryIndex(table + tableEntries);
    memory.set(tableOf(format, table, level), entry * 2);
  }
  const frame = pfn(5 * format.entryPages[leafLevel]!);
  memory.set(leafOf(format, frame, R | W | USER, leafLevel), entry * 2);

  const at = new WalkCursor();
  assert.equal(walk(format, memory, root, page, at), EntryState.leaf);
  assert.deepEqual([at.entry, at.level, at.rights], [entry, leafLevel, R | W | USER]);
  assert.equal(format.frame(at.low, at.high, at.level), frame);

  const size = format.entryPages[leafLevel]!;
  const before = page - size;
  const next = page + size;
  const neighbour = next < 2 ** 52 && format.isCanonical(next as Vpn) ? next : before;
  assert.equal(walk(format, memory, root, neighbour as Vpn, at), EntryState.hole);
  assert.equal(at.rights, 0);
}

for (const format of FORMATS) {
  describe(format.id, () => {
    for (const [name, body] of CONFORMANCE) {
      const skip = SKIPS.find(({ tests, formats }) => tests === name && formats.test(format.id));
      test(name, { skip: skip?.reason ?? false }, () => body(format));
    }
  });
}

test('every geometry has a format, and every format its own id', () => {
  for (const { id } of GEOMETRIES) assert.equal(formatById(id)?.id, id);
  assert.equal(new Set(FORMATS.map(({ id }) => id)).size, FORMATS.length);
  assert.equal(formatById('vax'), undefined);
});
