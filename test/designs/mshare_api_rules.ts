/** Names, sizes, attaching, objects: what calls on regions return. */
import assert from 'node:assert/strict';
import * as d from '../../src/designs/index.ts';
import * as mm from '../../src/mm/index.ts';
import type { Rule } from './mshare_rule.ts';
import { MAP, NO_FILES, O, PAGE, RegionWorld, SPAN } from './region_world.ts';

const { run, Fault } = mm;
const { msharefs, V2 } = d;
const MADV_DONTFORK = 10;

const NAMES: readonly Rule[] = [
  {
    source: '01/22, 03/22',
    rule: 'the root is inode 1, open to all',
    check(world) {
      const root = msharefs.fstat(world.owner, world.open('/', O.RDONLY));
      assert.deepEqual([root.ino, root.mode], [1, 0o777]);
      assert.equal(msharefs.MSHARE_MAGIC, 0x4d534852);
    },
  },
  {
    source: '02/22',
    rule: 'mshare_info is inode 2, to be read, and says 512 GiB',
    check(world) {
      const info = world.open('mshare_info', O.RDONLY);
      const { ino, mode } = msharefs.fstat(world.owner, info);
      assert.deepEqual([ino, mode], [2, 0o444]);
      assert.equal(msharefs.read(world.owner, info), '549755813888\n');
    },
  },
  {
    source: '03/22',
    rule: 'mshare_info keeps its name',
    check({ owner, mount }) {
      assert.equal(run(msharefs.unlink(owner, mount, 'mshare_info')), mm.EPERM);
      const [info, other] = [[mount, 'mshare_info'] as const, [mount, 'x'] as const];
      assert.equal(run(msharefs.rename(owner, info, other)), mm.EPERM);
    },
  },
  {
    source: '03/22',
    rule: 'there are directories, hard links, and names that change',
    check(world) {
      const { owner, mount } = world;
      const file = world.open('one');
      assert.equal(msharefs.mkdir(mount, 'dir'), 0);
      assert.equal(run(msharefs.link(owner, mount, 'one', 'dir/two')), 0);
      assert.equal(msharefs.fstat(owner, file).links, 2);
      assert.equal(msharefs.rmdir(mount, 'dir'), mm.ENOTEMPTY);
      assert.equal(run(msharefs.rename(owner, [mount, 'one'], [mount, 'three'])), 0);
      assert.equal(run(msharefs.unlink(owner, mount, 'dir/two')), 0);
      assert.equal(msharefs.rmdir(mount, 'dir'), 0);
      assert.equal(world.open('three', O.RDWR).mapped?.inode, file.mapped?.inode);
    },
  },
  {
    source: '01/22',
    rule: 'two mounts share no names',
    check(world) {
      world.open('region');
      const other = msharefs.mountMsharefs(world);
      assert.equal(run(msharefs.open(world.owner, other, 'region', O.RDWR)), mm.ENOENT);
      const names = [[world.mount, 'region'] as const, [other, 'region'] as const] as const;
      assert.equal(run(msharefs.rename(world.owner, ...names)), mm.EXDEV);
    },
  },
  {
    source: '01/22',
    rule: 'a file has no content',
    check: (world) => assert.equal(msharefs.read(world.owner, world.region()), mm.EINVAL),
  },
];

const SIZES: readonly Rule[] = [
  {
    source: '05/22',
    rule: 'a size is a multiple of 512 GiB, and is set once',
    check(world) {
      const file = world.open();
      const truncate = (bytes: number): number => run(mm.ftruncate(world.owner, file, bytes));
      const results = [SPAN - PAGE, SPAN + 1, 2 * SPAN, 2 * SPAN, SPAN].map(truncate);
      assert.deepEqual(results, [mm.EINVAL, mm.EINVAL, 0, mm.EINVAL, mm.EINVAL]);
      assert.equal(msharefs.fstat(world.owner, file).size, 2 * SPAN);
    },
  },
  {
    source: '05/22',
    rule: 'fallocate(2) sets it, without modes and from 0 on',
    check(world) {
      const file = world.open();
      const allocate = (mode: number, offset: number): number =>
        run(mm.fallocate(world.owner, file, mode, offset, SPAN));
      assert.deepEqual(
        [allocate(1, 0), allocate(0, PAGE), allocate(0, 0), allocate(0, 0)],
        [mm.EOPNOTSUPP, mm.EINVAL, 0, mm.EINVAL],
      );
    },
  },
  {
    source: '05/22 (inode_newsize_ok)',
    rule: 'a size above what files may have is EFBIG',
    check(world) {
      const file = world.open();
      assert.equal(run(mm.ftruncate(world.owner, file, 2 ** 63)), mm.EFBIG);
      const layout = { ...mm.DEFAULT_LAYOUT, fileLimit: SPAN };
      const limited = run(mm.newProcess(world.machine, 0, layout))!;
      assert.equal(run(mm.ftruncate(limited, file, 2 * SPAN)), mm.EFBIG);
    },
  },
  {
    source: '05/22, inferred',
    rule: 'O_TRUNC on a new file sets the size to 0 for ever',
    check(world) {
      const file = world.open('trap', O.RDWR | O.CREAT | O.TRUNC);
      assert.equal(run(mm.ftruncate(world.owner, file, SPAN)), mm.EINVAL);
      assert.equal(world.attach(world.owner, file), mm.EINVAL);
    },
  },
];

