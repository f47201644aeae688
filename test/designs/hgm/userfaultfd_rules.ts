/** Rules of userfaultfd where pages may be mapped in pieces: as programs call it. */
import assert from 'node:assert/strict';
import * as d from '../../../src/designs/index.ts';
import * as mm from '../../../src/mm/index.ts';
import { FIRST, GIB, GranularWorld, HUGE, PAGE, pieceFeatures } from './granular_world.ts';
import { type HgmRule, watched } from './rule.ts';

const { run, EINVAL, EEXIST, EFAULT, EAGAIN, Fault, UffdFeature, UffdFlag, UffdMode } = mm;
const RFCS = [d.HGM_RFC_V1, d.HGM_RFC_V2];
const POSTINGS = [d.HGM_V1, d.HGM_V2];
const { WAIT, DONE } = Fault;

const cached = (options: d.HgmOptions): GranularWorld => GranularWorld.cached({ options });

export const USERFAULTFD_RULES: readonly HgmRule[] = [
  {
    part: 'UFFDIO_API',
    rule: 'says that there is the feature, by which a program asks for pieces',
    source: '[RFC PATCH v2 33/47]',
    versions: RFCS,
    check(options) {
      const bit = d.MINOR_HUGETLBFS_HGM;
      const known = (isStock: boolean): number =>
        mm.knownFeatures(new GranularWorld({ options, isStock }).machine);
      assert.equal(known(false), known(true) | bit);
      assert.equal(known(true) & bit, 0);
      const stock = new GranularWorld({ options, isStock: true });
      assert.equal(stock.userfaultfd(pieceFeatures(options)).result, EINVAL);
    },
  },
  {
    part: 'UFFDIO_API',
    rule: 'knows no such feature where MADV_SPLIT asks for pieces: EINVAL',
    source: '[PATCH 00/46], changes since RFC v2',
    versions: POSTINGS,
    check(options) {
      const world = new GranularWorld({ options });
      assert.equal(world.userfaultfd(d.MINOR_HUGETLBFS_HGM).result, EINVAL);
      assert.equal(world.userfaultfd(0).result, 0);
    },
  },
  {
    part: 'UFFDIO_API',
    rule: 'of the feature alone is EINVAL in RFC v2, which wants exact addresses, too',
    source: '[RFC PATCH v2 35/47]',
    versions: RFCS,
    check(options) {
      const { uffd, result } = new GranularWorld({ options }).userfaultfd(d.MINOR_HUGETLBFS_HGM);
      assert.equal(result, options === d.HGM_RFC_V2 ? EINVAL : 0);
      assert.equal(uffd.features, result === 0 ? d.MINOR_HUGETLBFS_HGM : undefined);
      const both = d.MINOR_HUGETLBFS_HGM | UffdFeature.EXACT_ADDRESS;
      assert.equal(new GranularWorld({ options }).userfaultfd(both).result, 0);
    },
  },
  {
    part: 'UFFDIO_REGISTER',
    rule: 'with the feature, lets a shared mapping be mapped in pieces; a private one is EINVAL',
    source: '[RFC PATCH v2 34/47], [RFC PATCH v2 13/47]',
    versions: RFCS,
    check(options) {
      const world = cached(options);
      const { uffd } = world.userfaultfd(pieceFeatures(options));
      assert.equal(world.register(uffd, UffdMode.MINOR, FIRST, HUGE), 0);
      assert.deepEqual(world.continue(uffd, FIRST + 7, 1), [0, PAGE]);
      assert.equal(world.draw(FIRST, HUGE), '7x-4K 4K 504x-4K');
      world.map(24 * GIB, HUGE, world.task, 0x12);
      assert.equal(world.register(uffd, UffdMode.MINOR, 24 * GIB, HUGE), EINVAL);
      world.end();
    },
  },
  {
    part: 'UFFDIO_REGISTER',
    rule: 'does not let pages be mapped in pieces unless that was asked for',
    source: '[PATCH v2 33/46]',
    check(options) {
      const world = cached(options);
      const { uffd } = world.userfaultfd(0);
      assert.equal(world.register(uffd, UffdMode.MINOR), 0);
      assert.deepEqual(world.continue(uffd, FIRST, 1), [EINVAL, EINVAL]);
      assert.deepEqual(world.continue(uffd, FIRST, HUGE), [0, HUGE * PAGE]);
      world.end();
    },
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'as a call maps 4 KiB, and each size between, and says how many bytes',
    source: '[PATCH v2 33/46]',
    check: watched(
      (world, uffd) => {
        assert.deepEqual(world.continue(uffd, FIRST + HUGE - 1, 1), [0, PAGE]);
        assert.deepEqual(world.continue(uffd, FIRST + HUGE, HUGE), [0, HUGE * PAGE]);
        const rest = 3 * HUGE + 2;
        assert.deepEqual(world.continue(uffd, FIRST + 2 * HUGE, rest), [0, rest * PAGE]);
        assert.equal(world.draw(FIRST, 6 * HUGE), '511x-4K 4K 4x2M 2x4K 510x-4K');
      },
      undefined,
      { pages: GIB, count: 1 },
    ),
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'as a call is answered as that of whole pages: by an errno, or EAGAIN and what was done',
    source: '[PATCH v2 33/46]; fs/userfaultfd.c userfaultfd_continue()',
    check: watched((world, uffd) => {
      world.continue(uffd, FIRST + 5, 1);
      assert.deepEqual(world.continue(uffd, FIRST + 5, 1), [EEXIST, EEXIST]);
      assert.deepEqual(world.continue(uffd, FIRST, 9), [EAGAIN, 5 * PAGE]);
      run(mm.fallocate(world.task, world.file, 3, HUGE * PAGE, HUGE * PAGE));
      assert.deepEqual(world.continue(uffd, FIRST + HUGE, 1), [EFAULT, EFAULT]);
      assert.deepEqual(world.continue(uffd, FIRST + 0.5, 1), [EINVAL, undefined]);
    }),
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'alone makes pieces: UFFDIO_COPY, POISON and ZEROPAGE are of whole pages that are empty',
    source: '[PATCH v2 33/46]',
    check: watched((world, uffd) => {
      const { task } = world;
      const of = (pages: number) => ({ start: FIRST * PAGE, length: pages * PAGE, mode: 0 });
      world.continue(uffd, FIRST + 5, 1);
      for (const [pages, result] of [
        [1, EINVAL],
        [HUGE, EEXIST],
      ] as const) {
        const copy = mm.uffdioCopy(task, uffd, { ...of(pages), source: FIRST * PAGE });
        assert.equal(run(copy).result, result);
        assert.equal(run(mm.uffdioPoison(task, uffd, of(pages))).result, result);
        assert.equal(run(mm.uffdioZeropage(task, uffd, of(pages))).result, EINVAL);
      }
    }, UffdMode.MINOR | UffdMode.MISSING),
  },
  {
    part: 'UFFDIO_CONTINUE',
    rule: 'with write protection is younger than pieces, and EINVAL where they may be',
    source: 'Linux 6.4, UFFDIO_CONTINUE_MODE_WP',
    check: watched((world, uffd) => {
      const { WP } = mm.UffdFillMode;
      assert.deepEqual(world.continue(uffd, FIRST, 1, WP), [EINVAL, EINVAL]);
    }, UffdMode.MINOR | UffdMode.WP),
  },
  {
    part: 'events',
    rule: 'a minor fault is told by its small page, in a page of which a part is mapped, too',
    source: '[RFC PATCH v2 35/47]; [PATCH v2 34/46]',
    check: watched((world, uffd) => {
      assert.equal(world.touch(FIRST + 9), WAIT);
      world.continue(uffd, FIRST + 9, 1);
      assert.equal(world.touch(FIRST + 11, mm.Access.READ), WAIT);
      assert.equal(world.touch(FIRST + HUGE + 7), WAIT);
      const { MINOR, WRITE } = UffdFlag;
      assert.deepEqual(world.readFaults(uffd), [
        [FIRST + 11, MINOR],
        [FIRST + HUGE + 7, MINOR | WRITE],
      ]);
    }),
  },
  {
    part: 'events',
    rule: 'a page that the file does not have is told as a whole, unless exact addresses were asked for',
    source: '[PATCH v2 34/46]',
    check(options) {
      const world = new GranularWorld({ options });
      world.map();
      const uffd = world.watch(UffdMode.MISSING | UffdMode.MINOR);
      assert.equal(world.touch(FIRST + HUGE + 7), WAIT);
      const page = options.needsExactAddress ? FIRST + HUGE + 7 : FIRST + HUGE;
      assert.deepEqual(world.readFaults(uffd), [[page, UffdFlag.WRITE]]);
      assert.equal(world.head(1), -1);
      world.end();
    },
  },
  {
    part: 'events',
    rule: 'a fault waits until its own small page is mapped, and then is not told again',
    source: '[PATCH v2 33/46]; [PATCH v2 34/46]',
    check: watched((world, uffd) => {
      assert.equal(world.touch(FIRST + 9), WAIT);
      world.continue(uffd, FIRST + 10, 1);
      assert.deepEqual(world.readFaults(uffd), [[FIRST + 9, UffdFlag.MINOR | UffdFlag.WRITE]]);
      assert.equal(uffd.faults.length, 1);
      world.continue(uffd, FIRST + 9, 1);
      assert.equal(uffd.faults.length, 0);
      assert.deepEqual([world.touch(FIRST + 9), world.touch(FIRST + 10)], [DONE, DONE]);
    }),
  },
  {
    part: 'events',
    rule: 'are over where pages are collapsed, holes included',
    source: '[PATCH v2 36/46]',
    check: watched((world, uffd) => {
      world.continue(uffd, FIRST + 9, 1);
      assert.equal(world.touch(FIRST + 11), WAIT);
      world.readFaults(uffd);
      assert.equal(world.collapse(FIRST, HUGE), 0);
      assert.equal(world.draw(FIRST, HUGE), '2M');
      assert.equal(world.touch(FIRST + 12), DONE);
      assert.deepEqual(world.readFaults(uffd), []);
    }),
  },
];
