/** Faults, tables, owners, and what other calls do to an attached region. */
import assert from 'node:assert/strict';
import * as d from '../../src/designs/index.ts';
import * as mm from '../../src/mm/index.ts';
import type { Rule } from './mshare_rule.ts';
import { O, PAGE, RegionWorld, SPAN } from './region_world.ts';

const { run, Fault } = mm;
const { msharefs, V3 } = d;
const MADV = { DONTNEED: 4, FREE: 8, POPULATE_READ: 22 } as const;

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

export const MEMORY_RULES: readonly Rule[] = [...FAULTS, ...TABLES, ...OWNERS, ...CALLS];
