/** Shapes and engine agree: what the what-if computes from mappings is what the engine has, in bytes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { formatById } from '../../src/arch/index.ts';
import type { Machine, OpenFile, Task } from '../../src/mm/index.ts';
import { explainHost } from '../../src/twin/explain.ts';
import { DESIGNS, evaluateDesigns } from '../../src/whatif/evaluate.ts';
import { BLANKED } from './builds.ts';
import { MAP, PAGE_BYTES } from './file_world.ts';
import { snapshotOf } from './snapshot_of.ts';

/** Ten thousand in a long run (`PTSHARE_WORKLOADS=10000`). */
const WORKLOADS = Number(process.env.PTSHARE_WORKLOADS ?? 150);
const mm = BLANKED;
const GIB = 2 ** 18;
const TABLE = 512;
const MADV_DONTNEED = 4;

function machineWith(designs: Machine['designs'], frames: number): Machine {
  return new mm.Machine(
    {
      format: formatById('x86_64-4level')!,
      mms: 6,
      vmas: 128,
      anonVmas: 128,
      frames,
      tables: 160,
      thp: 'never',
      gather: 64,
    },
    {},
    designs,
  );
}

/** Tables below the roots, by the engine, and by the shape of design `id` from what can be seen. */
function compare(machine: Machine, id: string): void {
  mm.audit(machine);
  assert.equal(mm.violationOf(machine), undefined);
  const used = machine.tableUsed.reduce((sum, count) => sum + count, 0);
  const engine = used - machine.mms.all().length;
  const design = DESIGNS.find((known) => known.id === id)!;
  const [shape] = evaluateDesigns(explainHost(snapshotOf(mm, machine)), [design]);
  assert.equal(engine * PAGE_BYTES, shape!.count.distinct * PAGE_BYTES);
}

/** Places of segments, each in a GiB of its own: start, pages, first page of the file. */
const PLACES = [
  [1 * GIB, 2 * TABLE, 0],
  [2 * GIB + 100, 3 * TABLE, 100],
  [3 * GIB + TABLE, TABLE + 7, 512],
  [4 * GIB, 60, 0],
  [5 * GIB, GIB, 0],
] as const;
const KINDS = [
  [3, MAP.SHARED],
  [1, MAP.SHARED],
  [1, MAP.PRIVATE],
] as const;

const step = fc.record({
  what: fc.constantFrom(
    'map',
    'map',
    'touch',
    'touch',
    'touch',
    'protect',
    'unmap',
    'move',
    'fork',
    'exit',
  ),
  process: fc.nat(3),
  place: fc.nat(PLACES.length - 1),
  kind: fc.nat(KINDS.length - 1),
  page: fc.nat(2 ** 20),
});
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** Processes that map segments alike, touch them, and change them, as a whole. */
class Segments {
  readonly machine: Machine;
  readonly #tasks: (Task | undefined)[] = [];
  readonly #file: OpenFile;
  /** Whether PMD tables stay when what they map is changed: then it is unmapped first. */
  readonly #isAnew: boolean;

