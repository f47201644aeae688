import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
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
import type { Outcome } from './design.ts';
import { DESIGNS, evaluateDesigns } from './evaluate.ts';

/** Tables below the roots that `snapshot` needs under design `id`. */
function tables(snapshot: HostSnapshot, id: string): number {
  const design = DESIGNS.find((entry) => entry.id === id);
  assert.ok(design);
  return evaluateDesigns(explainHost(snapshot), [design])[0]!.count.distinct;
}

function outcomeOf(snapshot: HostSnapshot, id: string): Outcome {
  const design = DESIGNS.find((entry) => entry.id === id);
  assert.ok(design);
  return design.apply(explainHost(snapshot));
}

const ALIGNED = 4 * GIB;
const SYSV = [object('sysv', '/SYSV00000000')];

/** The mails' example: 300 GiB mapped by 1500 processes. */
const ORACLE = host(SYSV, workers(1500, 153_901, [populated(ALIGNED, 300 * GIB)]));

test('today: 300 GiB mapped by 1500 processes costs 943,718,400,000 bytes of PTE tables', () => {
  const twin = explainHost(ORACLE);
  assert.equal(twin.today.objectPteTables[0]! * 4096, 943_718_400_000);
  assert.deepEqual(twin.exact.includes(false), false);
});

test('mshare: the same 300 GiB needs 630,378,496 bytes of tables, in one host mm', () => {
  assert.equal(tables(ORACLE, 'mshare') * 4096, 630_378_496);
});

test('mshare: objects whose region would cost more than their tables stay where they are', () => {
  // Heap in the same tables: half of them are the object's, and they would stay.
  const heap = populated(ALIGNED + 10, 10, RunKind.PTE, { object: -1, shared: false });
  const small = host(SYSV, workers(2, 3, [populated(ALIGNED, 10), heap]));
  assert.equal(tables(small, 'mshare'), tables(small, 'today'));
  const large = host(SYSV, workers(2, 515, [populated(ALIGNED, GIB)]));
  assert.equal(tables(large, 'mshare'), 512 + 1 + 1);
});

test('mshare: private mappings never move', () => {
  const files = [object('file', '/lib')];
  const text = populated(ALIGNED, GIB, RunKind.PTE, { shared: false, protection: PROT.READ });
  const snapshot = host(files, workers(8, 514, [text]));
  assert.equal(tables(snapshot, 'mshare'), tables(snapshot, 'today'));
});

test('hugetlb: one PMD table a GiB when aligned, two private ends when not', () => {
  const at = (start: number) => host(SYSV, workers(16, 0, [populated(start, 4 * GIB)]));
  // And one PUD table for each process.
  assert.equal(tables(at(ALIGNED), 'hugetlb-2m'), 4 + 16);
  assert.equal(tables(at(ALIGNED + GIB / 2), 'hugetlb-2m'), 3 + 2 * 16 + 16);
  assert.equal(tables(at(ALIGNED + GIB / 2), 'hugetlb-2m-aligned'), 4 + 16);
});

test('hugetlb: a segment that is no multiple of 1 GiB keeps a private table for its tail', () => {
  const snapshot = host(SYSV, workers(16, 0, [populated(ALIGNED, 4 * GIB + 3 * MIB2)]));
  assert.equal(tables(snapshot, 'hugetlb-2m-aligned'), 4 + 16 + 16);
});

test('hugetlb, aligned: two segments do not take the same place', () => {
  const objects = [...SYSV, object('memfd', '/memfd:b')];
  const parts = [
    populated(ALIGNED + MIB2, GIB),
    populated(ALIGNED + MIB2 + GIB, GIB, RunKind.PTE, { object: 1 }),
  ];
  const snapshot = host(objects, workers(4, 0, parts));
  assert.equal(tables(snapshot, 'hugetlb-2m-aligned'), 2 + 4);
});

test('hugetlb: mappings that part within a huge page part at its end, and stay one segment', () => {
  const rights = { protection: PROT.READ, offset: 700 };
  const parts = [
    populated(ALIGNED, 700),
    populated(ALIGNED + 700, 1024 - 700 + MIB2, RunKind.PTE, rights),
    // All of it is in the huge page that the one before ends in.
    populated(ALIGNED + 3 * MIB2, 100, RunKind.PTE, { offset: 3 * MIB2 }),
    populated(ALIGNED + 3 * MIB2 + 100, 50, RunKind.PTE, { ...rights, offset: 3 * MIB2 + 100 }),
  ];
  const placesOf = (id: string): unknown =>
    outcomeOf(host(SYSV, workers(1, 0, parts)), id).snapshot.mms[0]!.vmas.map(
      ({ start, end, offset, protection }) => [
        (start - ALIGNED) / MIB2,
        (end - ALIGNED) / MIB2,
        offset / MIB2,
        protection,
      ],
    );
  const together = [
    [0, 2, 0, 3],
    [2, 3, 2, PROT.READ],
    [3, 4, 3, 3],
  ];
  assert.deepEqual(placesOf('hugetlb-2m'), together);
  assert.deepEqual(placesOf('hugetlb-2m-aligned'), together);
});

