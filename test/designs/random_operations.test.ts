/** Designs of shared tables under random operations, at full speed and in both builds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { REVIEWED } from '../../src/designs/index.ts';
import type { Machine } from '../../src/mm/index.ts';
import type { MmuShape } from '../../src/mmu/index.ts';
import { newSeed } from '../seed.ts';
import { BLANKED, CANONICAL } from './builds.ts';
import type { Build } from './file_world.ts';
import { RandomRun } from './random_run.ts';

/** A million in a long run (`PTSHARE_OPERATIONS=1000000`). */
const OPERATIONS = Number(process.env.PTSHARE_OPERATIONS ?? 30_000);
const COMPARED = Math.min(OPERATIONS, 4_000);
const TLB: MmuShape = {
  tlb: [[{ sets: 4, ways: 4, pages: [1] }]],
  walkCaches: [{ sets: 2, ways: 2 }, { sets: 2, ways: 1 }, undefined],
};

/** The designs that are to be right. */
const DESIGNS: Readonly<Record<string, (mm: Build) => Machine['designs']>> = {
  none: () => [],
  'on-demand-fork': (mm) => [mm.onDemandFork()],
  'COW-PTE': (mm) => [mm.onDemandFork(mm.COW_PTE)],
  '2006, PTE tables': (mm) => [mm.shared2006({ ...REVIEWED, highest: 0 })],
  '2006, PTE and PMD tables': (mm) => [mm.shared2006(REVIEWED)],
  '2006, all levels, and in fork': (mm) => [
    mm.shared2006({ ...REVIEWED, highest: 2, inFork: true }),
  ],
};

for (const [name, designs] of Object.entries(DESIGNS)) {
  test(`${name}: ${OPERATIONS} random operations leave everything right`, () => {
    const seed = newSeed();
    const run = new RandomRun(BLANKED, designs(BLANKED), seed, false, { tlb: TLB });
    let shared = 0;
    for (let count = 1; count <= OPERATIONS; count++) {
      run.step();
      if (count % 50 > 0) continue;
      assert.equal(run.world.violation(), undefined, `seed ${seed}, operation ${count}`);
      assert.equal(run.fault, undefined, `seed ${seed}`);
      shared = Math.max(shared, Math.max(...run.world.machine.tableShares));
    }
    assert.equal(shared > 0, name !== 'none', 'tables were shared');
  });

  test(`${name}: ${COMPARED} random operations do the same in both builds`, () => {
    const seed = newSeed();
    const one = new RandomRun(CANONICAL, designs(CANONICAL), seed, true);
    const other = new RandomRun(BLANKED, designs(BLANKED), seed, false);
    for (let count = 1; count <= COMPARED; count++) {
      assert.equal(one.step(), other.step(), `seed ${seed}, operation ${count}`);
      if (count % 500 > 0) continue;
      assert.equal(one.world.violation(), undefined, `seed ${seed}, operation ${count}`);
      const checksums = [one, other].map(({ world }) => world.mm.checksum(world.machine));
      assert.equal(checksums[0], checksums[1], `seed ${seed}, operation ${count}`);
    }
  });
}