  constructor(highest: 0 | 1) {
    this.machine = machineWith([mm.shared2006({ ...mm.REVIEWED, highest })], 512);
    this.#isAnew = highest === 1;
    for (let count = 0; count < 4; count++)
      this.#tasks.push(mm.run(mm.newProcess(this.machine, 0)));
    this.#file = mm.memfdCreate(this.#tasks[0]!, 0, 0) as OpenFile;
    mm.run(mm.ftruncate(this.#tasks[0]!, this.#file, 2 * GIB * PAGE_BYTES));
  }

  perform({ what, process, place, kind, page }: Step): void {
    const task = this.#tasks[process];
    const [start, pages] = PLACES[place]!;
    const vma = task?.mm.vmas.at(start);
    if (task === undefined) return;
    if (what === 'exit') {
      const alive = this.#tasks.filter((other) => other !== undefined);
      if (alive.length === 1) return;
      mm.run(mm.exit(task));
      this.#tasks[process] = undefined;
    } else if (what === 'fork') {
      const free = this.#tasks.indexOf(undefined);
      if (free < 0) return;
      const child = mm.run(mm.fork(task, 0));
      assert.ok(typeof child !== 'number');
      this.#tasks[free] = child;
    } else if (what === 'map' && vma === undefined) this.#map(task, place, kind);
    else if (vma === undefined) return;
    else if (what === 'touch') mm.run(mm.load(task, start + (page % 8) * Math.floor(pages / 8)));
    else if (what === 'unmap') mm.run(mm.munmap(task, start * PAGE_BYTES, pages * PAGE_BYTES));
    else if (what === 'protect' && this.#isAnew) {
      mm.run(mm.munmap(task, start * PAGE_BYTES, pages * PAGE_BYTES));
      this.#map(task, place, kind);
    } else if (what === 'protect') {
      mm.run(mm.mprotect(task, start * PAGE_BYTES, pages * PAGE_BYTES, KINDS[kind]![0]));
      this.#empty(task, start, pages);
    } else if (what === 'move' && !this.#isAnew) this.#move(task, start, pages);
  }

  #map(task: Task, place: number, kind: number): void {
    const [start, pages, pgoff] = PLACES[place]!;
    const [prot, flags] = KINDS[kind]!;
    const [address, length, offset] = [start, pages, pgoff].map((count) => count * PAGE_BYTES);
    const call = { address: address!, length: length!, prot, flags: flags | MAP.FIXED };
    mm.run(mm.mmap(task, { ...call, file: this.#file, offset: offset! }));
    mm.run(mm.load(task, start));
  }

  /** There and back again, to a place that nobody else maps. */
  #move(task: Task, start: number, pages: number): void {
    const length = pages * PAGE_BYTES;
    const [here, there] = [start * PAGE_BYTES, (start + 16 * GIB) * PAGE_BYTES];
    for (const [from, to] of [
      [here, there],
      [there, here],
    ] as const) {
      const call = { address: from, oldLength: length, newLength: length, flags: 3 };
      assert.equal(mm.run(mm.mremap(task, { ...call, newAddress: to })), to);
    }
    this.#empty(task, start, pages);
  }

  /** No tables are left from before: VMAs that come to be alike later do not share those. */
  #empty(task: Task, start: number, pages: number): void {
    mm.run(mm.madvise(task, start * PAGE_BYTES, pages * PAGE_BYTES, MADV_DONTNEED));
  }

  /** Upper tables without any below them are not seen by a capture. */
  touchAll(): void {
    for (const task of this.#tasks) {
      for (const vma of task?.mm.vmas.all() ?? []) mm.run(mm.load(task!, vma.start));
    }
  }
}

for (const [id, highest] of [
  ['pt2006-pte', 0],
  ['pt2006-pmd', 1],
] as const) {
  test(`${id}: ${WORKLOADS} random workloads take as many bytes as the shape says`, () => {
    let shared = 0;
    fc.assert(
      fc.property(fc.array(step, { minLength: 5, maxLength: 40 }), (steps) => {
        const segments = new Segments(highest);
        for (const one of steps) segments.perform(one);
        segments.touchAll();
        compare(segments.machine, id);
        shared += segments.machine.tableShares.reduce((sum, count) => sum + count, 0);
      }),
      { numRuns: WORKLOADS },
    );
    assert.ok(shared > 0, 'tables were shared');
  });
}

const familyStep = fc.record({
  what: fc.constantFrom('fork', 'fork', 'write', 'write', 'write', 'unmap', 'exit'),
  process: fc.nat(3),
  area: fc.nat(1),
  page: fc.nat(2 * TABLE),
});
/** Private memory: two tables and a part of a third; a part of one. */
const AREAS = [
  [GIB + 200, 2 * TABLE + 400],
  [2 * GIB, 300],
] as const;

type FamilyStep = typeof familyStep extends fc.Arbitrary<infer T> ? T : never;

/** A process and what comes of it: forks, writes, ends. */
class Family {
  readonly machine: Machine;
  readonly #tasks: (Task | undefined)[] = [];

  constructor(designs: Machine['designs']) {
    this.machine = machineWith(designs, 4096);
    this.#tasks[0] = mm.run(mm.newProcess(this.machine, 0));
    for (const [start, pages] of AREAS) populate(this.#tasks[0]!, start, pages);
  }

  perform({ what, process, area, page }: FamilyStep): void {
    const task = this.#tasks[process];
    if (task === undefined) return;
    const [start, pages] = AREAS[area]!;
    const alive = this.#tasks.filter((other) => other !== undefined).length;
    if (what === 'fork' && alive < 4) this.#fork(task);
    else if (what === 'write') mm.run(mm.store(task, start + (page % pages), 7));
    else if (what === 'unmap') mm.run(mm.munmap(task, start * PAGE_BYTES, pages * PAGE_BYTES));
    else if (what === 'exit' && alive > 1) {
      mm.run(mm.exit(task));
      this.#tasks[process] = undefined;
    }
  }

  #fork(task: Task): void {
    const child = mm.run(mm.fork(task, 0));
    assert.ok(typeof child !== 'number');
    const free = this.#tasks.indexOf(undefined);
    this.#tasks[free < 0 ? this.#tasks.length : free] = child;
  }
}

for (const [name, options] of [
  ['on-demand-fork', mm.ON_DEMAND_FORK],
  ['COW-PTE', mm.COW_PTE],
] as const) {
  test(`${name}: ${WORKLOADS} random families take as many bytes as the shape says`, () => {
    let shared = 0;
    fc.assert(
      fc.property(fc.array(familyStep, { minLength: 3, maxLength: 25 }), (steps) => {
        const family = new Family([mm.onDemandFork(options)]);
        for (const one of steps) family.perform(one);
        compare(family.machine, 'on-demand-fork');
        shared += family.machine.tableShares.reduce((sum, count) => sum + count, 0);
      }),
      { numRuns: WORKLOADS },
    );
    assert.ok(shared > 0, 'tables were shared');
  });
}

function populate(task: Task, start: number, pages: number): void {
  const flags = MAP.PRIVATE | MAP.FIXED | 0x20;
  const [address, length] = [start * PAGE_BYTES, pages * PAGE_BYTES];
  mm.run(mm.mmap(task, { address, length, prot: 3, flags, file: undefined, offset: 0 }));
  for (let page = start; page < start + pages; page++) mm.run(mm.store(task, page, page % 1000));
}