const ATTACHING: readonly Rule[] = [
  {
    source: '07/22, 18/22',
    rule: 'only a region with a size is attached, as a whole, shared, by 512 GiB',
    check(world) {
      const unsized = world.open('unsized');
      assert.equal(world.attach(world.owner, unsized), mm.EINVAL);
      const file = world.region();
      const attach = (more: Partial<mm.MmapArguments>): number =>
        world.attach(world.owner, file, more);
      assert.equal(attach({ flags: MAP.PRIVATE }), mm.EINVAL);
      assert.equal(attach({ length: PAGE }), mm.EINVAL);
      assert.equal(attach({ length: 2 * SPAN }), mm.EINVAL);
      assert.equal(attach({ length: 2 ** 47 + SPAN }), mm.ENOMEM);
      const flags = MAP.SHARED | MAP.FIXED;
      assert.equal(attach({ flags, address: SPAN + PAGE }), mm.EINVAL);
      assert.equal(attach({ flags, address: 3 * SPAN }), 3 * SPAN);
    },
  },
  {
    source: '07/22',
    rule: 'a hint is rounded up; without one the highest place is taken',
    check(world) {
      const file = world.region();
      assert.equal(world.attach(world.owner, file, { address: SPAN + 1 }), 2 * SPAN);
      assert.equal(world.attach(world.owner, file, { address: SPAN + 1 }), 0x7f0000000000);
      assert.equal(world.attach(world.owner, file), 0x7e8000000000);
      world.check();
    },
  },
  {
    source: '07/22',
    rule: 'the VMA may not grow, be divided or be protected',
    check(world) {
      const file = world.region();
      const at = world.attach(world.owner, file);
      const vma = world.owner.mm.vmas.at(at / PAGE)!;
      assert.equal(vma.flags & mm.VM.DONTEXPAND, mm.VM.DONTEXPAND);
      assert.equal(run(mm.munmap(world.owner, at, PAGE)), mm.EINVAL);
      assert.equal(run(mm.munmap(world.owner, at + PAGE, SPAN)), mm.EINVAL);
      assert.equal(run(mm.mprotect(world.owner, at, PAGE, 1)), mm.EINVAL);
      assert.equal(run(mm.mprotect(world.owner, at, SPAN, 3)), mm.EINVAL);
      const call = { prot: 3, flags: 0x32, file: undefined, offset: 0 };
      const over = mm.mmap(world.owner, { address: at + PAGE, length: PAGE, ...call });
      assert.equal(run(over), mm.EINVAL);
      assert.equal(run(mm.madvise(world.owner, at, PAGE, MADV_DONTFORK)), mm.EINVAL);
      assert.equal(run(mm.munmap(world.owner, at, SPAN)), 0);
    },
  },
  {
    source: '00/22',
    rule: 'one region at several places, in one process and in others',
    check(world) {
      const file = world.region();
      world.create(file);
      const [other] = world.others as [mm.Task];
      const flags = MAP.SHARED | MAP.FIXED;
      const places = [
        [world.owner, world.attach(world.owner, file)],
        [world.owner, world.attach(world.owner, file)],
        [other, world.attach(other, file, { flags, address: 7 * SPAN })],
      ] as const;
      run(mm.store(other, (7 * SPAN) / PAGE, 5));
      for (const [task, at] of places) assert.equal(run(mm.load(task, at / PAGE)), 5);
      assert.equal(world.shares(file), 3);
      world.check();
    },
  },
  {
    source: '07/22, inferred',
    rule: 'the offset of mmap(2) is not looked at',
    check(world) {
      const file = world.region();
      world.create(file);
      const at = world.attach(world.owner, file, { offset: 5 * PAGE });
      assert.equal(run(mm.store(world.owner, at / PAGE, 5)), 0);
    },
  },
  {
    source: '13/22, 14/22, inferred',
    rule: 'what mmap(2) was asked for does not bind: rights are those of the object',
    check(world) {
      const file = world.region();
      world.create(file);
      world.create(file, { regionOffset: PAGE, prot: 1 });
      const at = world.attach(world.owner, file, { prot: 1 });
      assert.equal(run(mm.store(world.owner, at / PAGE, 5)), 0);
      assert.deepEqual(world.faults(world.owner, at + PAGE), [1, Fault.ACCERR]);
    },
  },
  {
    source: '00/22, inferred',
    rule: 'the example of the cover, O_RDONLY and PROT_WRITE, is refused by mmap(2) itself',
    check(world) {
      world.region();
      const file = world.open('region', O.RDONLY);
      assert.equal(world.attach(world.owner, file), mm.EACCES);
      assert.ok(world.attach(world.owner, file, { prot: 1 }) > 0);
    },
  },
];

