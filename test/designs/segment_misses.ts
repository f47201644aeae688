/** ppc64: how often processes that read the same pages of a segment miss the TLB. */
import assert from 'node:assert/strict';
import { x86_64Like } from '../../src/arch/index.ts';
import { EVERY_ASID, MmuCount, type MmuShape } from '../../src/mmu/index.ts';
import { BLANKED } from './builds.ts';
import { FileWorld } from './file_world.ts';

/** The geometry of ppc64 in 2006 with 4 KiB pages, with the entries of x86-64. */
export const PPC64 = x86_64Like('x86_64-ppc64', [9, 7, 7, 9]);
export const SEGMENT = 2 ** 16;
export const START = 4 * SEGMENT;
export const PAGES = 40;
const TLB: MmuShape = {
  tlb: [[{ sets: 16, ways: 4, pages: [1] }]],
  walkCaches: [undefined, undefined, undefined],
};

/** Misses while each of `processes` reads the same pages of a segment, which all have mapped. */
export function segmentMisses(
  processes: number,
  tlbTags: 'mm' | 'segment',
  isShared: boolean,
): number {
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
