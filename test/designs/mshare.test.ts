/**
 * The rules of mshare v3, one test each. Sources: patches of "[PATCH v3 00/22] Add support for shared
 * PTEs across processes", 19 August 2025 (20250820010415.699353-N-anthony.yznaga@oracle.com), by number.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as d from '../../src/designs/index.ts';
import * as mm from '../../src/mm/index.ts';
import { MAP, NO_FILES, O, PAGE, RegionWorld, SPAN } from './region_world.ts';

const { run, Fault, Access } = mm;
const { msharefs, V2, V3, MENDED } = d;
const MADV = { NORMAL: 0, DONTNEED: 4, DONTFORK: 10, FREE: 8, POPULATE_READ: 22 } as const;

interface Rule {
  readonly source: string;
  readonly rule: string;
  check(world: RegionWorld): void;
}

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
      assert.equal(run(mm.madvise(world.owner, at, PAGE, MADV.DONTFORK)), mm.EINVAL);
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

const FAULTS: readonly Rule[] = [
  {
    source: '13/22, 14/22, inferred',
    rule: 'faults until an access succeeds: 2, 1, 2, 1, 0',
    check(world) {
      const file = world.region();
      world.create(file, { size: 4 * PAGE });
      const [second, third] = world.others as [mm.Task, mm.Task];
      const at = world.attach(world.owner, file);
      assert.deepEqual(world.faults(world.owner, at), [2, Fault.DONE], 'nobody was here before');
      assert.deepEqual(world.faults(second, world.attach(second, file)), [1, Fault.DONE], 'links');
      assert.deepEqual(
        world.faults(third, world.attach(third, file) + PAGE),
        [2, Fault.DONE],
        'links, then fills',
      );
      assert.deepEqual(world.faults(world.owner, at + 2 * PAGE), [1, Fault.DONE], 'fills');
      assert.deepEqual(world.faults(world.owner, at + PAGE), [0, Fault.DONE], 'is there');
      world.check();
    },
  },
  {
    source: '14/22',
    rule: 'where the region has nothing the program gets SIGSEGV (MAPERR), linked or not',
    check(world) {
      const file = world.region();
      const at = world.attach(world.owner, file);
      assert.deepEqual(world.faults(world.owner, at), [1, Fault.MAPERR]);
      world.create(file);
      world.faults(world.owner, at);
      assert.deepEqual(world.faults(world.owner, at + PAGE), [1, Fault.MAPERR]);
    },
  },
  {
    source: '13/22',
    rule: 'a fault that no program took is SIGBUS: GUP gets EFAULT',
    check(world) {
      const file = world.region();
      world.create(file);
      const page = world.attach(world.owner, file) / PAGE;
      const flags = mm.FOLL.GET | mm.FOLL.WRITE;
      assert.equal(run(mm.getUserPageSlow(world.owner, page, flags)), mm.EFAULT);
      run(mm.store(world.owner, page, 5));
      const frame = run(mm.getUserPageSlow(world.owner, page, flags));
      assert.equal(world.machine.frameData[frame], 5);
      run(mm.unpin(world.owner, frame));
    },
  },
  {
    source: '13/22',
    rule: 'with five levels the guest gets a table of its own, and links below it',
    check() {
      const world = new RegionWorld(V3, 'x86_64-5level');
      const file = world.region();
      world.create(file);
      const at = world.attach(world.owner, file);
      assert.deepEqual(world.faults(world.owner, at), [2, Fault.DONE]);
      assert.equal(world.owner.mm.tables, 1);
      world.unmap(file, 0, PAGE);
      world.check();
    },
  },
];

const TABLES: readonly Rule[] = [
  {
    source: '12/22, 13/22',
    rule: 'the share count is that of links: the host does not count, a second attachment does',
    check(world) {
      const file = world.region();
      world.create(file);
      const [other] = world.others as [mm.Task];
      const [one, two] = [world.attach(world.owner, file), world.attach(world.owner, file)];
      const three = world.attach(other, file);
      assert.equal(world.shares(file), undefined);
      const seen = [
        [world.owner, one],
        [world.owner, two],
        [other, three],
      ] as const;
      const counts = seen.map(([task, at]) => {
        run(mm.load(task, at / PAGE));
        return world.shares(file);
      });
      assert.deepEqual(counts, [1, 2, 3]);
      run(mm.munmap(world.owner, two, SPAN));
      run(mm.exit(other));
      assert.equal(world.shares(file), 1);
      world.check();
    },
  },
  {
    source: '12/22',
    rule: 'a PUD table that guests are linked to stays, empty, and is filled again',
    check(world) {
      const file = world.region();
      world.create(file);
      const at = world.attach(world.owner, file);
      run(mm.store(world.owner, at / PAGE, 5));
      assert.equal(world.hostOf(file).tables, 3);
      world.unmap(file, 0, PAGE);
      assert.deepEqual([world.hostOf(file).tables, world.shares(file)], [1, 1]);
      world.create(file);
      assert.deepEqual(world.faults(world.owner, at), [1, Fault.DONE]);
      world.check();
    },
  },
  {
    source: '13/22',
    rule: 'who detaches leaves pages and tables as they are',
    check(world) {
      const file = world.region();
      world.create(file);
      const at = world.attach(world.owner, file);
      run(mm.store(world.owner, at / PAGE, 5));
      run(mm.munmap(world.owner, at, SPAN));
      assert.deepEqual([...world.hostOf(file).rss], [0, 0, 0, 1]);
      assert.equal(world.owner.mm.tables, 0);
      assert.equal(run(mm.load(world.owner, world.attach(world.owner, file) / PAGE)), 5);
      world.check();
    },
  },
  {
    source: '00/22, 13/22',
    rule: 'pages and tables count with the host, whose CPU mask is empty; linking charges nobody',
    check(world) {
      const file = world.region();
      world.create(file);
      const [other] = world.others as [mm.Task];
      run(mm.store(other, world.attach(other, file) / PAGE, 5));
      const host = world.hostOf(file);
      assert.deepEqual([other.mm.tables, [...other.mm.rss]], [0, [0, 0, 0, 0]]);
      assert.deepEqual([host.tables, [...host.rss]], [3, [0, 0, 0, 1]]);
      assert.equal(world.machine.mmCpus[host.id], 0);
      const region = d.regionOfInode(world.machine, file.mapped!.inode)!;
      const charges = d.chargesOf(world.variant, world.machine, region);
      const paid = { pages: 1, tables: 4, payer: region.maker, isPayerGone: false };
      assert.deepEqual(charges, paid);
    },
  },
  {
    source: 'Pedro Falcato, February 2026',
    rule: 'reverse maps find one mapping, and a map count of one, however many guests there are',
    check(world) {
      const file = world.region();
      const memory = mm.memfdCreate(world.owner, 0, 0) as mm.OpenFile;
      run(mm.ftruncate(world.owner, memory, PAGE));
      world.create(file, { flags: 0x11, fd: 0 }, { files: () => memory });
      const tasks = [world.owner, ...world.others];
      for (const task of tasks) run(mm.load(task, world.attach(task, file) / PAGE));
      const { inode } = memory.mapped!;
      assert.equal(inode.mappings.size, 1);
      assert.equal(world.machine.frameMapcount[inode.pages.get(0)], 1);
    },
  },
  {
    source: '04/22',
    rule: 'the host goes with the last name, open file and guest',
    check(world) {
      const { owner, machine, mount } = world;
      const file = world.region();
      world.create(file);
      const at = world.attach(owner, file);
      run(mm.store(owner, at / PAGE, 5));
      run(msharefs.unlink(owner, mount, 'region'));
      run(msharefs.close(owner, file));
      assert.equal(run(mm.load(owner, at / PAGE)), 5);
      assert.equal(machine.mms.all().length, 4);
      run(mm.munmap(owner, at, SPAN));
      assert.equal(machine.mms.all().length, 3);
      assert.equal(machine.inodes.all().length, 0);
      world.check();
    },
  },
];

const OWNERS: readonly Rule[] = [
  {
    source: '17/22, 18/22',
    rule: 'with its owner a region loses what it has; guests get SIGSEGV, new ones EINVAL',
    check(world) {
      const file = world.region();
      world.create(file);
      const [other] = world.others as [mm.Task];
      const at = world.attach(other, file);
      run(mm.store(other, at / PAGE, 5));
      run(mm.exit(world.owner));
      assert.equal(world.hostOf(file).vmas.size, 0);
      assert.deepEqual(world.faults(other, at), [1, Fault.MAPERR]);
      assert.equal(world.attach(other, file), mm.EINVAL);
      world.check();
    },
  },
  {
    source: '17/22',
    rule: 'ownership is not inherited, nor lost by the exit of a child',
    check(world) {
      const file = world.region();
      world.create(file);
      const child = run(mm.fork(world.owner, 0)) as mm.Task;
      run(mm.exit(child));
      assert.equal(world.hostOf(file).vmas.size, 1);
    },
  },
  {
    source: '17/22, inferred',
    rule: 'it is the thread that owns: the region ends with it, though its process lives',
    check(world) {
      const thread = run(mm.cloneVm(world.owner, 0));
      const file = world.open('region', O.RDWR | O.CREAT, thread);
      run(mm.ftruncate(thread, file, SPAN));
      world.create(file);
      run(mm.exit(thread));
      assert.equal(world.hostOf(file).vmas.size, 0);
      assert.equal(world.attach(world.owner, file), mm.EINVAL);
    },
  },
  {
    source: '18/22, inferred',
    rule: 'objects may be added after that: only mmap(2) asks for the owner',
    check(world) {
      const file = world.region();
      const [other] = world.others as [mm.Task];
      const at = world.attach(other, file);
      run(mm.exit(world.owner));
      assert.equal(world.create(file), 0);
      assert.deepEqual(world.faults(other, at), [2, Fault.DONE]);
      const region = d.regionOfInode(world.machine, file.mapped!.inode)!;
      assert.equal(d.chargesOf(world.variant, world.machine, region).isPayerGone, true);
    },
  },
];

const CALLS: readonly Rule[] = [
  {
    source: 'Jann Horn, 30 May 2025',
    rule: 'fork copies the VMA, not the link: the child links at its first fault',
    check(world) {
      const file = world.region();
      world.create(file);
      const at = world.attach(world.owner, file);
      run(mm.store(world.owner, at / PAGE, 5));
      const child = run(mm.fork(world.owner, 0)) as mm.Task;
      assert.equal(world.shares(file), 1);
      assert.deepEqual(world.faults(child, at), [1, Fault.DONE]);
      assert.equal(world.shares(file), 2);
      run(mm.store(child, at / PAGE, 6));
      assert.equal(run(mm.load(world.owner, at / PAGE)), 6);
      world.check();
    },
  },
  {
    source: '13/22, inferred',
    rule: 'MADV_DONTNEED drops the link of all 512 GiB, and discards nothing',
    check(world) {
      const file = world.region();
      world.create(file);
      const at = world.attach(world.owner, file);
      run(mm.store(world.owner, at / PAGE, 5));
      assert.equal(run(mm.madvise(world.owner, at + 99 * PAGE, PAGE, MADV.DONTNEED)), 0);
      assert.equal(world.shares(file), 0);
      assert.deepEqual(world.faults(world.owner, at), [1, Fault.DONE]);
      assert.equal(run(mm.load(world.owner, at / PAGE)), 5);
      world.check();
    },
  },
  {
    source: 'Anthony Yznaga, 9 September 2025',
    rule: 'other advice fails: nothing is anonymous, nothing is faulted in',
    check(world) {
      const file = world.region();
      world.create(file);
      const at = world.attach(world.owner, file);
      assert.equal(run(mm.madvise(world.owner, at, PAGE, MADV.FREE)), mm.EINVAL);
      assert.equal(run(mm.madvise(world.owner, at, PAGE, MADV.POPULATE_READ)), mm.EFAULT);
    },
  },
  {
    source: 'inferred',
    rule: 'mlock(2) sets no flag, and fails with ENOMEM where a page is not there yet',
    check(world) {
      const file = world.region();
      world.create(file);
      const at = world.attach(world.owner, file);
      assert.equal(run(mm.mlock(world.owner, at, PAGE)), mm.ENOMEM);
      run(mm.store(world.owner, at / PAGE, 5));
      assert.equal(run(mm.mlock(world.owner, at, PAGE)), 0);
      assert.equal(world.owner.mm.vmas.at(at / PAGE)!.flags & mm.VM.LOCKED, 0);
    },
  },
  {
    source: '07/22, inferred',
    rule: 'mremap(2) does not grow it',
    check(world) {
      const at = world.attach(world.owner, world.region());
      const call = { address: at, oldLength: SPAN, newLength: 2 * SPAN, flags: 1, newAddress: 0 };
      assert.equal(run(mm.mremap(world.owner, call)), mm.EFAULT);
      const half = { ...call, newLength: SPAN / 2 };
      assert.equal(run(mm.mremap(world.owner, half)), mm.EINVAL);
    },
  },
];

const ALL = { NAMES, SIZES, ATTACHING, OBJECTS, FAULTS, TABLES, OWNERS, CALLS };
for (const rules of Object.values(ALL)) {
  for (const { source, rule, check } of rules) {
    test(`${rule} (${source})`, () => check(new RegionWorld(V3)));
  }
}

/** What v3 does by itself, and the mended variant does not. */
test('a table that was kept for guests is lost with the host (v3, inferred otherwise)', () => {
  for (const variant of [V3, MENDED]) {
    const world = new RegionWorld(variant);
    const { owner, machine } = world;
    const file = world.region();
    world.create(file);
    const at = world.attach(owner, file);
    run(mm.store(owner, at / PAGE, 5));
    world.unmap(file, 0, PAGE);
    run(msharefs.unlink(owner, world.mount, 'region'));
    run(msharefs.close(owner, file));
    run(mm.munmap(owner, at, SPAN));
    assert.equal(machine.mms.all().length, 3);
    mm.audit(machine);
    assert.equal(mm.violationOf(machine), variant === V3 ? 'P-COUNT' : undefined, variant.name);
  }
});

