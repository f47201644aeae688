/** ppc64: segments of 256 MiB are shared whole, and TLBs know them by their number. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SEGMENTS, shared2006 } from '../../src/designs/index.ts';
import { CANONICAL } from './builds.ts';
import { FileWorld } from './file_world.ts';
import { PAGES, PPC64, SEGMENT, START, segmentMisses } from './segment_misses.ts';

test('with segments shared, misses of N processes over one do not grow with N', () => {
  for (const processes of [1, 2, 5, 20])
    assert.equal(segmentMisses(processes, 'segment', true), PAGES);
});

test('without sharing, or with tags of address spaces, they do', () => {
  for (const processes of [1, 2, 5, 20]) {
    assert.equal(segmentMisses(processes, 'segment', false), processes * PAGES);
    assert.equal(segmentMisses(processes, 'mm', true), processes * PAGES);
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
