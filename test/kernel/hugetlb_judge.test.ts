/** The engine's hugetlb against the running kernel: random programs of groups that share tables. */
import assert from 'node:assert/strict';
import { before } from 'node:test';
import { alone } from '../live/alone.ts';
import { raiseHugePages } from '../live/huge_pages.ts';
import { programs as commands, judgedTest, root } from '../live/judge.ts';
import { newSeed } from '../seed.ts';
import { hugePool, poolIsUsed } from './huge_pool.ts';
import { hugetlbProgram } from './hugetlb_generator.ts';
import { compareRandomPrograms, describeMismatch, shrinkMismatch } from './judge_engine.ts';
import { referenceHost } from './reference_host.ts';

before(alone);

/** How long random programs are compared; continuous integration may set more. */
const SECONDS = Number(process.env.PTSHARE_HUGETLB_SECONDS ?? 12);
const BATCH = 20;
const POOL_PAGES = 48;

const needs = [root, commands('gcc'), referenceHost, hugePool(POOL_PAGES)];

judgedTest('the engine does with huge pages what the kernel does', needs, (context) => {
  const used = poolIsUsed();
  if (used !== undefined) return context.skip(used);
  const restore = raiseHugePages(POOL_PAGES);
  try {
    const first = newSeed();
    const end = Date.now() + SECONDS * 1000;
    let seed = first;
    let operations = 0;
    for (; Date.now() < end; seed += BATCH) {
      const seeds = Array.from({ length: BATCH }, (_, index) => seed + index);
      const result = compareRandomPrograms(seeds, hugetlbProgram);
      operations += result.operations;
      const mismatch = result.mismatches[0];
      if (mismatch !== undefined) assert.fail(describeMismatch(shrinkMismatch(mismatch)));
    }
    context.diagnostic(`seeds ${first} to ${seed - 1}, ${operations} operations`);
  } finally {
    restore();
  }
});
