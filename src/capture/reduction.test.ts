/** From regions of pages to runs, and from runs to numbers of tables. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Geometry, geometryById } from '../arch/geometry.ts';
import { type MappedObject, type ObjectKind, RunKind, type Runs } from '../snapshot/records.ts';
import { PageIs } from '../uapi/pagemap.ts';
import { contestedSlots, overlaps } from './contested.ts';
import { layoutOf } from './layout.ts';
import { existingKinds, populatedKinds, Reducer } from './reducer.ts';
import { RunBuilder } from './run_builder.ts';
import { countTables, mergeRuns, withoutSlots } from './runs.ts';

const { PTE, EMPTY, THP_ANON, THP_FILE, HUGETLB_PMD, HUGETLB_HOLE, HUGETLB_PUD, PFNMAP } = RunKind;
const X86 = geometryById('x86_64-4level')!;

/** `vma: first slot x slots, pages` for each run. */
function drawn(runs: Runs): string[] {
  const names = Object.keys(RunKind);
  return Array.from({ length: runs.length }, (_, run) => {
    const place = `${runs.vma[run]}: ${runs.slot[run]}x${runs.count[run]}`;
    return `${place} ${names[runs.kind[run]! - 1]} ${runs.pages[run]}`;
  });
}

test('RunBuilder merges ranges of one VMA and kind in slots that follow each other', () => {
  const builder = new RunBuilder(512);
  builder.add(0, 100, 101, PTE);
  builder.add(0, 101, 700, PTE);
  builder.add(0, 1023, 1024, PTE);
  builder.add(0, 2048, 2049, PTE);
  assert.deepEqual(drawn(builder.build()), ['0: 0x2 PTE 601', '0: 4x1 PTE 1']);
});

test('RunBuilder keeps VMAs apart that share a table', () => {
  const builder = new RunBuilder(512);
  builder.add(0, 0, 600, PTE);
  builder.add(1, 600, 1100, PTE);
  assert.deepEqual(drawn(builder.build()), ['0: 0x2 PTE 600', '1: 1x2 PTE 500']);
});

test('RunBuilder counts a table once that turns into a huge page while it is read', () => {
  const builder = new RunBuilder(512);
  builder.add(0, 0, 100, PTE);
  builder.add(0, 100, 1024, THP_ANON);
  assert.deepEqual(drawn(builder.build()), ['0: 0x1 PTE 512', '0: 1x1 THP_ANON 512']);
});

test('RunBuilder counts a huge page once that two calls report in halves', () => {
  const builder = new RunBuilder(512);
  builder.add(0, 512, 700, THP_ANON);
  builder.add(0, 700, 1536, THP_ANON);
  assert.deepEqual(drawn(builder.build()), ['0: 1x2 THP_ANON 1024']);
});

test('RunBuilder counts no pages in holes and empty tables', () => {
  const builder = new RunBuilder(512);
  builder.add(0, 0, 512, HUGETLB_HOLE);
  builder.add(0, 512, 600, EMPTY);
  assert.deepEqual(drawn(builder.build()), ['0: 0x1 HUGETLB_HOLE 0', '0: 1x1 EMPTY 0']);
});

test('RunBuilder follows tables of 64 KiB pages', () => {
  const builder = new RunBuilder(8192);
  builder.add(0, 8191, 8193, PTE);
  assert.deepEqual(drawn(builder.build()), ['0: 0x2 PTE 2']);
});

test('RunBuilder needs memory for runs, not for ranges', () => {
  const builder = new RunBuilder(512);
  // 32 GiB of which every second page is populated.
  for (let page = 0; page < 2 ** 23; page += 2) builder.add(0, page, page + 1, PTE);
  assert.deepEqual(drawn(builder.build()), [`0: 0x${2 ** 14} PTE ${2 ** 22}`]);
});

test('RunBuilder grows beyond its first size', () => {
  const builder = new RunBuilder(512);
  for (let slot = 0; slot < 5000; slot += 2) builder.addSlots(0, slot, 1, PTE, 1, 0);
  const runs = builder.build();
  assert.equal(runs.length, 2500);
  assert.equal(runs.slot[2499], 4998);
});

test('RunBuilder goes on with a run only where content ids go on', () => {
  const builder = new RunBuilder(512);
  builder.addSlots(0, 0, 1, PTE, 1, 7);
  builder.addSlots(0, 1, 1, PTE, 1, 8);
  builder.addSlots(0, 2, 1, PTE, 1, 8);
  builder.addSlots(0, 3, 1, PTE, 1, 0);
  builder.addSlots(0, 4, 1, PTE, 1, 0);
  const runs = builder.build();
  assert.deepEqual([...runs.content], [7, 8, 0]);
  assert.deepEqual([...runs.count], [2, 1, 2]);
});

test('RunBuilder refuses ranges that go back', () => {
  const builder = new RunBuilder(512);
  builder.add(0, 1024, 1025, PTE);
  assert.throws(() => builder.add(0, 0, 1, PTE), /ascending/);
});

/** A VMA of a test: pages, and the page size of its object or its kind. */
type Piece = readonly [start: number, end: number, what: 'anon' | ObjectKind | number];

