/** Rules of what other calls do with pages that are mapped in pieces. */
import assert from 'node:assert/strict';
import * as d from '../../../src/designs/index.ts';
import * as mm from '../../../src/mm/index.ts';
import { ALIAS, FIRST, GIB, GranularWorld, HUGE, MADV, PAGE } from './granular_world.ts';
import { type HgmRule, inGigantic, inHuge } from './rule.ts';

const { run, EINVAL, EAGAIN, EIO, Fault } = mm;

const huge = (options: d.HgmOptions): GranularWorld => GranularWorld.ready({ options });

export const UNMAP_RULES: readonly HgmRule[] = [
  {
    part: 'unmap',
    rule: 'each entry gives back its reference to the head, and what it counted',
    source: '[PATCH v2 18/46]',
    check: inGigantic((world) => {
      world.fill(FIRST, HUGE + 3);
      assert.equal(world.references(), 1 + 1 + 4);
      assert.equal(run(mm.munmap(world.task, FIRST * PAGE, GIB * PAGE)), 0);
      assert.equal(world.references(), 2);
      assert.equal(world.task.mm.hugetlbPages, GIB);
    }),
  },
  {
    part: 'unmap',
    rule: 'MADV_DONTNEED stays with whole pages: EINVAL inside of one, and what is not whole is left',
    source: '[PATCH v2 18/46]',
    check: inHuge((world) => {
      world.fill(FIRST, 2);
      assert.equal(world.advise(FIRST + 1, 1, MADV.DONTNEED), EINVAL);
      assert.equal(world.advise(FIRST, 1, MADV.DONTNEED), 0);
      assert.equal(world.pieceAt(FIRST), 1);
      assert.equal(world.advise(FIRST, HUGE, MADV.DONTNEED), 0);
      assert.equal(world.pieceAt(FIRST), 0);
    }),
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
    check: inHuge((world) => {
      world.fill(FIRST, 3);
      assert.equal(run(mm.mprotect(world.task, FIRST * PAGE, HUGE * PAGE, 1)), 0);
      assert.equal(run(mm.store(world.task, FIRST + 1, 7)), -1 - Fault.ACCERR);
      assert.equal(run(mm.mprotect(world.task, FIRST * PAGE, HUGE * PAGE, 3)), 0);
      assert.equal(run(mm.store(world.task, FIRST + 1, 7)), 0);
      assert.equal(run(mm.load(world.task, ALIAS + 1)), 7);
      assert.equal(world.draw(FIRST, HUGE), '3x4K 509x-4K');
    }),
  },
  {
    part: 'mremap',
    rule: 'moves piece by piece',
    source: '[PATCH v2 23/46]',
    check: inHuge((world) => {
      world.fill(FIRST + 2, 3);
      world.touch(FIRST + HUGE);
      run(mm.store(world.task, FIRST + 3, 5));
      const bytes = 2 * HUGE * PAGE;
      const target = 32 * GIB * PAGE;
      const call = { address: FIRST * PAGE, oldLength: bytes, newLength: bytes, flags: 3 };
      assert.equal(run(mm.mremap(world.task, { ...call, newAddress: target })), target);
      assert.equal(world.draw(32 * GIB), '2x-4K 3x4K 507x-4K 2M');
      assert.equal(run(mm.load(world.task, 32 * GIB + 3)), 5);
    }),
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
    check: inGigantic((world) => {
      world.fill(FIRST, HUGE + 2);
      for (const page of [7, HUGE + 1]) {
        const frame = run(mm.getUserPage(world.task, FIRST + page, mm.FOLL.WRITE));
        assert.equal(frame, world.head() + page);
        run(mm.unpin(world.task, frame));
      }
    }),
  },
  {
    part: 'mincore',
    rule: 'says of each small page whether a piece maps it',
    source: '[PATCH v2 25/46]',
    check: inHuge((world) => {
      world.fill(FIRST + 1, 2);
      const resident = new Uint8Array(4);
      run(mm.mincore(world.task, FIRST * PAGE, 4 * PAGE, resident));
      assert.deepEqual([...resident], [0, 1, 1, 0]);
    }),
  },
  {
    part: 'migration',
    rule: 'each entry becomes a migration entry of its size, and comes back with the new page',
    source: '[PATCH v2 30/46]',
    check: inHuge((world, options) => {
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
    }),
  },
  {
    part: 'memory failure',
    rule: 'loses the small page that failed, and maps the rest of its page by the largest pieces',
    source: 'Jiaqi Yan, April 2023',
    check: inGigantic((world, options) => {
      world.split(ALIAS);
      world.touch(FIRST);
      assert.equal(run(d.memoryFailure(world.machine, 0, world.head() + HUGE + 3, options)), 0);
      assert.equal(world.draw(), '2M 3x4K -4K 508x4K 510x2M');
      assert.equal(world.draw(ALIAS), world.draw());
      assert.equal(world.touch(FIRST + HUGE + 3), Fault.SIGBUS);
      assert.equal(world.touch(FIRST + HUGE + 4), Fault.DONE);
    }),
  },
  {
    part: 'memory failure',
    rule: 'of a page that could be mapped in pieces, and is not, makes no table for it',
    source: 'Jiaqi Yan, April 2023',
    check: inHuge((world, options) => {
      world.fill(FIRST + HUGE, HUGE);
      const used = () => world.machine.tableUsed.reduce((sum, is) => sum + is, 0);
      const before = used();
      assert.equal(run(d.memoryFailure(world.machine, 0, world.head() + 3, options)), 0);
      assert.equal(used(), before);
    }),
  },
  {
    part: 'memory failure',
    rule: 'of a page that is not mapped in pieces takes all of it, and it does not come back',
    source: 'Linux 6.18, memory_failure()',
    check(options) {
      const world = new GranularWorld({ options });
      world.map();
      world.touch(FIRST);
      run(d.memoryFailure(world.machine, 0, world.head() + 9, options));
      assert.equal(world.pieceAt(FIRST), 0);
      assert.equal(run(mm.load(world.task, FIRST)), -1 - Fault.SIGBUS);
      world.map(ALIAS);
      assert.equal(world.touch(ALIAS), Fault.SIGBUS);
      assert.equal(world.fill(ALIAS, HUGE), EIO);
      world.end();
    },
  },
  {
    part: 'populate',
    rule: 'fills what is left of a page that is mapped in part',
    source: '[PATCH v2 20/46]',
    check: inHuge((world) => {
      world.fill(FIRST + 1, 1);
      assert.equal(world.advise(FIRST, 2 * HUGE, 23), 0);
      assert.equal(world.draw(), '512x4K 2M');
    }),
  },
  {
    part: 'smaps',
    rule: 'says how much is mapped by entries of each level, and counts what is shared by that',
    source: '[PATCH v2 38/46]',
    check: inGigantic((world, options) => {
      world.fill(FIRST, HUGE + 3);
      const found = run(d.smapsOfHugetlb(world.task, world.vma(), options));
      assert.deepEqual(found.mappedByLevel, [3, HUGE, 0]);
      assert.deepEqual([found.shared, found.private], [HUGE + 3, 0]);
    }),
  },
];
