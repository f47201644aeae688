/** Rules of MADV_SPLIT and MADV_COLLAPSE. */
import assert from 'node:assert/strict';
import * as d from '../../../src/designs/index.ts';
import * as mm from '../../../src/mm/index.ts';
import { ALIAS, FIRST, GIB, GranularWorld, HUGE, MADV, PAGE } from './granular_world.ts';
import { type HgmRule, inGigantic, inHuge } from './rule.ts';

const { run, EINVAL, EEXIST, EBUSY, EHWPOISON } = mm;

/** Of the versions that count them. */
function mapcount(world: GranularWorld): number {
  return mm.entireMapcount(world.machine, world.head());
}

export const ADVICE_RULES: readonly HgmRule[] = [
  {
    part: 'MADV_SPLIT',
    rule: 'is for shared mappings of huge pages: else EINVAL',
    source: '[PATCH v2 09/46]',
    versions: [d.HGM_V1, d.HGM_V2],
    check(options) {
      const world = new GranularWorld({ options });
      world.map(FIRST, HUGE, world.task, 0x12);
      assert.equal(world.advise(FIRST, HUGE, MADV.SPLIT), EINVAL);
      const anonymous = { address: ALIAS * PAGE, length: PAGE, prot: 3, flags: 0x31, offset: 0 };
      run(mm.mmap(world.task, { ...anonymous, file: undefined }));
      assert.equal(world.advise(ALIAS, 1, MADV.SPLIT), EINVAL);
      world.end();
    },
  },
  {
    part: 'MADV_SPLIT',
    rule: 'is no advice in the RFCs, nor of a machine that has none of this: EINVAL',
    source: 'covers of the RFCs',
    versions: [d.HGM_RFC_V1, d.HGM_RFC_V2],
    check(options) {
      for (const isStock of [true, false]) {
        const world = new GranularWorld({ options, isStock });
        world.map();
        assert.equal(world.advise(FIRST, HUGE, MADV.SPLIT), EINVAL);
        assert.equal(isStock ? world.collapse() : EINVAL, EINVAL);
      }
    },
  },
  {
    part: 'MADV_SPLIT',
    rule: 'is EINVAL with HVO, where maps are counted at small pages: v2, and not v1',
    source: 'covers of v1 and v2',
    versions: [d.HGM_V1, d.HGM_V2],
    check(options) {
      const world = new GranularWorld({ options, size: { hvo: true } });
      world.map();
      assert.equal(world.split(), options === d.HGM_V2 ? EINVAL : 0);
      world.end();
    },
  },
  {
    part: 'MADV_SPLIT',
    rule: 'changes no mapping, and may divide the VMA, at huge pages only',
    source: '[PATCH v2 09/46]',
    versions: [d.HGM_V1, d.HGM_V2],
    check(options) {
      const world = new GranularWorld({ options });
      world.map();
      world.touch(FIRST);
      assert.equal(world.split(FIRST + 1, 1), EINVAL);
      assert.equal(world.split(FIRST, HUGE), 0);
      assert.equal(world.draw(FIRST, HUGE), '2M');
      assert.notEqual(world.vma(FIRST), world.vma(FIRST + HUGE));
      assert.equal(world.fill(FIRST + HUGE, 1), EINVAL);
      world.end();
    },
  },
  {
    part: 'MADV_SPLIT',
    rule: 'ends the sharing of tables, for good',
    source: '[PATCH v2 09/46]',
    check(options) {
      const world = new GranularWorld({ options });
      world.map(FIRST, GIB, world.task, 0x4011);
      world.touch(FIRST);
      const child = world.fork() as mm.Task;
      world.touch(FIRST, 1, child);
      const table = () => [world.task, child].map((one) => mm.tableOfBlock(one, one.mm, FIRST));
      assert.equal(new Set(table()).size, 1);
      assert.equal(world.split(FIRST, GIB, child), 0);
      world.touch(FIRST, 1, child);
      assert.equal(new Set(table()).size, 2);
      world.end(child);
    },
  },
];