test('hugetlb: a segment whose huge pages would reach into its neighbour is mapped below', () => {
  const heap = populated(ALIGNED + 700, 10, RunKind.PTE, { object: -1, shared: false });
  const moved = outcomeOf(host(SYSV, workers(1, 0, [populated(ALIGNED, 700), heap])), 'hugetlb-2m');
  assert.deepEqual(
    moved.snapshot.mms[0]!.vmas.map(({ start, end }) => [start - ALIGNED, end - ALIGNED]),
    [
      [-MIB2, MIB2],
      [700, 710],
    ],
  );
});

test('hugetlb: only shared memory moves, not files and not private memory', () => {
  const objects = [object('file', '/index')];
  const parts = [
    populated(ALIGNED, GIB),
    populated(ALIGNED + 2 * GIB, GIB, RunKind.PTE, { object: -1, shared: false }),
  ];
  const snapshot = host(objects, workers(4, 0, parts));
  assert.equal(tables(snapshot, 'hugetlb-2m'), tables(snapshot, 'today'));
});

test('shmem THP: PMD leaves for whole 2 MiB, a PTE table for the rest, nothing shared', () => {
  const snapshot = host(SYSV, workers(16, 0, [populated(ALIGNED + 7, GIB + 100)]));
  // 512 leaves in one PMD table, a tail in the next, and a PUD table.
  assert.equal(tables(snapshot, 'shmem-thp'), 16 * (2 + 1 + 1));
});

test('2006: PTE tables are shared where one VMA covers their span, PMD tables at 1 GiB', () => {
  const part = populated(ALIGNED + MIB2, 2 * GIB);
  const snapshot = host(SYSV, workers(8, 0, [part]));
  const perProcess = 1024 + 3 + 1;
  assert.equal(tables(snapshot, 'today'), 8 * perProcess);
  assert.equal(tables(snapshot, 'pt2006-pte'), 1024 + 8 * (3 + 1));
  assert.equal(tables(snapshot, 'pt2006-pmd'), 1024 + 1 + 8 * (2 + 1));
});

test('2006: another address, other bounds, or other rights mean no sharing', () => {
  const pte = (...starts: readonly [number, number, number][]) =>
    tables(
      host(
        SYSV,
        starts.map(([start, pages, protection], index) =>
          mm(index + 1, 0, [populated(start, pages, RunKind.PTE, { protection })]),
        ),
      ),
      'pt2006-pte',
    );
  const upper = 2 * 2;
  assert.equal(pte([ALIGNED, GIB, 3], [ALIGNED, GIB, 3]), 512 + upper);
  assert.equal(pte([ALIGNED, GIB, 3], [ALIGNED + GIB, GIB, 3]), 1024 + upper);
  assert.equal(pte([ALIGNED, GIB, 3], [ALIGNED, GIB - MIB2, 3]), 1023 + upper);
  assert.equal(pte([ALIGNED, GIB, 3], [ALIGNED, GIB, 1]), 1024 + upper);
});

test('2006: writable private and anonymous mappings are not shared, read-only text is', () => {
  const objects = [object('file', '/bin')];
  const at = (vma: object) =>
    tables(host(objects, workers(4, 0, [populated(ALIGNED, GIB, RunKind.PTE, vma)])), 'pt2006-pte');
  assert.equal(at({ shared: false, protection: 3 }), 4 * 514);
  assert.equal(at({ shared: false, object: -1 }), 4 * 514);
  assert.equal(at({ shared: false, protection: PROT.READ }), 512 + 4 * 2);
});

test('on-demand-fork: anonymous tables with the same frames are one', () => {
  const child = (pid: number, content: number) => {
    const part = populated(ALIGNED, GIB, RunKind.PTE, { object: -1, shared: false });
    return mm(pid, 514, [{ ...part, rows: part.rows.map((row) => ({ ...row, content })) }]);
  };
  // Two that share all, and one that has rewritten the first half: ids 257 to 512 are common.
  const family = host([], [child(1, 1), child(2, 1), child(3, 257)]);
  assert.equal(tables(family, 'on-demand-fork'), 512 + 256 + 3 * 2);
  // The two that share all have the same upper tables, too.
  assert.equal(tables(family, 'identical'), 512 + 256 + 2 * 2);
});

test('on-demand-fork: without having compared all tables, what was found is a lower bound', () => {
  const bound = (contentsCompared: boolean, id: string) => {
    const seen = host([], workers(2, 0, []));
    const snapshot = { ...seen, coverage: { ...seen.coverage, contentsCompared } };
    const design = DESIGNS.find((entry) => entry.id === id);
    return design?.apply(explainHost(snapshot)).bound;
  };
  assert.equal(bound(true, 'on-demand-fork'), 'exact');
  assert.equal(bound(false, 'on-demand-fork'), 'lower');
  assert.equal(bound(true, 'identical'), 'upper');
  assert.equal(bound(false, 'identical'), 'lower');
});

