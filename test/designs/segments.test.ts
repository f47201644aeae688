/** ppc64: segments of 256 MiB are shared whole, and TLBs know them by their number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { x86_64Like } from '../../src/arch/index.ts';
import { SEGMENTS, shared2006 } from '../../src/designs/index.ts';
import { EVERY_ASID, MmuCount, type MmuShape } from '../../src/mmu/index.ts';
import { BLANKED, CANONICAL } from './builds.ts';
import { FileWorld } from './file_world.ts';

/** The geometry of ppc64 in 2006 with 4 KiB pages, with the entries of x86-64. */
const PPC64 = x86_64Like('x86_64-ppc64', [9, 7, 7, 9]);
const SEGMENT = 2 ** 16;
const START = 4 * SEGMENT;
const PAGES = 40;
const TLB: MmuShape = {
  tlb: [[{ sets: 16, ways: 4, pages: [1] }]],
  walkCaches: [undefined, undefined, undefined],
};

/** Misses while each of `processes` reads the same pages of a segment, which all have mapped. */
function misses(processes: number, tlbTags: 'mm' | 'segment', isShared: boolean): number {
  const designs = isShared ? [BLANKED.shared2006(BLANKED.SEGMENTS)] : [];
  const world = new FileWorld(BLANKED, designs, processes, {
    format: PPC64,
    cpus: 1,
    tables: 16 + 8 * processes,
    tlb: TLB,
    tlbTags,
  });
  const readAll = (): void => {
    for (let process = 0; process < processes; process++) {
      for (let page = START; page < START + PAGES; page++) {
        assert.equal(world.load(process, page), page);
      }
    }
  };
  for (let process = 0; process < processes; process++) world.map(process, START, SEGMENT);
  for (let page = START; page < START + PAGES; page++) world.store(0, page, page);
  readAll();
  const mmu = world.machine.mmus[0]!;
  mmu.invalidateSpace(EVERY_ASID);
  const before = mmu.counters[MmuCount.misses]!;
  readAll();
  assert.equal(world.violation(), undefined);
  return mmu.counters[MmuCount.misses]! - before;
}

test('with segments shared, misses of N processes over one do not grow with N', () => {
  for (const processes of [1, 2, 5, 20]) assert.equal(misses(processes, 'segment', true), PAGES);
});

test('without sharing, or with tags of address spaces, they do', () => {
  for (const processes of [1, 2, 5, 20]) {
    assert.equal(misses(processes, 'segment', false), processes * PAGES);
    assert.equal(misses(processes, 'mm', true), processes * PAGES);
  }
});

test('nothing smaller than a segment is shared', () => {
  for (const [pages, isShared] of [
    [SEGMENT, true],
    [SEGMENT - 1, false],
    [512, false],
  ] as const) {
    const world = new FileWorld(CANONICAL, [shared2006(SEGMENTS)], 2, { format: PPC64, cpus: 1 });
    for (const process of [0, 1]) {
      world.map(process, START, pages);
      world.load(process, START);
    }
    assert.equal(world.path(0, START)[0] === world.path(1, START)[0], isShared);
    assert.equal(world.violation(), undefined);
  }
});
