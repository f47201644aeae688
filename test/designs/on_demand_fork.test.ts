/** On-demand-fork and COW-PTE: rules, and the published figures. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatById } from '../../src/arch/index.ts';
import { COW_PTE, identicalTables, ON_DEMAND_FORK, onDemandFork } from '../../src/designs/index.ts';
import {
  exit,
  FOLL,
  fork,
  getUserPage,
  madvise,
  mmap,
  Rss,
  run,
  type Task,
  unpin,
} from '../../src/mm/index.ts';
import { BLANKED, CANONICAL } from './builds.ts';
import { FileWorld, MAP, PAGE_BYTES, PMD, PROT, TABLE } from './file_world.ts';

const START = 8 * PMD;
const MAP_ANONYMOUS = 0x20;
const MADV = { DONTNEED: 4, PAGEOUT: 21 } as const;

/** A parent that has written the number of each of `pages` pages into it, and its child. */
function family(pages = 2 * TABLE, options = ON_DEMAND_FORK): FileWorld {
  const world = new FileWorld(CANONICAL, [onDemandFork(options)], 1, {
    cpus: 1,
    mms: 3,
    tables: 60,
    swapSlots: 16,
  });
  const flags = MAP.PRIVATE | MAP.FIXED | MAP_ANONYMOUS;
  const [address, length] = [START * PAGE_BYTES, pages * PAGE_BYTES];
  const call = { address, length, prot: PROT.READ | PROT.WRITE, flags, file: undefined, offset: 0 };
  assert.equal(run(mmap(world.tasks[0]!, call)), address);
  for (let page = START; page < START + pages; page++) world.store(0, page, page);
  addChild(world);
  return world;
}

function addChild(world: FileWorld): Task {
  const child = run(fork(world.tasks[0]!, 0));
  assert.ok(typeof child !== 'number');
  world.tasks.push(child);
  return child;
}

const table = (world: FileWorld, process: number, page = START): number | undefined => {
  const path = world.path(process, page);
  return path.length === 3 ? path[0] : undefined;
};

const isShared = (world: FileWorld, page = START): boolean =>
  table(world, 0, page) !== undefined && table(world, 0, page) === table(world, 1, page);

for (const [name, options] of [
  ['on-demand-fork', ON_DEMAND_FORK],
  ['COW-PTE', COW_PTE],
] as const) {
  test(`${name}: parent and child have one PTE table, and tables of their own above`, () => {
    const world = family(2 * TABLE, options);
    for (const page of [START, START + TABLE]) assert.ok(isShared(world, page));
    const [parent, child] = [world.path(0, START), world.path(1, START)];
    assert.notEqual(parent[1], child[1]);
    assert.notEqual(parent[2], child[2]);
    assert.equal(world.violation(), undefined);
  });

  test(`${name}: reading changes nothing; the first write copies one table`, () => {
    const world = family(2 * TABLE, options);
    assert.equal(world.load(1, START), START);
    assert.ok(isShared(world));
    world.store(1, START, 7);
    assert.ok(!isShared(world));
    assert.ok(isShared(world, START + TABLE), 'the other one');
    assert.deepEqual([world.load(0, START), world.load(1, START)], [START, 7]);
    assert.equal(world.violation(), undefined);
  });

  test(`${name}: the last one takes the table itself`, () => {
    const world = family(2 * TABLE, options);
    const before = table(world, 0);
    run(exit(world.tasks[1]!));
    world.store(0, START, 7);
    assert.equal(table(world, 0), before);
    assert.equal(world.load(0, START), 7);
    assert.equal(world.violation(), undefined);
  });

  test(`${name}: when the parent goes, the child has everything`, () => {
    const world = family(2 * TABLE, options);
    run(exit(world.tasks[0]!));
    assert.equal(world.violation(), undefined);
    for (let page = START; page < START + 2 * TABLE; page++) {
      assert.equal(world.load(1, page), page);
    }
    world.store(1, START, 7);
    assert.equal(world.violation(), undefined);
  });

  for (const [what, change] of [
    ['munmap of a page', (world: FileWorld) => world.unmap(1, START, 1)],
    ['mprotect of a page', (world: FileWorld) => world.protect(1, START, 1, PROT.READ)],
    ['mremap of a page', (world: FileWorld) => world.move(1, START, 1, START + 4 * PMD)],
    ['MADV_DONTNEED of a page', (world: FileWorld) => advise(world, MADV.DONTNEED)],
    ['MADV_PAGEOUT of a page', (world: FileWorld) => advise(world, MADV.PAGEOUT)],
  ] as const) {
    test(`${name}: ${what} in the child leaves the parent as it was`, () => {
      const world = family(TABLE, options);
      assert.ok(change(world) >= 0);
      assert.equal(world.violation(), undefined);
      for (let page = START; page < START + TABLE; page++) assert.equal(world.load(0, page), page);
      assert.equal(world.load(1, START + 1), START + 1);
      assert.equal(world.violation(), undefined);
    });
  }

  test(`${name}: unmapping a whole table copies nothing`, () => {
    const world = family(TABLE, options);
    const [before, shared] = [world.tables, table(world, 0)!];
    world.unmap(1, START, TABLE);
    assert.ok(world.tables <= before);
    assert.deepEqual([table(world, 0), world.machine.tableShares[shared]], [shared, 0]);
    assert.equal(world.load(0, START), START);
    assert.equal(world.violation(), undefined);
  });
}

