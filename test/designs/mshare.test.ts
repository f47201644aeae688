/**
 * The rules of mshare v3, one test each. Sources: patches of "[PATCH v3 00/22] Add support for shared
 * PTEs across processes", 19 August 2025 (20250820010415.699353-N-anthony.yznaga@oracle.com), by number.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as d from '../../src/designs/index.ts';
import * as mm from '../../src/mm/index.ts';
import { API_RULES } from './mshare_api_rules.ts';
import { MEMORY_RULES } from './mshare_memory_rules.ts';
import { MAP, NO_FILES, O, PAGE, RegionWorld, SPAN } from './region_world.ts';

const { run, Fault, Access } = mm;
const { msharefs, V3, MENDED } = d;

for (const { source, rule, check } of [...API_RULES, ...MEMORY_RULES]) {
  test(`${rule} (${source})`, () => check(new RegionWorld(V3)));
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

/** The locks that an operation takes and drops, in order. */
function locksOf(machine: mm.Machine, operation: mm.Op<unknown>): string[] {
  const locks: string[] = [];
  for (const at of operation) {
    const text = mm.describePoint(machine, at);
    if (/^(UN)?LOCK/.test(text) && !/zone|folio/.test(text)) locks.push(text);
  }
  return locks;
}

test('a fault that links holds the mmap locks of guest and host, then page_table_lock (13/22)', () => {
  const world = new RegionWorld(V3);
  const file = world.region();
  world.create(file);
  const page = world.attach(world.owner, file) / PAGE;
  run(mm.handleUserFault(world.owner, page, Access.WRITE));
  const [guest, host] = [world.owner.mm.id, world.hostOf(file).id];
  const locks = locksOf(world.machine, mm.handleUserFault(world.owner, page, Access.WRITE));
  const vma = world.owner.mm.vmas.at(page)!;
  assert.deepEqual(locks, [
    `UNLOCK_SHARED lock of VMA ${vma.id}`,
    `LOCK_SHARED mmap_lock of mm ${guest}`,
    `LOCK_SHARED mmap_lock of mm ${host}`,
    `LOCK page_table_lock of mm ${guest}`,
    `UNLOCK page_table_lock of mm ${guest}`,
    `UNLOCK_SHARED mmap_lock of mm ${host}`,
    `UNLOCK_SHARED mmap_lock of mm ${guest}`,
  ]);
});

test('a change of the host flushes every CPU, those too that never ran a guest (08/22)', () => {
  const world = new RegionWorld(V3, 'x86_64-4level', { cpus: 4 });
  const file = world.region();
  world.create(file);
  run(mm.store(world.owner, world.attach(world.owner, file) / PAGE, 5));
  const { machine } = world;
  const bytes = d.encodeUnmap({ regionOffset: 0, size: PAGE });
  const asked: number[] = [];
  for (const at of d.ioctl(V3, world.owner, file, d.MSHAREFS.UNMAP, bytes, NO_FILES)) {
    if (mm.kindOf(at) !== mm.PointKind.ACKNOWLEDGED) continue;
    const cpu = machine.objects.numberOf('cpu', mm.objectOf(at));
    asked.push(cpu);
    const handler = mm.interruptActor(machine, cpu);
    handler.next();
    handler.next();
  }
  assert.deepEqual([...new Set(asked)], [1, 2, 3]);
});

test('who listens to a guest is told of changes in the host, if that is forwarded', () => {
  for (const name of ['mended', 'forwarding']) {
    const heard: number[][] = [];
    const listener: d.Design = {
      name: 'listener',
      *invalidateSecondary(world, cpu, id, start, end) {
        yield mm.reading(world.objects.tlb(cpu));
        heard.push([id, start, end]);
      },
    };
    const variant = [MENDED, ...d.PROPOSALS].find((one) => one.name === name)!;
    const world = new RegionWorld(variant, 'x86_64-4level', { designs: [listener] });
    const file = world.region();
    world.create(file);
    const page = world.attach(world.owner, file) / PAGE;
    run(mm.store(world.owner, page, 5));
    heard.length = 0;
    world.unmap(file, 0, PAGE);
    const guest = world.owner.mm.id;
    const told = heard.filter(([id]) => id === guest);
    const isCovered = told.some(([, start, end]) => start! <= page && end! > page);
    assert.equal(isCovered, name === 'forwarding', name);
  }
});

test('the memory cgroup is that of the file in v1 and v2', () => {
  const world = new RegionWorld(d.PROPOSALS.find(({ name }) => name === 'file-charged')!);
  const region = d.regionOfInode(world.machine, world.region().mapped!.inode)!;
  const { payer, isPayerGone } = d.chargesOf(world.variant, world.machine, region);
  assert.deepEqual([payer, isPayerGone], [undefined, false]);
});

test('ownership stays with a thread through execve(2)', () => {
  const world = new RegionWorld(V3);
  const file = world.region();
  world.create(file);
  const program = mm.memfdCreate(world.owner, 0, 0) as mm.OpenFile;
  run(mm.ftruncate(world.owner, program, PAGE));
  const parts = { offset: 0, fileBytes: PAGE, memoryBytes: PAGE, prot: 5 };
  const task = run(
    mm.execve(world.owner, {
      image: {
        file: program,
        isPositionIndependent: false,
        segments: [{ address: 0x400000, ...parts }],
      },
      interpreter: undefined,
      argumentPages: 1,
      stackLimit: 2 ** 23,
    }),
  ) as mm.Task;
  assert.notEqual(task, mm.ENOMEM);
  assert.equal(world.hostOf(file).vmas.size, 1);
  run(mm.exit(task));
  assert.equal(world.hostOf(file).vmas.size, 0);
});

test('a region that there is no address space for is ENOMEM (04/22)', () => {
  const world = new RegionWorld(V3, 'x86_64-4level', { mms: 3 });
  assert.equal(run(msharefs.open(world.owner, world.mount, 'region', O.RDWR | O.CREAT)), mm.ENOMEM);
});
