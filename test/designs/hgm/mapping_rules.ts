/** Rules of walks, of what makes pieces, and of faults. */
import assert from 'node:assert/strict';
import { formatById } from '../../../src/arch/index.ts';
import * as d from '../../../src/designs/index.ts';
import * as mm from '../../../src/mm/index.ts';
import { ALIAS, FIRST, GIB, GranularWorld, HUGE } from './granular_world.ts';
import { type HgmRule, inGigantic, inHuge } from './rule.ts';

const { run, EINVAL, EEXIST, EFAULT, EIO, ENOMEM, Fault } = mm;

const huge = (options: d.HgmOptions): GranularWorld => GranularWorld.ready({ options });

export const WALK_RULES: readonly HgmRule[] = [
  {
    part: 'hugetlb_pte',
    rule: 'a place has a slot, a level and a size, and the lock of its level',
    source: '[PATCH v2 11/46]',
    check: inGigantic((world) => {
      world.fill(FIRST + HUGE, HUGE + 1);
      const at = d.newHugetlbPte();
      const places: number[][] = [];
      for (const page of [FIRST, FIRST + HUGE + 5, FIRST + 2 * HUGE]) {
        assert.ok(run(d.fullWalk(world.machine, world.task.mm, world.vma(), page, at)));
        places.push([at.level, at.pages, at.entries]);
      }
      assert.deepEqual(places, [
        [1, HUGE, 1],
        [1, HUGE, 1],
        [0, 1, 1],
      ]);
    }),
  },
  {
    part: 'walk',
    rule: 'a full walk fails only where the entry of the huge page has no table, and allocates none',
    source: '[PATCH v2 13/46]',
    check(options) {
      const world = new GranularWorld({ options });
      world.map();
      world.split();
      const { machine, task } = world;
      const at = d.newHugetlbPte();
      assert.equal(run(d.fullWalk(machine, task.mm, world.vma(), FIRST, at)), false);
      assert.equal(task.mm.tables, 0);
      world.touch(FIRST);
      const tables = task.mm.tables;
      assert.equal(run(d.fullWalk(machine, task.mm, world.vma(), FIRST + HUGE, at)), true);
      assert.deepEqual([at.pages, task.mm.tables], [HUGE, tables]);
      world.end();
    },
  },
  {
    part: 'walk',
    rule: 'a walk goes on from a place that has been divided, and stays where it is otherwise',
    source: '[PATCH v2 13/46]',
    check: inGigantic((world) => {
      const { machine, task } = world;
      const at = d.newHugetlbPte();
      world.fill(FIRST + HUGE, HUGE);
      run(d.fullWalk(machine, task.mm, world.vma(), FIRST, at));
      run(d.fullWalkContinue(machine, FIRST, at));
      assert.equal(at.pages, HUGE);
      world.fill(FIRST, 1);
      run(d.fullWalkContinue(machine, FIRST, at));
      assert.equal(at.pages, 1);
    }),
  },
  {
    part: 'walk',
    rule: 'an allocating walk ends at its size, or at a larger leaf; a size that there is not is EINVAL',
    source: '[PATCH v2 13/46]',
    check: inGigantic((world) => {
      const at = d.newHugetlbPte();
      const to = (page: number, size: number): number[] => {
        const { task } = world;
        const error = run(d.fullWalkAlloc(task, task.mm, world.vma(), page, size, at, false));
        return [error, at.pages];
      };
      assert.deepEqual(to(FIRST, 7), [EINVAL, GIB]);
      assert.deepEqual(to(FIRST, 0), [0, GIB]);
      world.touch(FIRST);
      assert.deepEqual(to(FIRST, 1), [0, GIB]);
      world.advise(FIRST, GIB, 4);
      world.fill(FIRST, 1);
      assert.deepEqual(to(FIRST + 3 * HUGE, HUGE), [0, HUGE]);
      assert.deepEqual(to(FIRST + 9, 0), [0, 1]);
      assert.deepEqual(to(FIRST + 9, HUGE), [0, HUGE]);
    }),
  },
  {
    part: 'walk',
    rule: 'an allocating walk that finds no memory for tables is ENOMEM, and leaves a valid place',
    source: '[PATCH v2 13/46]',
    check(options) {
      const world = GranularWorld.ready({ options, size: { tables: 5 } });
      const { machine, task } = world;
      const at = d.newHugetlbPte();
      const places: number[] = [];
      for (const page of [FIRST, FIRST + HUGE]) {
        const done = run(d.fullWalkAlloc(task, task.mm, world.vma(), page, 1, at, false));
        places.push(done, at.pages);
      }
      assert.deepEqual(places, [0, 1, ENOMEM, HUGE]);
      assert.equal(machine.tableUsed.indexOf(0), -1);
    },
  },
  {
    part: 'walk',
    rule: 'below a page that is being moved or poisoned there is no place: EEXIST',
    source: '[PATCH v2 13/46]',
    check(options) {
      const world = huge(options);
      const { machine, task } = world;
      world.touch(FIRST);
      world.split(ALIAS);
      run(d.memoryFailure(machine, 0, world.head() + 5, options));
      const at = d.newHugetlbPte();
      const walked = (page: number) =>
        run(d.fullWalkAlloc(task, task.mm, world.vma(), page, 1, at, false));
      assert.equal(walked(FIRST + 5), 0);
      assert.equal(world.fill(FIRST + 5, 1), EIO);
      // One that was not to be mapped in pieces is lost as a whole.
      const other = new GranularWorld({ options });
      other.map();
      other.touch(FIRST);
      run(d.memoryFailure(other.machine, 0, other.head() + 5, options));
      other.split();
      const vma = other.vma();
      const { task: its } = other;
      assert.equal(run(d.fullWalkAlloc(its, its.mm, vma, FIRST, 1, at, false)), EEXIST);
      assert.equal(at.pages, HUGE);
    },
  },
  {
    part: 'splitting',
    rule: 'a marker of userfaultfd-wp is carried into each entry of the table that takes its place',
    source: '[PATCH v2 14/46]',
    versions: [d.HGM_V2],
    check: inHuge((world) => {
      world.setMarker(FIRST);
      assert.equal(world.fill(FIRST + 7, 1), 1);
      assert.equal(world.countMarkers(FIRST), HUGE - 1);
    }),
  },
  {
    part: 'splitting',
    rule: 'before v2, a marker is not divided: EEXIST',
    source: '[PATCH 13/46]',
    versions: [d.HGM_RFC_V1, d.HGM_RFC_V2, d.HGM_V1],
    check: inHuge((world) => {
      world.setMarker(FIRST);
      assert.equal(world.fill(FIRST + 7, 1), EEXIST);
      assert.equal(world.countMarkers(FIRST), 1);
    }),
  },
  {
    part: 'splitting',
    rule: 'a table that is there is used again, and counted once',
    source: '[PATCH v2 12/46]',
    check: inHuge((world) => {
      const before = world.task.mm.tables;
      world.fill(FIRST, 1);
      const counted = world.task.mm.tables;
      world.fill(FIRST + 1, 1);
      assert.deepEqual([counted - before, world.task.mm.tables - counted], [2, 0]);
    }),
  },
  {
    part: 'sizes',
    rule: 'sizes between are those of pages that hugetlb knows: 2 MiB of 1 GiB only if there are such',
    source: '[PATCH v2 31/46, 32/46]',
    check(options) {
      const size = { hugeSizes: [GIB], hugePages: 0 };
      const world = GranularWorld.ready({ options, pages: GIB, count: 1, size });
      assert.deepEqual(d.granularSizes(world.machine, world.machine.hugetlb.hstates[0]!), [GIB, 1]);
      assert.equal(world.fill(FIRST, HUGE), HUGE);
      assert.equal(world.draw(FIRST, HUGE), '512x4K');
      world.end();
    },
  },
  {
    part: 'sizes',
    rule: 'on arm64, runs of entries are sizes between: 64 KiB and 32 MiB with granules of 4 KiB',
    source: '[RFC PATCH 24/26]',
    check(options) {
      const size = { format: formatById('arm64-4k-48bit')!, hugeSizes: [HUGE, 16, 16 * HUGE, GIB] };
      const world = GranularWorld.ready({
        ...{ options, pages: GIB, count: 1 },
        size: { ...size, hugePages: 0 },
      });
      const sizes = d.granularSizes(world.machine, world.machine.hugetlb.hstates[3]!);
      assert.deepEqual(sizes, [GIB, 16 * HUGE, HUGE, 16, 1]);
      const start = FIRST + 16 * HUGE - 17;
      assert.equal(world.fill(start, 17 + 16 * HUGE + HUGE + 1), 17 + 16 * HUGE + HUGE + 1);
      assert.equal(world.draw(start, 17 + 16 * HUGE + HUGE + 1), '4K 64K 32M 2M 4K');
      world.check();
      assert.equal(world.collapse(), 0);
      assert.equal(world.draw(), '1G');
      world.end();
    },
  },
];

