/** The rules of the generic shared page tables of 2006, each in the smallest case that shows it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  accounts,
  auditAccounts,
  type Options,
  POSTED_MAY_2006,
  REVIEWED,
  shared2006,
} from '../../src/designs/index.ts';
import {
  exit,
  FOLL,
  fork,
  ftruncate,
  getUserPage,
  madvise,
  mlock,
  run,
  unpin,
  violationOf,
} from '../../src/mm/index.ts';
import { CANONICAL } from './builds.ts';
import { FileWorld, MAP, PAGE_BYTES, PMD, PROT, TABLE } from './file_world.ts';

const START = 8 * PMD;
const PTE_ONLY: Options = { ...REVIEWED, highest: 0 };
const MADV_DONTNEED = 4;
const MADV_RANDOM = 1;

const world = (processes: number, options: Options = PTE_ONLY): FileWorld =>
  new FileWorld(CANONICAL, [shared2006(options)], processes, { cpus: 1 });

/** Two processes that map a table's worth of the file, and have touched its first page. */
function pair(options?: Options, prot?: number, flags?: number): FileWorld {
  const pair = world(2, options);
  for (const process of [0, 1]) {
    pair.map(process, START, TABLE, prot, flags);
    pair.load(process, START);
  }
  return pair;
}

const isShared = (both: FileWorld, page = START): boolean => {
  const [one, other] = [both.path(0, page)[0], both.path(1, page)[0]];
  return one !== undefined && one === other;
};

const clean = (both: FileWorld): void => assert.equal(both.violation(), undefined);

test('two that map the same part of a file alike have one PTE table; the count says so', () => {
  const both = pair();
  assert.ok(isShared(both));
  assert.equal(both.machine.tableShares[both.path(0, START)[0]!], 1);
  assert.equal(both.store(0, START + 1, 7), 0);
  assert.equal(both.load(1, START + 1), 7);
  clean(both);
});

test('what one has faulted in, the other does not fault in again', () => {
  const both = pair();
  both.store(0, START + 2, 5);
  const task = both.tasks[1]!;
  const before = [...task.mm.rss];
  assert.equal(both.load(1, START + 2), 5);
  assert.deepEqual([...task.mm.rss], before);
});

for (const [why, change] of [
  ['start', (both: FileWorld) => both.map(1, START - TABLE, 2 * TABLE, 3, MAP.SHARED)],
  ['end', (both: FileWorld) => both.map(1, START, 2 * TABLE)],
  ['offset', (both: FileWorld) => both.map(1, START, TABLE, 3, MAP.SHARED, 1)],
  ['rights', (both: FileWorld) => both.map(1, START, TABLE, PROT.READ)],
  ['being shared', (both: FileWorld) => both.map(1, START, TABLE, PROT.READ, MAP.PRIVATE)],
] as const) {
  test(`a donor of another ${why} is none`, () => {
    const both = world(2);
    both.map(0, START, TABLE, why === 'being shared' ? PROT.READ : 3);
    both.load(0, START);
    assert.ok(change(both) >= 0);
    both.load(1, START);
    assert.ok(!isShared(both));
    clean(both);
  });
}

test('other flags keep VMAs apart in the patch of August 2005 only', () => {
  for (const comparesAllFlags of [false, true]) {
    const both = world(2, { ...PTE_ONLY, comparesAllFlags });
    for (const process of [0, 1]) both.map(process, START, TABLE);
    run(madvise(both.tasks[1]!, START * PAGE_BYTES, TABLE * PAGE_BYTES, MADV_RANDOM));
    for (const process of [0, 1]) both.load(process, START);
    assert.equal(isShared(both), !comparesAllFlags);
  }
});

test('a VMA that does not cover the span of a table shares none', () => {
  const both = world(2);
  for (const process of [0, 1]) {
    both.map(process, START, TABLE - 1);
    both.load(process, START);
  }
  assert.ok(!isShared(both));
});

test('private text that nobody may write to is shared, private writable memory is not', () => {
  assert.ok(isShared(pair(PTE_ONLY, PROT.READ | PROT.EXEC, MAP.PRIVATE)));
  assert.ok(!isShared(pair(PTE_ONLY, PROT.READ | PROT.WRITE, MAP.PRIVATE)));
});

test('a VMA that covers a PMD table shares that, and the PTE tables below with it', () => {
  const both = world(2, REVIEWED);
  for (const process of [0, 1]) both.map(process, START, PMD);
  both.store(0, START, 1);
  assert.equal(both.load(1, START), 1);
  both.store(1, START + TABLE, 2);
  const [one, other] = [both.path(0, START + TABLE), both.path(1, START + TABLE)];
  assert.deepEqual(one.slice(0, 2), other.slice(0, 2));
  assert.notEqual(one[2], other[2]);
  assert.equal(both.machine.tableShares[one[0]!], 0);
  assert.equal(both.machine.tableShares[one[1]!], 1);
  clean(both);
});

test('with PUD tables shared, as before May 2006, one more level is', () => {
  const both = world(2, { ...REVIEWED, highest: 2 });
  for (const process of [0, 1]) {
    both.map(process, 8 * PMD, 8 * PMD);
    both.load(process, 8 * PMD);
  }
  const [one, other] = [both.path(0, 8 * PMD), both.path(1, 8 * PMD)];
  assert.deepEqual(one, other);
  assert.deepEqual(
    one.map((table) => both.machine.tableShares[table]),
    [0, 0, 1],
  );
  clean(both);
});

