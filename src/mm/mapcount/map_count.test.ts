/** Schemes of map counts: their published vectors, and what they cannot be combined with. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HeadCount, HgmEntryCount, HgmSubpageCount, HgmTopCount, PerPageCount } from './counted.ts';
import { fitsHvo, HVO_STRUCT_PAGES, type MapCountScheme } from './map_count_scheme.ts';
import { MmIdCount } from './mm_id.ts';

const HUGE = 512;
const [A, B, C] = [1, 2, 3] as const;

const all = (): MapCountScheme[] => [
  new PerPageCount(HUGE),
  new HeadCount(),
  new HgmTopCount(HUGE),
  new HgmEntryCount(),
  new HgmSubpageCount(HUGE),
  new MmIdCount(),
];

/** Count, shared and exclusive, of the first page, by each scheme. */
function answers(...entries: readonly (readonly [number, number, number])[]): unknown[][] {
  return all().map((scheme) => {
    for (const [mm, first, pages] of entries) scheme.map(mm, first, pages);
    return [scheme.mapcount(), scheme.isShared(0), scheme.isExclusive(0)];
  });
}

test('two processes map the whole: all say that it is shared', () => {
  assert.deepEqual(answers([A, 0, HUGE], [B, 0, HUGE]), [
    [2, true, false],
    [2, true, false],
    [2, true, false],
    [2, true, false],
    [2, true, false],
    [2 * HUGE, true, false],
  ]);
});

test('one process maps all small pages: those that count entries at the folio call it shared', () => {
  const entries = Array.from({ length: HUGE }, (_, page) => [A, page, 1] as const);
  assert.deepEqual(answers(...entries), [
    [HUGE, false, true],
    [HUGE, true, false],
    [1, false, true],
    [HUGE, true, false],
    [HUGE, false, true],
    [HUGE, false, true],
  ]);
});

test('two processes map different halves: only counts of small pages tell them apart', () => {
  assert.deepEqual(answers([A, 0, 256], [B, 256, 256]), [
    [HUGE, false, true],
    [2, true, false],
    [2, true, false],
    [2, true, false],
    [HUGE, false, true],
    [HUGE, true, false],
  ]);
});

test('RFC v1 counts an entry that refers to an empty table, until that is freed', () => {
  const scheme = new HgmTopCount(HUGE);
  scheme.map(A, 3, 1);
  scheme.unmap(A, 3, 1);
  assert.equal(scheme.mapcount(), 1);
  scheme.empty(A);
  assert.equal(scheme.mapcount(), 0);
});

test('RFC v1 counts as before where pages are mapped as a whole, and a collapse changes nothing', () => {
  const [scheme, head] = [new HgmTopCount(HUGE), new HeadCount()];
  for (const mm of [A, B]) {
    scheme.map(mm, 0, HUGE);
    head.map(mm, 0, HUGE);
  }
  assert.equal(scheme.mapcount(), head.mapcount());
  scheme.map(C, 0, 1);
  const before = scheme.mapcount();
  scheme.map(C, 0, HUGE);
  assert.equal(scheme.mapcount(), before);
});

/** Steps as `A+2`: A maps two more; the cover and patch 12 of "MM owner tracking for large folios". */
const VECTORS: readonly (readonly [string, shared: boolean, owners: readonly number[]])[] = [
  ['A+1', false, [A]],
  ['A+1 B+1', true, [A, B]],
  ['A+1 B+1 A-1', false, [B]],
  ['A+2 B+2 C+2 A-2 B-2', true, []],
  ['A+1 B+1 C+1 A-1 B-1', false, []],
  ['A+1 B+1 C+1 C-1 B-1', false, [A]],
  ['A+1 B+1 C+1 A-1 C+1', true, [C, B]],
  ['A+2 B+1 B-1', false, [A]],
  ['A+1 B+1 C+1 A-1 B-1 C-1', false, []],
];

for (const [steps, isShared, owners] of VECTORS) {
  test(`MM-ID after ${steps}: ${isShared ? 'maybe shared' : 'exclusive'}`, () => {
    const scheme = new MmIdCount();
    for (const step of steps.split(' ')) {
      const mm = step.charCodeAt(0) - 'A'.charCodeAt(0) + 1;
      if (step[1] === '+') scheme.add(mm, Number(step[2]));
      else scheme.remove(mm, Number(step[2]));
    }
    assert.deepEqual([scheme.isShared(0), scheme.owners()], [isShared, owners]);
  });
}

test('MM-ID never says exclusive of what more than one process maps, in all short histories', () => {
  let histories = 0;
  const go = (steps: readonly (readonly [number, number])[], left: number): void => {
    const scheme = new MmIdCount();
    const counts = [0, 0, 0, 0];
    for (const [mm, change] of steps) {
      counts[mm]! += change;
      if (change > 0) scheme.add(mm, change);
      else scheme.remove(mm, -change);
      const mappers = counts.filter((count) => count > 0).length;
      assert.ok(mappers <= 1 || scheme.isShared(0), `${JSON.stringify(steps)}`);
      if (mappers === 0) assert.deepEqual([scheme.mapcount(), scheme.owners()], [0, []]);
    }
    histories++;
    if (left === 0) return;
    for (const mm of [A, B, C]) {
      for (const maps of [1, 2]) go([...steps, [mm, maps]], left - 1);
      if (counts[mm]! > 0) go([...steps, [mm, -counts[mm]!]], left - 1);
    }
  };
  go([], 5);
  assert.ok(histories > 10_000);
});

test('MM-ID cannot be combined with shared PMD tables: one process maps, and another unmaps', () => {
  const scheme = new MmIdCount();
  // A maps the page in a table that B has, too: nothing is counted for B.
  scheme.map(A, 0, HUGE);
  assert.ok(scheme.isExclusive(0), 'two processes have it, and it looks like one');
  // A gives the table up, which changes no entry; then B, who has it alone, unmaps the page.
  scheme.unmap(B, 0, HUGE);
  assert.deepEqual([scheme.mapcount(), scheme.owners()], [0, [A]], 'A is gone and has a slot');
});

test('the head of hugetlb cannot see who shares a table either, so smaps asks the table', () => {
  const scheme = new HeadCount();
  scheme.map(A, 0, HUGE);
  assert.equal(scheme.isShared(0), false);
  scheme.isTableShared = true;
  assert.deepEqual([scheme.isShared(0), scheme.isExclusive(0)], [true, false]);
});

test('with HVO nothing can be counted at small pages behind the first page of the vmemmap', () => {
  for (const scheme of all()) {
    const isPerPage = scheme instanceof PerPageCount;
    assert.equal(fitsHvo(scheme, 0, HUGE), true, scheme.name);
    assert.equal(fitsHvo(scheme, HVO_STRUCT_PAGES - 1, 1), true, scheme.name);
    assert.equal(fitsHvo(scheme, HVO_STRUCT_PAGES, 1), !isPerPage, scheme.name);
    assert.equal(fitsHvo(scheme, 0, 256), !isPerPage, scheme.name);
  }
});