export const FILL_RULES: readonly HgmRule[] = [
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'small pages are the unit where pieces are allowed, huge ones elsewhere: else EINVAL',
    source: '[PATCH v2 33/46]',
    check(options) {
      const world = new GranularWorld({ options });
      world.map(ALIAS);
      world.touch(ALIAS);
      world.map();
      assert.equal(world.fill(FIRST + 1, 1), EINVAL);
      assert.equal(world.fill(FIRST, HUGE + 1), EINVAL);
      assert.equal(world.fill(FIRST, HUGE), HUGE);
      assert.equal(world.split(), 0);
      assert.equal(world.fill(FIRST + HUGE + 1, 1), EFAULT);
      world.end();
    },
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'each step maps the largest piece that is aligned and fits',
    source: '[PATCH v2 33/46]',
    check: inGigantic((world) => {
      assert.equal(world.fill(FIRST + HUGE - 1, 2 * HUGE + 2), 2 * HUGE + 2);
      assert.equal(world.draw(FIRST, 4 * HUGE), '511x-4K 4K 2x2M 4K 511x-4K');
      const { hugetlbPages } = world.task.mm;
      assert.equal(hugetlbPages, GIB + 2 * HUGE + 2);
    }),
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'a page that is there by any size is EEXIST: the same, a larger one, or smaller ones',
    source: '[PATCH v2 33/46]',
    check: inGigantic((world) => {
      world.fill(FIRST, HUGE);
      world.fill(FIRST + HUGE, 1);
      for (const [page, pages] of [
        [FIRST, HUGE],
        [FIRST + 3, 1],
        [FIRST + HUGE, HUGE],
      ] as const) {
        assert.equal(world.fill(page, pages), EEXIST);
      }
    }),
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'what was mapped before something was in the way is the result',
    source: '[PATCH v2 33/46]',
    check: inHuge((world) => {
      world.fill(FIRST + 5, 1);
      assert.equal(world.fill(FIRST, 9), 5);
    }),
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'a page that the file does not have is EFAULT',
    source: '[PATCH v2 33/46]',
    check(options) {
      const world = new GranularWorld({ options });
      world.map();
      world.split();
      assert.equal(world.fill(FIRST, 1), EFAULT);
      world.end();
    },
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'a small page that is poisoned is EIO, and its neighbours are mapped',
    source: '[PATCH v2 33/46], Jiaqi Yan 2023',
    check: inHuge((world) => {
      world.machine.hugetlb.poisoned.add(world.head() + 2);
      assert.equal(world.fill(FIRST, HUGE), EIO);
      assert.equal(world.fill(FIRST + 2, 1), EIO);
      assert.equal(world.fill(FIRST + 3, 1), 1);
    }),
  },
];