function layoutOfPieces(pieces: readonly Piece[], geometry: Geometry) {
  const objects = pieces.map(([, , what]): MappedObject => {
    const kind = typeof what === 'number' ? 'hugetlb' : what === 'anon' ? 'file' : what;
    const pageBytes = typeof what === 'number' ? what : geometry.pageBytes;
    return { kind, name: '', device: '', inode: '', deleted: false, pageBytes };
  });
  const vmas = pieces.map(([start, end, what], index) => ({
    start,
    end,
    protection: 3,
    shared: false,
    offset: 0,
    object: what === 'anon' ? -1 : index,
    label: '',
  }));
  return layoutOf(vmas, objects, geometry);
}

type Region = readonly [start: number, end: number, categories: number];

function reduced(pieces: readonly Piece[], regions: readonly Region[], geometry = X86): string[] {
  const layout = layoutOfPieces(pieces, geometry);
  const reducer = new Reducer(layout, 2 ** geometry.indexBits, populatedKinds(layout));
  for (const region of regions) reducer.add(...region);
  return drawn(reducer.build());
}

const HUGE = PageIs.PRESENT | PageIs.HUGE;

test('Reducer splits a region that the kernel merged across VMAs', () => {
  const pieces: Piece[] = [
    [0, 100, 'anon'],
    [100, 600, 'file'],
    [600, 601, 'anon'],
  ];
  assert.deepEqual(reduced(pieces, [[50, 601, PageIs.PRESENT]]), [
    '0: 0x1 PTE 50',
    '1: 0x2 PTE 500',
    '2: 1x1 PTE 1',
  ]);
});

test('Reducer tells huge pages of memory from huge pages of files', () => {
  const pieces: Piece[] = [
    [0, 512, 'anon'],
    [512, 1024, 'file'],
    [1024, 1536, 'shmem'],
  ];
  assert.deepEqual(reduced(pieces, [[0, 1536, HUGE]]), [
    '0: 0x1 THP_ANON 512',
    '1: 1x1 THP_FILE 512',
    '2: 2x1 THP_FILE 512',
  ]);
});

test('Reducer takes a huge page that is being migrated for a huge page', () => {
  const regions: Region[] = [[0, 512, PageIs.SWAPPED | PageIs.HUGE]];
  assert.deepEqual(reduced([[0, 512, 'anon']], regions), ['0: 0x1 THP_ANON 512']);
});

test('Reducer tells hugetlb pages from holes under their table', () => {
  const regions: Region[] = [
    [0, 512, HUGE],
    [512, 1536, PageIs.HUGE],
    [1536, 2048, HUGE],
  ];
  assert.deepEqual(reduced([[0, 2048, 2 ** 21]], regions), [
    '0: 0x1 HUGETLB_PMD 512',
    '0: 1x2 HUGETLB_HOLE 0',
    '0: 3x1 HUGETLB_PMD 512',
  ]);
});

test('Reducer finds the level of a hugetlb page by its size', () => {
  const gigabyte = 2 ** 18;
  assert.deepEqual(reduced([[0, gigabyte, 2 ** 30]], [[0, gigabyte, HUGE]]), [
    '0: 0x512 HUGETLB_PUD 262144',
  ]);
  const arm = geometryById('arm64-4k-48bit')!;
  assert.deepEqual(reduced([[0, 16, 65536]], [[0, 16, HUGE]], arm), ['0: 0x1 PTE 16']);
  assert.deepEqual(reduced([[0, 8192, 2 ** 25]], [[0, 8192, HUGE]], arm), [
    '0: 0x16 HUGETLB_PMD 8192',
  ]);
  const arm64k = geometryById('arm64-64k-48bit')!;
  assert.deepEqual(reduced([[0, 8192, 2 ** 29]], [[0, 8192, HUGE]], arm64k), [
    '0: 0x1 HUGETLB_PMD 8192',
  ]);
});

test('Reducer counts pages outside every VMA instead of assigning them', () => {
  const layout = layoutOfPieces([[512, 1024, 'anon']], X86);
  const reducer = new Reducer(layout, 512, populatedKinds(layout));
  reducer.add(500, 1030, PageIs.PRESENT);
  reducer.add(2048, 2050, PageIs.PRESENT);
  assert.equal(reducer.strayPages, 12 + 6 + 2);
  assert.deepEqual(drawn(reducer.build()), ['0: 1x1 PTE 512']);
});

test('Reducer believes no existing table where holes look like tables', () => {
  const pieces: Piece[] = [
    [0, 512, 'anon'],
    [512, 1024, 'anon'],
  ];
  const layout = layoutOfPieces(pieces, X86);
  const reducer = new Reducer(
    layout,
    512,
    existingKinds((vma) => vma === 1),
  );
  reducer.add(0, 1024, PageIs.WRITTEN);
  assert.deepEqual(drawn(reducer.build()), ['0: 0x1 EMPTY 0']);
});

type Run = readonly [vma: number, slot: number, count: number, kind: RunKind];

