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
import { RunKind } from '../snapshot/records.ts';
import { PROT } from '../uapi/mman.ts';
import { explainHost } from './explain.ts';

/** 1 GiB at a 1 GiB boundary, and the same a page table's span off it. */
const ALIGNED = 4 * GIB;
const UNALIGNED = 4 * GIB + GIB / 2;

/**
 * Distinct tables of one 1 GiB region mapped by K processes, PUD tables left out: the table that was
 * measured on Linux 6.18 by walking the real page tables.
 */
const MEASURED: readonly (readonly [string, number, number, readonly number[]])[] = [
  ['hugetlb, 1 GiB-aligned', ALIGNED, RunKind.HUGETLB_PMD, [1, 1, 1, 1, 1, 1]],
  ['hugetlb, not aligned', UNALIGNED, RunKind.HUGETLB_PMD, [2, 4, 8, 16, 32, 64]],
  ['shmem 4K', ALIGNED, RunKind.PTE, [513, 1026, 2052, 4104, 8208, 16416]],
  ['shmem THP', ALIGNED, RunKind.THP_FILE, [1, 2, 4, 8, 16, 32]],
  ['anonymous 4K', ALIGNED, RunKind.PTE, [513, 1026, 2052, 4104, 8208, 16416]],
  ['anonymous THP', ALIGNED, RunKind.THP_ANON, [513, 1026, 2052, 4104, 8208, 16416]],
];

for (const [name, start, kind, expected] of MEASURED) {
  test(`explainHost() counts the measured tables of 1 GiB: ${name}`, () => {
    const isAnonymous = name.startsWith('anonymous');
    const objects = [object(name.startsWith('hugetlb') ? 'hugetlb' : 'shmem', 'segment')];
    const vma = isAnonymous ? { object: -1, shared: false } : {};
    const found = [1, 2, 4, 8, 16, 32].map((processes) => {
      const part = populated(start, GIB, kind, vma);
      const twin = explainHost(host(objects, workers(processes, 0, [part])));
      return twin.today.distinct - processes;
    });
    assert.deepEqual(found, expected);
  });
}

test('explainHost() counts a table once in which two VMAs have entries', () => {
  const parts = [
    populated(10 * MIB2 + 100, 50, RunKind.PTE, { object: -1 }),
    populated(10 * MIB2 + 200, MIB2, RunKind.PTE, { object: -1 }),
  ];
  const { today } = explainHost(host([], [mm(1, 4, parts)]));
  assert.deepEqual(today.mms[0]?.byLevel, [2, 1, 1, 0]);
});

test('explainHost() divides a table among the objects that have entries in it', () => {
  const objects = [object('file', 'a'), object('file', 'bb')];
  const parts = [
    populated(10 * MIB2, 50, RunKind.PTE, { object: 0 }),
    populated(10 * MIB2 + 50, 50, RunKind.PTE, { object: 1 }),
  ];
  const { today } = explainHost(host(objects, [mm(1, 3, parts)]));
  // One PTE, one PMD and one PUD table, half of each.
  assert.deepEqual([...today.objects], [1.5, 1.5]);
});

test('explainHost() shares hugetlb PMD tables only between equal rights and congruent places', () => {
  const objects = [object('hugetlb', 'pool')];
  const at = (start: number, protection: number) =>
    populated(start, 2 * GIB, RunKind.HUGETLB_PMD, { protection });
  const distinct = (...parts: ReturnType<typeof at>[]) =>
    explainHost(
      host(
        objects,
        parts.map((part, index) => mm(index + 1, 0, [part])),
      ),
    ).today.distinct - parts.length;
  assert.equal(distinct(at(4 * GIB, 3), at(4 * GIB, 3)), 2);
  assert.equal(distinct(at(4 * GIB, 3), at(7 * GIB, 3)), 2, 'at another address');
  assert.equal(distinct(at(4 * GIB, 3), at(4 * GIB, PROT.READ)), 4, 'with other rights');
  // 512 MiB off: one whole slot each, at offsets that never meet, and two private ends.
  assert.equal(distinct(at(4 * GIB, 3), at(4 * GIB + GIB / 2, 3)), 5);
});

test('explainHost() closes the identity, and shows what is left as residual', () => {
  const part = populated(ALIGNED, GIB);
  const snapshot = host([object('shmem', 's')], [mm(1, 514, [part]), mm(2, 516, [part])]);
  const kernel = 136;
  const reported = { ...snapshot.host, pageTablesBytes: (514 + 516 + 2 + kernel) * 4096 };
  const twin = explainHost({ ...snapshot, host: reported });
  assert.deepEqual(twin.exact, [true, false]);
  assert.deepEqual([...twin.residual], [0, 2]);
  assert.equal(twin.identity.explained, 514 + 514 + 2);
  assert.equal(twin.identity.residual, 2);
  assert.equal(twin.identity.remainder, kernel);
});