export const FAULT_RULES: readonly HgmRule[] = [
  {
    part: 'fault',
    rule: 'a page of 1 GiB that is not mapped at all is mapped by one entry',
    source: '[PATCH v2 24/46]',
    check: inGigantic((world) => {
      assert.equal(world.touch(FIRST + 12_345), Fault.DONE);
      assert.equal(world.draw(), '1G');
    }),
  },
  {
    part: 'fault',
    rule: 'one that is mapped in part by 2 MiB is mapped on by 2 MiB',
    source: '[PATCH v2 24/46]',
    check: inGigantic((world) => {
      world.fill(FIRST, GIB / 2);
      world.touch(FIRST + GIB / 2 + HUGE + 3);
      assert.equal(world.draw(), '256x2M -2M 2M 254x-2M');
    }),
  },
  {
    part: 'fault',
    rule: 'one that is mapped in its first 4 KiB only is mapped on by 4 KiB there, and by 2 MiB elsewhere',
    source: '[PATCH v2 24/46]',
    check: inGigantic((world) => {
      world.fill(FIRST, 1);
      for (const page of [1, HUGE + 7]) world.touch(FIRST + page);
      assert.equal(world.draw(), '2x4K 510x-4K 2M 510x-2M');
    }),
  },
  {
    part: 'fault',
    rule: 'a fault makes no finer piece than there is place for',
    source: '[PATCH v2 24/46]',
    check: inHuge((world) => {
      for (let page = 0; page < 2 * HUGE; page += 100) world.touch(FIRST + page);
      assert.equal(world.draw(), '2x2M');
    }),
  },
  {
    part: 'refcount',
    rule: 'with too many references to a page, a fault is SIGBUS, UFFDIO_CONTINUE EFAULT, and fork fails',
    source: '[PATCH v2 35/46]',
    check: inHuge((world) => {
      world.fill(FIRST, 1);
      const missing = 2 ** 31 - 1 - world.references();
      world.machine.frameReferences[world.head()]! += missing;
      assert.equal(world.touch(FIRST + 1), Fault.SIGBUS);
      assert.equal(world.fill(FIRST + 2, 1), EFAULT);
      world.vma().flags |= mm.VM.UFFD_WP;
      // EFAULT where it is copied; copy_mm() says ENOMEM of any error.
      assert.equal(world.fork(), ENOMEM);
      world.vma().flags &= ~mm.VM.UFFD_WP;
      assert.equal(world.references(), 2 ** 31 - 1);
      world.machine.frameReferences[world.head()]! -= missing;
    }),
  },
];
