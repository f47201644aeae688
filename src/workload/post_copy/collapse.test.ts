import assert from 'node:assert/strict';
import { test } from 'node:test';
import { collapse, tablesOf } from './collapse.ts';
import { POST_COPY_DESIGNS } from './guest.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const guest = { guestBytes: GIB };
const designOf = (id: string) => POST_COPY_DESIGNS.find((design) => design.id === id)!;

test('a guest of 1 GiB needs 513 tables more in pieces of 4 KiB, and one in those of 2 MiB', () => {
  const tables = [4 * KIB, 2 * MIB, GIB].map((size) => tablesOf(GIB, size));
  // The root and the table of 1 GiB entries are always there.
  assert.deepEqual(tables, [2 + 1 + 512, 2 + 1, 2]);
});

test('counts at small pages are changed once at once, and three times in two rounds', () => {
  const [once, twice] = [[GIB], [2 * MIB, GIB]].map((rounds) =>
    collapse(guest, designOf('hgm-v2'), rounds),
  );
  assert.deepEqual([once!.counts, twice!.counts], [2 ** 18, 3 * 2 ** 18]);
  for (const id of ['hgm-rfc-v1', 'hgm-v1']) {
    assert.equal(collapse(guest, designOf(id), [GIB]).counts, 0);
  }
});

test('at once, a vCPU waits about a second for 1 GiB; in two rounds no longer than for one of them', () => {
  const once = collapse(guest, designOf('hgm-v2'), [GIB]);
  assert.ok(Math.abs(once.longestUs - 1e6) < 10, String(once.longestUs));
  assert.equal(once.longestUs, once.totalUs);
  const twice = collapse(guest, designOf('hgm-v2'), [2 * MIB, GIB]);
  assert.ok(twice.longestUs < 0.3 * once.longestUs);
  const entries = collapse(guest, designOf('hgm-v1'), [2 * MIB, GIB]);
  assert.ok(entries.longestUs < 2000, 'two milliseconds');
});

test('what is left are the tables of the last round', () => {
  assert.equal(collapse(guest, designOf('hgm-v1'), [2 * MIB]).tables, 3);
  assert.equal(collapse(guest, designOf('hgm-v1'), [2 * MIB, GIB]).tables, 2);
  assert.equal(collapse(guest, designOf('hugetlb-2m'), []).tables, 3);
});
