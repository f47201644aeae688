import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SharedMms } from './shared_mm.ts';

/** kcmp(2) for processes whose address spaces are given, in an order unlike that of the pids. */
function kcmpOf(mms: ReadonlyMap<number, number>) {
  let calls = 0;
  return {
    get calls() {
      return calls;
    },
    kcmpVm(pid: number, otherPid: number): number {
      calls++;
      const [mm, other] = [mms.get(pid), mms.get(otherPid)];
      if (mm === undefined || other === undefined) return -3;
      const scrambled = (one: number): number => (one * 7919) % 10_007;
      if (mm === other) return 0;
      return scrambled(mm) < scrambled(other) ? 1 : 2;
    },
  };
}

test('SharedMms finds every sharer among many that look the same', () => {
  const count = 3000;
  // Every pid above 2000 runs in the address space of one below.
  const mms = new Map(Array.from({ length: count }, (_, pid) => [pid, pid % 2000]));
  const kcmp = kcmpOf(mms);
  const shared = new SharedMms(kcmp);
  for (let pid = 0; pid < count; pid++) {
    assert.equal(shared.firstOwner(pid, 10, 'maps'), pid % 2000);
  }
  assert.ok(kcmp.calls < count * 12, 'a search takes the logarithm of the lookalikes');
});

test('SharedMms compares only what looks the same', () => {
  const kcmp = kcmpOf(new Map([[1, 1]]));
  const shared = new SharedMms(kcmp);
  shared.firstOwner(1, 10, 'maps');
  shared.firstOwner(2, 11, 'maps');
  shared.firstOwner(3, 10, 'other maps');
  assert.equal(kcmp.calls, 0);
});

test('SharedMms takes a process for its own that may not be compared, or has ended', () => {
  const shared = new SharedMms(kcmpOf(new Map([[1, 1]])));
  assert.equal(shared.firstOwner(1, 10, 'maps'), 1);
  assert.equal(shared.firstOwner(2, 10, 'maps'), 2);
  assert.equal(new SharedMms(undefined).firstOwner(1, 10, 'maps'), 1);
});