function runsOf(...list: readonly Run[]): Runs {
  const builder = new RunBuilder(512);
  for (const [vma, slot, count, kind] of list) builder.addSlots(vma, slot, count, kind, count, 0);
  return builder.build();
}

const counts: ReadonlyArray<readonly [what: string, runs: Runs, tables: number]> = [
  ['no tables for nothing', runsOf(), 0],
  ['a table at each level for one page', runsOf([0, 0, 1, PTE]), 3],
  ['a table once that two VMAs share', runsOf([0, 0, 2, PTE], [1, 1, 2, PTE]), 5],
  ['1 GiB of small pages', runsOf([0, 512, 512, PTE]), 514],
  ['as much for 1 GiB of anonymous huge pages', runsOf([0, 512, 512, THP_ANON]), 514],
  ['no PTE tables for huge pages of a file', runsOf([0, 512, 512, THP_FILE]), 2],
  ['a PMD table for a hugetlb hole', runsOf([0, 0, 1, HUGETLB_HOLE]), 2],
  ['no PMD table for hugetlb pages of 1 GiB', runsOf([0, 512, 1024, HUGETLB_PUD]), 1],
  ['empty tables', runsOf([0, 0, 3, EMPTY]), 5],
  ['assumed tables', runsOf([0, 0, 3, PFNMAP]), 5],
  ['two PMD tables across 1 GiB', runsOf([0, 511, 2, HUGETLB_PMD]), 3],
  ['two PUD tables across 512 GiB', runsOf([0, 512 * 512 - 1, 2, PTE]), 6],
];
for (const [what, runs, tables] of counts) {
  test(`countTables() counts ${what}`, () => {
    assert.equal(countTables(runs, X86), tables);
  });
}

test('countTables() follows the depth of the tables', () => {
  const runs = runsOf([0, 0, 1, PTE]);
  const tables = (id: string): number => countTables(runs, geometryById(id)!);
  assert.equal(tables('x86_64-5level'), 4);
  assert.equal(tables('arm64-4k-39bit'), 2);
  assert.equal(tables('arm64-64k-42bit'), 1);
});

test('withoutSlots() leaves what is not covered, for each VMA', () => {
  const existing = runsOf([0, 0, 10, EMPTY], [1, 9, 4, EMPTY]);
  const populated = runsOf([0, 2, 2, PTE], [0, 6, 1, THP_ANON], [1, 12, 1, PTE]);
  assert.deepEqual(drawn(withoutSlots(existing, populated, new RunBuilder(512))), [
    '0: 0x2 EMPTY 0',
    '0: 4x2 EMPTY 0',
    '0: 7x3 EMPTY 0',
    '1: 9x3 EMPTY 0',
  ]);
});

test('mergeRuns() sorts by slot and then by VMA', () => {
  const merged = mergeRuns(
    runsOf([0, 0, 2, PTE], [3, 4, 1, PTE]),
    runsOf([1, 1, 1, EMPTY], [2, 4, 1, PFNMAP], [4, 4, 2, EMPTY]),
    new RunBuilder(512),
  );
  assert.deepEqual(drawn(merged), [
    '0: 0x2 PTE 2',
    '1: 1x1 EMPTY 1',
    '2: 4x1 PFNMAP 1',
    '3: 4x1 PTE 1',
    '4: 4x2 EMPTY 2',
  ]);
});

/** An address space of one VMA; the run starts where the VMA does. */
function mmOf(start: number, end: number, shared: boolean, ...list: readonly Run[]) {
  const vma = { start, end, protection: 3, shared, offset: 0, object: -1, label: '' };
  return { vmas: [vma], runs: runsOf(...list) };
}

test('contestedSlots() finds what two address spaces hold, in any number of them', () => {
  const mms = [
    mmOf(0, 10 * 512, false, [0, 0, 10, PTE]),
    mmOf(0, 10 * 512, false, [0, 0, 10, PTE]),
    mmOf(0, 3 * 512, false, [0, 0, 3, PTE]),
    mmOf(9 * 512, 99 * 512, false, [0, 9, 90, PTE]),
  ];
  const contested = contestedSlots(mms, 512);
  for (let slot = 0; slot < 99; slot++) {
    assert.equal(overlaps(contested, { slot, count: 1 }), slot < 10, `slot ${slot}`);
  }
});

test('contestedSlots() takes of a shared VMA only tables that may hold something else too', () => {
  const shared = mmOf(100, 3 * 512, true, [0, 0, 3, PTE]);
  const contested = contestedSlots([shared, shared], 512);
  assert.deepEqual(
    [0, 1, 2].map((slot) => overlaps(contested, { slot, count: 1 })),
    [true, false, false],
  );
});

test('contestedSlots() does not hold a process against itself', () => {
  const vma = { protection: 3, shared: false, offset: 0, object: -1, label: '' };
  const vmas = [
    { ...vma, start: 0, end: 10 },
    { ...vma, start: 10, end: 600 },
  ];
  const mm = { vmas, runs: runsOf([0, 0, 1, PTE], [1, 0, 2, PTE]) };
  assert.equal(contestedSlots([mm], 512).length, 0);
});
