/** Rules of what other calls do with pages that are mapped in pieces. */
import assert from 'node:assert/strict';
import * as d from '../../../src/designs/index.ts';
import * as mm from '../../../src/mm/index.ts';
import { ALIAS, FIRST, GIB, GranularWorld, HUGE, MADV, PAGE } from './granular_world.ts';
import type { HgmRule } from './rule.ts';

const { run, EINVAL, EEXIST, EBUSY, EHWPOISON, EAGAIN, Fault } = mm;

const huge = (options: d.HgmOptions): GranularWorld => GranularWorld.ready({ options });
const gigantic = (options: d.HgmOptions): GranularWorld =>
  GranularWorld.ready({ options, pages: GIB, count: 1 });

/** Of the versions that count them. */
function mapcount(world: GranularWorld): number {
  return mm.entireMapcount(world.machine, world.head());
}

export const UNMAP_RULES: readonly HgmRule[] = [
  {
    part: 'unmap',
    rule: 'each entry gives back its reference to the head, and what it counted',
    source: '[PATCH v2 18/46]',
    check(options) {
      const world = gigantic(options);
      world.fill(FIRST, HUGE + 3);
      assert.equal(world.references(), 1 + 1 + 4);
      assert.equal(run(mm.munmap(world.task, FIRST * PAGE, GIB * PAGE)), 0);
      assert.equal(world.references(), 2);
      assert.equal(world.task.mm.hugetlbPages, GIB);
      world.end();
    },
  },
  {
    part: 'unmap',
    rule: 'MADV_DONTNEED stays with whole pages: EINVAL inside of one, and what is not whole is left',
    source: '[PATCH v2 18/46]',
    check(options) {
      const world = huge(options);
      world.fill(FIRST, 2);
      assert.equal(world.advise(FIRST + 1, 1, MADV.DONTNEED), EINVAL);
      assert.equal(world.advise(FIRST, 1, MADV.DONTNEED), 0);
      assert.equal(world.pieceAt(FIRST), 1);
      assert.equal(world.advise(FIRST, HUGE, MADV.DONTNEED), 0);
      assert.equal(world.pieceAt(FIRST), 0);
      world.end();
    },
  },
  {
    part: 'unmap',
    rule: 'a hole punch finds all pieces of its page, in every address space',
    source: '[PATCH v2 17/46]',
    check(options) {
      const world = huge(options);
      world.fill(FIRST + 9, 3);
      const child = world.fork() as mm.Task;
      world.touch(FIRST, 0, child);
      assert.equal(run(mm.fallocate(world.task, world.file, 3, 0, HUGE * PAGE)), 0);
      assert.equal(world.head(), -1);
      assert.deepEqual([world.pieceAt(FIRST + 9), world.pieceAt(FIRST, child)], [0, 0]);
      world.end(child);
    },
  },
  {
    part: 'mprotect',
    rule: 'rights change piece by piece',
    source: '[PATCH v2 19/46]',
    check(options) {
      const world = huge(options);
      world.fill(FIRST, 3);
      assert.equal(run(mm.mprotect(world.task, FIRST * PAGE, HUGE * PAGE, 1)), 0);
      assert.equal(run(mm.store(world.task, FIRST + 1, 7)), -1 - Fault.ACCERR);
      assert.equal(run(mm.mprotect(world.task, FIRST * PAGE, HUGE * PAGE, 3)), 0);
      assert.equal(run(mm.store(world.task, FIRST + 1, 7)), 0);
      assert.equal(run(mm.load(world.task, ALIAS + 1)), 7);
      assert.equal(world.draw(FIRST, HUGE), '3x4K 509x-4K');
      world.end();
    },
  },
  {
    part: 'mremap',
    rule: 'moves piece by piece',
    source: '[PATCH v2 23/46]',
    check(options) {
      const world = huge(options);
      world.fill(FIRST + 2, 3);
      world.touch(FIRST + HUGE);
      run(mm.store(world.task, FIRST + 3, 5));
      const bytes = 2 * HUGE * PAGE;
      const target = 32 * GIB * PAGE;
      const call = { address: FIRST * PAGE, oldLength: bytes, newLength: bytes, flags: 3 };
      assert.equal(run(mm.mremap(world.task, { ...call, newAddress: target })), target);
      assert.equal(world.draw(32 * GIB), '2x-4K 3x4K 507x-4K 2M');
      assert.equal(run(mm.load(world.task, 32 * GIB + 3)), 5);
      world.end();
    },
  },
  {
    part: 'fork',
    rule: 'copies piece by piece where tables have to be copied, and leaves the rest to faults',
    source: '[PATCH v2 22/46]',
    check(options) {
      const world = huge(options);
      world.fill(FIRST + 2, 3);
      const plain = world.fork() as mm.Task;
      assert.equal(world.pieceAt(FIRST + 2, plain), 0);
      world.vma().flags |= mm.VM.UFFD_WP;
      const child = world.fork() as mm.Task;
      assert.equal(world.draw(FIRST, HUGE, child), '2x-4K 3x4K 507x-4K');
      world.end(plain, child);
    },
  },
  {
    part: 'GUP',
    rule: 'gets the small page of any piece, and keeps the whole',
    source: '[PATCH v2 20/46]',
    check(options) {
      const world = gigantic(options);
      world.fill(FIRST, HUGE + 2);
      for (const page of [7, HUGE + 1]) {
        const frame = run(mm.getUserPage(world.task, FIRST + page, mm.FOLL.WRITE));
        assert.equal(frame, world.head() + page);
        run(mm.unpin(world.task, frame));
      }
      world.end();
    },
  },
  {
    part: 'mincore',
    rule: 'says of each small page whether a piece maps it',
    source: '[PATCH v2 25/46]',
    check(options) {
      const world = huge(options);
      world.fill(FIRST + 1, 2);
      const resident = new Uint8Array(4);
      run(mm.mincore(world.task, FIRST * PAGE, 4 * PAGE, resident));
      assert.deepEqual([...resident], [0, 1, 1, 0]);
      world.end();
    },
  },
  {
    part: 'migration',
    rule: 'each entry becomes a migration entry of its size, and comes back with the new page',
    source: '[PATCH v2 30/46]',
    check(options) {
      const world = huge(options);
      world.fill(FIRST + 1, 2);
      run(mm.store(world.task, FIRST + 2, 9));
      const old = world.head();
      const drawn = world.draw();
      world.hold(old, 1);
      const moved = run(d.migrateHugetlb(world.machine, 0, old, options));
      world.hold(old, -1);
      assert.equal(moved, options === d.HGM_RFC_V1 ? EAGAIN : 0);
      assert.equal(world.head() !== old, moved === 0);
      assert.equal(world.draw(), drawn);
      assert.equal(run(mm.load(world.task, ALIAS + 2)), 9);
      world.end();
    },
  },
  {
    part: 'memory failure',
    rule: 'loses the small page that failed, and maps the rest of its page by the largest pieces',
    source: 'Jiaqi Yan, April 2023',
    check(options) {
      const world = gigantic(options);
      world.split(ALIAS);
      world.touch(FIRST);
      assert.equal(run(d.memoryFailure(world.machine, 0, world.head() + HUGE + 3, options)), 0);
      assert.equal(world.draw(), '2M 3x4K -4K 508x4K 510x2M');
      assert.equal(world.draw(ALIAS), world.draw());
      assert.equal(world.touch(FIRST + HUGE + 3), Fault.SIGBUS);
      assert.equal(world.touch(FIRST + HUGE + 4), Fault.DONE);
      world.end();
    },
  },
  {
    part: 'smaps',
    rule: 'says how much is mapped by entries of each level, and counts what is shared by that',
    source: '[PATCH v2 38/46]',
    check(options) {
      const world = gigantic(options);
      world.fill(FIRST, HUGE + 3);
      const found = run(d.smapsOfHugetlb(world.task, world.vma(), options));
      assert.deepEqual(found.mappedByLevel, [3, HUGE, 0]);
      assert.deepEqual([found.shared, found.private], [HUGE + 3, 0]);
      world.end();
    },
  },
];

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
    check(options) {
      const world = gigantic(options);
      world.fill(FIRST + 5, HUGE);
      const before = world.task.mm.tables;
      assert.equal(world.collapse(), 0);
      assert.equal(world.draw(), '1G');
      assert.equal(world.task.mm.tables, before - 3);
      assert.deepEqual([world.references(), mapcount(world)], [3, 2]);
      world.end();
    },
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'collapses a piece of 2 MiB of a page of 1 GiB',
    source: '[PATCH v2 34/46]',
    check(options) {
      const world = gigantic(options);
      world.fill(FIRST + 5, HUGE);
      assert.equal(world.collapse(FIRST + HUGE, HUGE), 0);
      assert.equal(world.draw(FIRST, 2 * HUGE), '5x-4K 507x4K 2M');
      world.end();
    },
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'goes past what is not mapped, or a leaf already',
    source: '[PATCH v2 34/46]',
    check(options) {
      const world = huge(options);
      world.touch(FIRST);
      assert.equal(world.collapse(), 0);
      assert.equal(world.draw(), '2M -2M');
      world.end();
    },
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'of a part of a larger leaf is EEXIST',
    source: '[PATCH v2 33/46], hugetlb_alloc_largest_pte()',
    check(options) {
      const world = gigantic(options);
      world.touch(FIRST);
      assert.equal(world.collapse(FIRST + HUGE, HUGE), EEXIST);
      world.end();
    },
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'leaves a poisoned page as it is, and goes on',
    source: '[PATCH v2 34/46]',
    check(options) {
      const world = huge(options);
      for (const page of [0, HUGE]) world.fill(FIRST + page, 3);
      world.machine.hugetlb.poisoned.add(world.head() + 100);
      const expected = options === d.HGM_V1 ? EHWPOISON : 0;
      assert.equal(world.collapse(), expected);
      assert.equal(world.draw(), '3x4K 509x-4K 2M');
      world.end();
    },
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'of a page that is being moved is EBUSY; whether it is poisoned is asked first',
    source: '[PATCH v2 34/46]',
    check(options) {
      const world = huge(options);
      world.fill(FIRST, 3);
      world.isolate(true);
      assert.equal(world.collapse(), EBUSY);
      world.machine.hugetlb.poisoned.add(world.head());
      assert.equal(world.collapse(), options === d.HGM_V1 ? EHWPOISON : 0);
      world.isolate(false);
      world.end();
    },
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'drops markers of userfaultfd-wp, and gives the rights of the VMA',
    source: '[PATCH v2 34/46]',
    versions: [d.HGM_V2],
    check(options) {
      const world = huge(options);
      world.setMarker(FIRST);
      world.fill(FIRST, 1);
      assert.equal(world.collapse(), 0);
      assert.equal(world.countMarkers(FIRST), 0);
      assert.equal(run(mm.store(world.task, FIRST + 9, 3)), 0);
      world.end();
    },
  },
  {
    part: 'MADV_COLLAPSE',
    rule: 'of a VMA and what comes behind: an error is returned where it was met',
    source: '[PATCH v2 34/46]',
    versions: [d.HGM_V2],
    check(options) {
      const world = huge(options);
      world.fill(FIRST, 1);
      world.isolate(true);
      assert.equal(world.collapse(FIRST, HUGE), EBUSY);
      world.isolate(false);
      world.end();
    },
  },
];