const OBJECTS: readonly Rule[] = [
  {
    source: '18/22, 19/22',
    rule: 'the numbers of the ioctls are those of their structures',
    check() {
      assert.deepEqual(d.MSHAREFS, { CREATE_MAPPING: 0x40287800, UNMAP: 0x40107801 });
      const words = { regionOffset: 1, size: 2, offset: 3, prot: 4, flags: 5, fd: 6 };
      const bytes = d.encodeCreate(words);
      assert.equal(bytes.length, 40);
      assert.deepEqual(
        [0, 8, 16, 24, 28, 32].map((at) => bytes[at]),
        [1, 2, 3, 4, 5, 6],
      );
      assert.deepEqual(d.decodeCreate(bytes), words);
    },
  },
  {
    source: '18/22',
    rule: 'without a size every command is EINVAL; then the pointer, then the command',
    check(world) {
      const file = world.open();
      const { CREATE_MAPPING, UNMAP } = d.MSHAREFS;
      const tried = [0x7899, CREATE_MAPPING, UNMAP].map((nr) => world.ioctl(file, nr, undefined));
      assert.deepEqual(tried, [mm.EINVAL, mm.EINVAL, mm.EINVAL]);
      run(mm.ftruncate(world.owner, file, SPAN));
      const again = [CREATE_MAPPING, UNMAP, 0x7899].map((nr) => world.ioctl(file, nr, undefined));
      assert.deepEqual(again, [mm.EFAULT, mm.EFAULT, mm.ENOTTY]);
    },
  },
  {
    source: '18/22, 20/22',
    rule: 'an object is shared, at a fixed place, in the region, of a file that is no region',
    check(world) {
      const file = world.region();
      const memory = mm.memfdCreate(world.owner, 0, 0) as mm.OpenFile;
      const caller = { files: (fd: number) => [memory, file][fd] };
      const { SHARED, PRIVATE, FIXED, ANONYMOUS, HUGETLB } = MAP;
      const of = (more: Partial<d.MshareCreate>): number => world.create(file, more, caller);
      assert.equal(of({ regionOffset: SPAN, flags: 0 }), mm.EINVAL);
      assert.equal(of({ flags: SHARED | ANONYMOUS }), mm.EINVAL);
      assert.equal(of({ flags: PRIVATE | FIXED | ANONYMOUS }), mm.EINVAL);
      assert.equal(of({ flags: SHARED | FIXED, fd: 9 }), mm.EBADF);
      assert.equal(of({ flags: SHARED | FIXED | HUGETLB, fd: 0 }), mm.EINVAL);
      assert.equal(of({ flags: SHARED | FIXED, fd: 1 }), mm.EINVAL);
      assert.equal(of({ regionOffset: SPAN - PAGE, size: 2 * PAGE }), mm.EINVAL);
      assert.equal(of({ regionOffset: 1 }), mm.EINVAL);
      assert.equal(of({ flags: SHARED | FIXED, fd: 0 }), 0);
      assert.equal(of({ regionOffset: SPAN - PAGE }), 0);
    },
  },
  {
    source: '18/22, 19/22',
    rule: 'who is killed while it waits for the host gets EINTR',
    check(world) {
      const file = world.region();
      assert.equal(world.create(file, {}, { ...NO_FILES, isKilled: true }), mm.EINTR);
      assert.equal(world.unmap(file, 0, PAGE, true), mm.EINTR);
    },
  },
  {
    source: '18/22, inferred',
    rule: 'an object takes the place of what is there',
    check(world) {
      const file = world.region();
      const at = world.attach(world.owner, file) / PAGE;
      world.create(file);
      run(mm.store(world.owner, at, 5));
      world.create(file);
      assert.equal(run(mm.load(world.owner, at)), 0);
      world.check();
    },
  },
  {
    source: '19/22',
    rule: 'UNMAP takes what lies in the region',
    check(world) {
      const file = world.region();
      world.create(file, { size: 4 * PAGE });
      const ranges: [number, number][] = [
        [0, SPAN + PAGE],
        [SPAN, PAGE],
        [SPAN - PAGE, 2 * PAGE],
        [1, PAGE],
      ];
      for (const range of ranges) assert.equal(world.unmap(file, ...range), mm.EINVAL);
      assert.equal(world.unmap(file, 0, 0), mm.EINVAL);
      assert.equal(world.unmap(file, PAGE, PAGE), 0);
      assert.equal(world.hostOf(file).vmas.size, 2);
    },
  },
  {
    source: 'v2 16/20',
    rule: 'before v3 objects are anonymous, and fd is -1',
    check() {
      const old = new RegionWorld(V2);
      const file = old.region();
      assert.equal(old.create(file, { fd: 3 }), mm.EINVAL);
      assert.equal(old.create(file), 0);
    },
  },
];

export const API_RULES: readonly Rule[] = [...NAMES, ...SIZES, ...ATTACHING, ...OBJECTS];