function advise(world: FileWorld, advice: number): number {
  return run(madvise(world.tasks[1]!, START * PAGE_BYTES, PAGE_BYTES, advice));
}

test('a table that its VMA does not cover whole is copied at fork', () => {
  const world = family(TABLE - 1);
  assert.ok(!isShared(world));
  assert.equal(world.violation(), undefined);
});

test('pages that may be pinned are copied at fork; nothing is pinned through a shared table', () => {
  const world = family(TABLE);
  const frame = run(getUserPage(world.tasks[0]!, START, FOLL.PIN | FOLL.WRITE));
  assert.ok(!isShared(world), 'the pin got a table of its own first');
  addChild(world);
  assert.notEqual(table(world, 2), table(world, 0));
  world.store(0, START, 9);
  assert.equal(world.machine.frameData[frame], 9, 'who has pinned the page sees it');
  run(unpin(world.tasks[0]!, frame, true));
  assert.equal(world.violation(), undefined);
});

test('each counts what it has, or the owner does for all', () => {
  const each = family(TABLE);
  assert.deepEqual(
    each.tasks.map(({ mm }) => mm.rss[Rss.ANON]),
    [TABLE, TABLE],
  );
  const owned = family(TABLE, COW_PTE);
  assert.deepEqual(
    owned.tasks.map(({ mm }) => [mm.rss[Rss.ANON], mm.tables]),
    [
      [TABLE, 3],
      [0, 2],
    ],
  );
  owned.store(0, START, 1);
  assert.deepEqual(
    owned.tasks.map(({ mm }) => [mm.rss[Rss.ANON], mm.tables]),
    [
      [TABLE, 3],
      [0, 2],
    ],
    'nobody counts what its owner has left',
  );
  owned.store(1, START, 1);
  assert.deepEqual(
    owned.tasks.map(({ mm }) => [mm.rss[Rss.ANON], mm.tables]),
    [
      [TABLE, 3],
      [TABLE, 3],
    ],
  );
});

test('small entries of a huge page: who shares their table writes to pages of its own', () => {
  for (const options of [ON_DEMAND_FORK, COW_PTE]) {
    const format = formatById('x86_64-4level')!;
    const size = { format, cpus: 1, mms: 3, frames: 2048, tables: 60, thp: 'always' as const };
    const world = new FileWorld(CANONICAL, [onDemandFork(options)], 1, size);
    const parent = world.tasks[0]!;
    const flags = MAP.PRIVATE | MAP.FIXED | MAP_ANONYMOUS;
    const prot = PROT.READ | PROT.WRITE;
    const [address, length, first] = [2 ** 30, 512 * PAGE_BYTES, 2 ** 18];
    run(mmap(parent, { address, length, prot, flags, file: undefined, offset: 0 }));
    for (let page = first; page < first + 5; page++) world.store(0, page, page);
    // Its first page goes, so that the others are mapped by entries of their own.
    assert.equal(run(madvise(parent, address, PAGE_BYTES, MADV.DONTNEED)), 0);
    addChild(world);
    assert.ok(isShared(world, first));
    world.store(0, first + 1, 7);
    assert.equal(world.load(1, first + 1), first + 1);
    world.store(1, first + 2, 8);
    assert.equal(world.load(0, first + 2), first + 2);
    assert.equal(world.violation(), undefined);
    run(exit(parent));
    const used = (): number => world.machine.frameReferences.filter((count) => count > 0).length;
    const before = used();
    world.store(1, first + 3, 9);
    assert.equal(used(), before, 'the last one has the folio alone');
    assert.equal(world.violation(), undefined);
  }
});

test('1 GiB: fork copies 262,144 entries, on-demand-fork shares 512 tables (EuroSys 2021)', () => {
  const pages = 2 ** 18;
  for (const design of [undefined, BLANKED.onDemandFork(), BLANKED.onDemandFork(BLANKED.COW_PTE)]) {
    const machine = new BLANKED.Machine(
      {
        format: formatById('x86_64-4level')!,
        mms: 2,
        frames: pages + 64,
        tables: 1100,
        thp: 'never',
        contents: false,
      },
      {},
      design === undefined ? [] : [design],
    );
    const task = BLANKED.run(BLANKED.newProcess(machine, 0))!;
    const flags = MAP.PRIVATE | MAP.FIXED | MAP_ANONYMOUS | 0x8000;
    const [address, length] = [2 ** 30, pages * PAGE_BYTES];
    const call = { address, length, prot: 3, flags, file: undefined, offset: 0 };
    BLANKED.run(BLANKED.mmap(task, call));
    const used = (): number => machine.tableUsed.reduce((sum, count) => sum + count, 0);
    const before = used();
    BLANKED.run(BLANKED.fork(task, 0));
    const shared = machine.tableShares.reduce((sum, count) => sum + count, 0);
    const entries = machine.frameMapcount.reduce((sum, count) => sum + count, 0) - pages;
    assert.equal(shared, design === undefined ? 0 : 512);
    assert.equal(entries, design === undefined ? pages : 0);
    // A root, a table of level 2, one of level 1; and what is not shared.
    assert.equal(used() - before, design === undefined ? 3 + 512 : 3);
    const { tables, distinct } = identicalTables(machine as never);
    assert.deepEqual([tables, distinct], design === undefined ? [1028, 514] : [516, 514]);
  }
});