for (const [name, leave] of [
  ['munmap', (both: FileWorld) => both.unmap(0, START, TABLE)],
  ['munmap of a part', (both: FileWorld) => both.unmap(0, START, 1)],
  ['mprotect', (both: FileWorld) => both.protect(0, START, TABLE, PROT.READ)],
  ['mprotect of a part', (both: FileWorld) => both.protect(0, START, 1, PROT.READ)],
  ['mremap', (both: FileWorld) => both.move(0, START, TABLE, START + 4 * PMD)],
  ['MADV_DONTNEED', (both: FileWorld) => advise(both, MADV_DONTNEED)],
  ['mlock', (both: FileWorld) => run(mlock(both.tasks[0]!, START * PAGE_BYTES, PAGE_BYTES))],
  ['exit', (both: FileWorld) => run(exit(both.tasks[0]!))],
] as const) {
  test(`${name} leaves the table to the other, whose pages stay`, () => {
    const both = pair();
    both.store(1, START + 1, 9);
    const table = both.path(1, START)[0]!;
    const result = leave(both);
    assert.ok(result === undefined || result >= 0);
    assert.deepEqual(both.path(1, START)[0], table);
    assert.equal(both.machine.tableShares[table], 0);
    const before = [...both.tasks[1]!.mm.rss];
    assert.equal(both.load(1, START + 1), 9);
    assert.deepEqual([...both.tasks[1]!.mm.rss], before, 'no fault');
    clean(both);
  });
}

function advise(both: FileWorld, advice: number): number {
  return run(madvise(both.tasks[0]!, START * PAGE_BYTES, TABLE * PAGE_BYTES, advice));
}

test('leaving copies nothing: the pages are faulted in again when they are needed', () => {
  const both = pair();
  both.protect(0, START, TABLE, PROT.READ);
  assert.deepEqual(both.path(0, START).length, 2, 'no PTE table');
  both.protect(0, START, TABLE, PROT.READ | PROT.WRITE);
  both.load(0, START);
  assert.ok(isShared(both), 'and shared again');
  clean(both);
});

test('truncation empties what all have', () => {
  const both = pair();
  both.store(0, START + 1, 9);
  assert.equal(run(ftruncate(both.tasks[0]!, both.file, 0)), 0);
  for (const process of [0, 1]) assert.ok(both.load(process, START + 1) < 0, 'SIGBUS');
  clean(both);
});

test('without sharing in fork a child shares at its first fault, with it at once', () => {
  for (const inFork of [false, true]) {
    const both = world(1, { ...PTE_ONLY, inFork });
    both.map(0, START, TABLE);
    both.store(0, START, 3);
    const child = run(fork(both.tasks[0]!, 0));
    assert.ok(typeof child !== 'number');
    both.tasks.push(child);
    assert.equal(isShared(both), inFork);
    assert.equal(both.load(1, START), 3);
    assert.ok(isShared(both));
    clean(both);
  }
});

test('private pages: once there is an anon_vma, nothing is shared, and what was is left', () => {
  const both = pair(PTE_ONLY, PROT.READ, MAP.PRIVATE);
  assert.ok(isShared(both));
  const task = both.tasks[0]!;
  const frame = run(getUserPage(task, START, FOLL.WRITE | FOLL.FORCE | FOLL.GET));
  assert.ok(frame >= 0);
  run(unpin(task, frame));
  assert.ok(!isShared(both));
  both.protect(0, START, TABLE, PROT.READ);
  assert.ok(!isShared(both));
  clean(both);
});

test('private pages, as posted: the other process sees what was written for one', () => {
  const both = pair({ ...PTE_ONLY, mistakes: { ignoresAnonVma: true } }, PROT.READ, MAP.PRIVATE);
  const task = both.tasks[0]!;
  run(unpin(task, run(getUserPage(task, START, FOLL.WRITE | FOLL.FORCE | FOLL.GET))));
  assert.equal(both.violation(), 'P-COW');
});

test('what the patch tells of memory is wrong: pages count where they were faulted in', () => {
  const both = pair(POSTED_MAY_2006);
  for (let page = START + 1; page < START + TABLE; page++) both.store(0, page, 1);
  const [one, other] = accounts(both.machine);
  assert.deepEqual([one!.countedPages, one!.mappedPages], [TABLE, TABLE]);
  assert.deepEqual([other!.countedPages, other!.mappedPages], [0, TABLE]);
  assert.deepEqual([one!.countedTables, one!.walkedTables], [0, 3], 'VmPTE is given up');
  both.unmap(0, START, TABLE);
  both.unmap(1, START, TABLE);
  const after = accounts(both.machine);
  assert.deepEqual([after[0]!.countedPages, after[0]!.mappedPages], [TABLE, 0], 'too many');
  assert.deepEqual([after[1]!.countedPages, after[1]!.mappedPages], [-TABLE, 0], 'fewer than none');
  clean(both);
  auditAccounts(both.machine);
  assert.equal(violationOf(both.machine), 'P-ACCT');
});