test('identical: tables of one object at congruent places are one, at every level', () => {
  const objects = [object('shmem', '/dev/shm/x')];
  const at = (start: number) => populated(start, 512 * GIB);
  const snapshot = host(objects, [mm(1, 0, [at(512 * GIB)]), mm(2, 0, [at(2048 * GIB)])]);
  assert.equal(tables(snapshot, 'identical'), 512 * 513 + 1);
});

test('identical: tables that a mapping covers in part are one where the parts are the same', () => {
  const part = populated(ALIGNED + 3 * MIB2 + 5, 2 * GIB);
  // 1023 whole tables and two at the ends; one PMD table whole and two in part; and a PUD table.
  const once = 1025 + 3 + 1;
  assert.equal(tables(host(SYSV, workers(9, 0, [part])), 'identical'), once);
  const shorter = populated(ALIGNED + 3 * MIB2 + 5, 2 * GIB - 1);
  const both = host(SYSV, [mm(1, 0, [part]), mm(2, 0, [shorter])]);
  assert.equal(tables(both, 'identical'), once + 3, 'the last table of each level differs');
});

test('no design that shares tables passes the line of identical ones', () => {
  const sharing = ['today', 'pt2006-pte', 'pt2006-pmd', 'mshare', 'on-demand-fork'];
  const odd = host(SYSV, workers(30, 0, [populated(ALIGNED + 9, 3 * GIB + 77)]));
  for (const snapshot of [ORACLE, odd]) {
    for (const id of sharing) assert.ok(tables(snapshot, 'identical') <= tables(snapshot, id), id);
  }
});

test('no design changes what nobody can see: residuals and unread processes stay in both sums', () => {
  const part = populated(ALIGNED, GIB);
  const unread = { ...mm(9, 77, []), visibility: 'status' as const };
  const twin = explainHost(host(SYSV, [...workers(4, 514 + 5, [part]), unread]));
  for (const { design, beforePages, pages, count } of evaluateDesigns(twin, DESIGNS)) {
    assert.equal(beforePages, 4 * 519 + 77 + 5);
    assert.equal(
      beforePages - pages,
      twin.today.distinct - count.distinct - (design.id === 'mshare' ? 1 : 0),
    );
  }
});

test('what each process saves adds up to what the design saves', () => {
  const parts = [
    populated(ALIGNED + 3 * MIB2, 5 * GIB),
    populated(GIB, 700, RunKind.PTE, { object: 1 }),
  ];
  const objects = [...SYSV, object('file', '/data')];
  const twin = explainHost(host(objects, workers(7, 0, parts)));
  const evaluations = evaluateDesigns(twin, DESIGNS);
  for (const { design, beforePages, pages, saved, addedPages } of evaluations) {
    const sum = saved.reduce((total, value) => total + value, -addedPages);
    assert.ok(Math.abs(sum - (beforePages - pages)) < 1e-6, design.id);
  }
});

test('hugetlb: aligned segments never meet, even where all below them is taken', () => {
  // The third and fourth go below their places, the second to 0, and the first finds nothing left.
  const starts = [GIB, 3 * GIB + 100, 5 * GIB, 5 * GIB + 8 * MIB2];
  const segments = starts.map((start) => populated(start, 2 * MIB2));
  const aligned = DESIGNS.find(({ id }) => id === 'hugetlb-2m-aligned')!;
  const [evaluation] = evaluateDesigns(explainHost(host(SYSV, workers(1, 0, segments))), [aligned]);
  const { vmas } = evaluation!.outcome.snapshot.mms[0]!;
  assert.equal(vmas.length, starts.length);
  for (const [index, { start }] of vmas.entries()) {
    assert.equal(start % GIB, 0);
    assert.ok(index === 0 || vmas[index - 1]!.end <= start);
  }
});

/** A mapping behind another one. */
const anyPlace = fc.record({
  gap: fc.oneof(fc.constant(0), fc.nat(1000)),
  pages: fc.integer({ min: 1, max: 3000 }),
  offset: fc.oneof(fc.constant(0), fc.nat(2000)),
  isShared: fc.boolean(),
});

test('no design puts a mapping where another one is', () => {
  fc.assert(
    fc.property(fc.array(anyPlace, { minLength: 1, maxLength: 6 }), (places) => {
      let end = ALIGNED;
      const mapped = places.map(({ gap, pages, offset, isShared }) => {
        const start = end + gap;
        end = start + pages;
        const kind = isShared ? { offset } : { object: -1, shared: false };
        return populated(start, pages, RunKind.PTE, kind);
      });
      const twin = explainHost(host(SYSV, workers(2, 100, mapped)));
      for (const [index, { count }] of evaluateDesigns(twin, DESIGNS).entries()) {
        const { id } = DESIGNS[index]!;
        assert.ok(count.distinct > 0, id);
        for (const { vmas } of outcomeOf(twin.snapshot, id).snapshot.mms) {
          vmas.slice(1).forEach((vma, at) => {
            assert.ok(vmas[at]!.end <= vma.start, `${id}: ${JSON.stringify(vmas)}`);
          });
        }
      }
    }),
  );
});