export const COLLAPSE_RULES: readonly HgmRule[] = [
  {
    part: 'MADV_COLLAPSE',
    rule: 'of a mapping that is not shared is EINVAL, and nothing to do where pieces are not allowed',
    source: '[PATCH v2 34/46]',
    check(options) {
      const world = new GranularWorld({ options });
      world.map();
      assert.equal(world.collapse(), 0);
      world.map(ALIAS, HUGE, world.task, 0x12);
      assert.equal(world.collapse(ALIAS, HUGE), EINVAL);
      world.end();
    },
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'maps the whole page by one entry, holes as well',
    source: '[PATCH v2 34/46]',
    check: inGigantic((world) => {
      world.fill(FIRST + 5, HUGE);
      const before = world.task.mm.tables;
      assert.equal(world.collapse(), 0);
      assert.equal(world.draw(), '1G');
      assert.equal(world.task.mm.tables, before - 3);
      assert.deepEqual([world.references(), mapcount(world)], [3, 2]);
    }),
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'collapses a piece of 2 MiB of a page of 1 GiB',
    source: '[PATCH v2 34/46]',
    check: inGigantic((world) => {
      world.fill(FIRST + 5, HUGE);
      assert.equal(world.collapse(FIRST + HUGE, HUGE), 0);
      assert.equal(world.draw(FIRST, 2 * HUGE), '5x-4K 507x4K 2M');
    }),
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'goes past what is not mapped, or a leaf already',
    source: '[PATCH v2 34/46]',
    check: inHuge((world) => {
      world.touch(FIRST);
      assert.equal(world.collapse(), 0);
      assert.equal(world.draw(), '2M -2M');
    }),
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'of a part of a larger leaf is EEXIST',
    source: '[PATCH v2 33/46], hugetlb_alloc_largest_pte()',
    check: inGigantic((world) => {
      world.touch(FIRST);
      assert.equal(world.collapse(FIRST + HUGE, HUGE), EEXIST);
    }),
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'leaves a poisoned page as it is, and goes on',
    source: '[PATCH v2 34/46]',
    check: inHuge((world, options) => {
      for (const page of [0, HUGE]) world.fill(FIRST + page, 3);
      world.machine.hugetlb.poisoned.add(world.head() + 100);
      const expected = options === d.HGM_V1 ? EHWPOISON : 0;
      assert.equal(world.collapse(), expected);
      assert.equal(world.draw(), '3x4K 509x-4K 2M');
    }),
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'of a page that is being moved is EBUSY; whether it is poisoned is asked first',
    source: '[PATCH v2 34/46]',
    check: inHuge((world, options) => {
      world.fill(FIRST, 3);
      world.isolate(true);
      assert.equal(world.collapse(), EBUSY);
      world.machine.hugetlb.poisoned.add(world.head());
      assert.equal(world.collapse(), options === d.HGM_V1 ? EHWPOISON : 0);
      world.isolate(false);
    }),
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'drops markers of userfaultfd-wp, and gives the rights of the VMA',
    source: '[PATCH v2 34/46]',
    versions: [d.HGM_V2],
    check: inHuge((world) => {
      world.setMarker(FIRST);
      world.fill(FIRST, 1);
      assert.equal(world.collapse(), 0);
      assert.equal(world.countMarkers(FIRST), 0);
      assert.equal(run(mm.store(world.task, FIRST + 9, 3)), 0);
    }),
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'of a VMA and what comes behind: an error is returned where it was met',
    source: '[PATCH v2 34/46]',
    versions: [d.HGM_V2],
    check: inHuge((world) => {
      world.fill(FIRST, 1);
      world.isolate(true);
      assert.equal(world.collapse(FIRST, HUGE), EBUSY);
      world.isolate(false);
    }),
  },
];
