/** KVM and an IOMMU follow an address space: nothing of theirs survives an invalidation. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Bugs } from '../../src/mm/index.ts';
import { findIn, randomRace, randomRegionRace } from './random_guest.ts';

/** A fifth of the bar unless told otherwise. */
const SCHEDULES = Number(process.env.PTSHARE_SCHEDULES ?? 20_000);

test('no entry of a guest survives an invalidation, in random schedules', () => {
  const { found, schedules } = findIn(SCHEDULES, (seed) => randomRace(seed, {}));
  assert.equal(found, undefined);
  assert.ok(schedules >= SCHEDULES);
});

test('nor where its memory is an attached region, if the host tells its guests', () => {
  const raceOf = (seed: number) => randomRegionRace(seed, 'i-mmap-kept');
  assert.equal(findIn(SCHEDULES / 10, raceOf).found, undefined);
});

test('it does if the host does not', () => {
  assert.match(
    String(findIn(SCHEDULES, (seed) => randomRegionRace(seed, 'no')).found),
    /P-UAF-PAGE/,
  );
});

const STEPS: readonly (keyof Bugs)[] = [
  'noRangeStart',
  'kvmIgnoresSequence',
  'kvmIgnoresInProgress',
  'kvmRetryUnlocked',
  'kvmSequenceReadLate',
  'kvmSequenceAtStart',
  'kvmWithoutZap',
  'kvmFlushAtEnd',
  'kvmFlushUnlocked',
];
for (const bug of STEPS) {
  test(`the same schedules find what ${bug} leaves out`, () => {
    const { found } = findIn(SCHEDULES, (seed) => randomRace(seed, { [bug]: true }));
    assert.match(String(found), /P-UAF-PAGE|P-TLB|P-COW|P-PERM|P-DATA|P-COUNT/);
  });
}
