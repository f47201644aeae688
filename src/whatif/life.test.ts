import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  GIB,
  host,
  MIB2,
  mm,
  object,
  populated,
  workers,
} from '../../test/fixtures/hand_made_host.ts';
import { type HostSnapshot, RunKind } from '../snapshot/records.ts';
import { explainHost } from '../twin/explain.ts';
import { PROT } from '../uapi/mman.ts';
import { DESIGNS } from './evaluate.ts';
import { type HostEvent, Life } from './life.ts';

const ALIGNED = 4 * GIB;
const SYSV = [object('sysv', '/SYSV00000000')];
const READ_WRITE = PROT.READ | PROT.WRITE;

function lifeOf(snapshot: HostSnapshot, id: string): Life {
  const design = DESIGNS.find((entry) => entry.id === id);
  assert.ok(design);
  return new Life(design.apply(explainHost(snapshot)));
}

/** Tables that each event adds, or takes away. */
function growth(life: Life, events: readonly HostEvent[]): number[] {
  let now = life;
  return events.map((event) => {
    const before = now.tables();
    now = now.after(event);
    assert.equal(now.isOpen, false);
    return now.tables() - before;
  });
}

const protect = (mm: number, start: number, pages: number, protection: number): HostEvent => ({
  what: 'protect',
  mm,
  start,
  end: start + pages,
  protection,
});

test('2006: one of 1500 who protects one page has tables of its own for what the shared one spans', () => {
  const oracle = host(SYSV, workers(1500, 153_901, [populated(ALIGNED, 300 * GIB)]));
  const page = ALIGNED + 7 * GIB + 100;
  const events = [protect(3, page, 1, PROT.READ)];
  assert.deepEqual(growth(lifeOf(oracle, 'pt2006-pte'), events), [1]);
  // It leaves 1 GiB, and touches that again.
  assert.deepEqual(growth(lifeOf(oracle, 'pt2006-pmd'), events), [1 + 512]);
  assert.deepEqual(growth(lifeOf(oracle, 'today'), events), [0]);
});

test('2006: who has changed a part still shares the rest, and what it had alone stays its own', () => {
  const life = lifeOf(host(SYSV, workers(3, 0, [populated(ALIGNED, 4 * MIB2)])), 'pt2006-pte');
  const changes = [
    protect(0, ALIGNED, MIB2, PROT.READ),
    // Nobody else has the new table: it changes where it is.
    protect(0, ALIGNED, MIB2, READ_WRITE),
    // A second who does the same finds nobody alike; the third has the old table to itself by then.
    protect(1, ALIGNED, MIB2, PROT.READ),
    protect(2, ALIGNED, MIB2, PROT.READ),
  ];
  assert.deepEqual(growth(life, changes), [1, 0, 1, 0]);
});

test('hugetlb: mprotect of a huge page gives up one PMD table, and undoing it does not share again', () => {
  const snapshot = host(SYSV, workers(4, 0, [populated(ALIGNED, 4 * GIB)]));
  const changes = [
    protect(2, ALIGNED + GIB, MIB2, PROT.READ),
    protect(2, ALIGNED + GIB, MIB2, READ_WRITE),
    { what: 'unmap', mm: 2, start: ALIGNED, end: ALIGNED + GIB },
    { what: 'exit', mm: 2 },
  ] as const;
  // With its own PMD table the process takes its PUD table and its root.
  assert.deepEqual(growth(lifeOf(snapshot, 'hugetlb-2m-aligned'), changes), [1, 0, 0, -3]);
});

test('hugetlb: who moves what it has in tables of its own has it in such tables there, too', () => {
  const snapshot = host(SYSV, workers(2, 0, [populated(ALIGNED, 4 * GIB)]));
  const moved = ALIGNED + 8 * GIB;
  const changes = [
    protect(1, ALIGNED, 4 * GIB, PROT.READ),
    // Its mapping is like the other's again, and none of its tables is.
    protect(1, ALIGNED, 4 * GIB, READ_WRITE),
    { what: 'move', mm: 1, start: ALIGNED, end: ALIGNED + 4 * GIB, to: moved },
    { what: 'unmap', mm: 1, start: moved, end: moved + GIB },
  ] as const;
  assert.deepEqual(growth(lifeOf(snapshot, 'hugetlb-2m-aligned'), changes), [4, 0, 0, -1]);
});

test('on-demand-fork: a store copies one table, a fork makes all common again', () => {
  const part = populated(ALIGNED, GIB, RunKind.PTE, { object: -1, shared: false });
  const child = { ...part, rows: part.rows.map((row) => ({ ...row, content: 1 })) };
  const family = host([], [mm(1, 514, [child]), mm(2, 514, [child])]);
  const changes = [
    { what: 'store', mm: 1, start: ALIGNED + 5, end: ALIGNED + 6 },
    // A third: its PMD table, PUD table and root.
    { what: 'fork', mm: 1 },
    { what: 'store', mm: 2, start: ALIGNED, end: ALIGNED + 2 * MIB2 },
    // A part of a table that is unmapped, too, takes a copy; a whole one does not.
    { what: 'unmap', mm: 2, start: ALIGNED + 8 * MIB2, end: ALIGNED + 9 * MIB2 + 1 },
  ] as const;
  assert.deepEqual(growth(lifeOf(family, 'on-demand-fork'), changes), [1, 3, 2, 1]);
});

test('mshare: a region ends with its maker, but for the table that guests are linked to', () => {
  const snapshot = host(SYSV, workers(3, 515, [populated(ALIGNED, GIB)]));
  const region = 3;
  const life = lifeOf(snapshot, 'mshare');
  // Each process has a root; the region has one, its PUD table, a PMD table and 512 PTE tables.
  assert.equal(life.tables(), 3 + 1 + 1 + 1 + 512);
  assert.deepEqual(growth(life, [{ what: 'exit', mm: 0 }]), [-1 - 1 - 512]);
  const alone = [
    { what: 'detach', mm: 1, region },
    { what: 'detach', mm: 2, region },
    { what: 'exit', mm: 0 },
  ] as const;
  assert.deepEqual(growth(life, alone), [0, 0, -1 - 1 - 1 - 512]);
});

test('huge pages of shmem: a child finds whole what its parent had to divide', () => {
  const life = lifeOf(host(SYSV, workers(1, 0, [populated(ALIGNED, 4 * MIB2)])), 'shmem-thp');
  const events: HostEvent[] = [
    protect(0, ALIGNED, 1, PROT.READ),
    protect(0, ALIGNED, MIB2, READ_WRITE),
    { what: 'fork', mm: 0 },
  ];
  // A PTE table, which stays; a root, a PUD and a PMD table of the child.
  assert.deepEqual(growth(life, events), [1, 0, 3]);
});

test('huge pages of shmem: who discards all of one that it had to divide finds it whole', () => {
  const life = lifeOf(host(SYSV, workers(2, 0, [populated(ALIGNED, 4 * MIB2)])), 'shmem-thp');
  const discard = (pages: number): HostEvent => ({
    what: 'discard',
    mm: 0,
    start: ALIGNED,
    end: ALIGNED + pages,
  });
  const events = [
    protect(0, ALIGNED, 1, PROT.READ),
    // No mapping has all of it: its table is emptied in two steps, and stays.
    discard(MIB2),
    protect(0, ALIGNED, MIB2, READ_WRITE),
    discard(MIB2 / 2),
    discard(MIB2),
  ];
  assert.deepEqual(growth(life, events), [1, 0, 0, 0, -1]);
});