test('mremap(2) of a whole region moves tables of the host (v3), unless it is refused', () => {
  for (const variant of [V3, MENDED]) {
    const world = new RegionWorld(variant);
    const file = world.region();
    world.create(file);
    const address = world.attach(world.owner, file);
    run(mm.store(world.owner, address / PAGE, 5));
    const call = { address, oldLength: SPAN, newLength: SPAN, flags: 3, newAddress: 9 * SPAN };
    const result = run(mm.mremap(world.owner, call));
    assert.equal(result, variant === V3 ? 9 * SPAN : mm.EINVAL);
    mm.audit(world.machine);
    assert.equal(mm.violationOf(world.machine) === undefined, variant !== V3, variant.name);
  }
});

test('calls inside a region pass through to its objects (Matthew Wilcox, 8 September 2025)', () => {
  const world = new RegionWorld(d.PROPOSALS.find(({ name }) => name === 'passed')!);
  const file = world.region();
  world.create(file, { size: 4 * PAGE });
  const [other] = world.others as [mm.Task];
  const [one, two] = [world.attach(world.owner, file), world.attach(other, file)];
  run(mm.store(other, two / PAGE, 5));
  assert.equal(run(mm.mprotect(world.owner, one, PAGE, 1)), 0);
  assert.deepEqual(world.faults(other, two + PAGE), [1, Fault.DONE]);
  assert.equal(run(mm.store(other, two / PAGE, 6)), -1 - Fault.ACCERR);
  assert.equal(run(mm.munmap(world.owner, one + PAGE, PAGE)), 0);
  assert.equal(run(mm.load(other, two / PAGE + 1)), -1 - Fault.MAPERR);
  assert.equal(run(mm.munmap(world.owner, one + PAGE, SPAN)), mm.EINVAL);
  assert.equal(run(mm.munmap(world.owner, one, SPAN)), 0);
  world.check();
});

test('GUP in the host with its locks fills what is missing (Jann Horn, 30 May 2025)', () => {
  const [refused, followed] = ['gup-refused', 'gup-host-locks'].map((wanted) => {
    const world = new RegionWorld(d.PROPOSALS.find(({ name }) => name === wanted)!);
    const file = world.region();
    world.create(file);
    const page = world.attach(world.owner, file) / PAGE;
    return run(mm.getUserPageSlow(world.owner, page, mm.FOLL.GET | mm.FOLL.WRITE));
  });
  assert.equal(refused, mm.EFAULT);
  assert.ok(followed! > 0);
});

test('the system-call form does the same, with the same errors', () => {
  const { owner, machine, variant, others } = new RegionWorld(MENDED);
  assert.equal(run(d.mshareCreate(owner, PAGE)), mm.EINVAL);
  const file = run(d.mshareCreate(owner, SPAN)) as mm.OpenFile;
  const flags = MAP.SHARED | MAP.FIXED | MAP.ANONYMOUS;
  const create = { regionOffset: 0, size: PAGE, offset: 0, prot: 3, flags, fd: -1 };
  assert.equal(run(d.mshareMap(variant, owner, file, create, NO_FILES)), 0);
  const at = run(d.mshareAttach(others[0]!, file));
  assert.equal(run(mm.store(others[0]!, at / PAGE, 5)), 0);
  assert.equal(run(d.mshareProtect(owner, file, create, 1)), 0);
  assert.equal(run(mm.store(others[0]!, at / PAGE, 5)), -1 - Fault.ACCERR);
  assert.equal(run(d.mshareUnmap(owner, file, create)), 0);
  assert.equal(run(d.mshareDetach(others[0]!, at + PAGE)), mm.EINVAL);
  assert.equal(run(d.mshareDetach(others[0]!, at)), 0);
  run(mm.closeInode(owner, file.mapped!.inode));
  assert.equal(machine.mms.all().length, 3);
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
});

test('an access needs the right that the object has', () => {
  const world = new RegionWorld(V3);
  const file = world.region();
  world.create(file, { prot: 1 });
  const at = world.attach(world.owner, file);
  assert.deepEqual(world.faults(world.owner, at, Access.READ), [2, Fault.DONE]);
  assert.equal(run(mm.store(world.owner, at / PAGE, 5)), -1 - Fault.ACCERR);
});
