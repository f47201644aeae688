import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Ledger, MAPPED_NOW } from './ledger.ts';

const BOTH = 0b11;
const MM = 0;

test('pages that lose the right to be written to, one after another, are one obligation', () => {
  const ledger = new Ledger();
  for (let page = 10; page < 20; page++) ledger.openProtected(BOTH, MM, page, page + 1);
  assert.equal(ledger.size, 1);
  assert.deepEqual(
    [9, 10, 19, 20].map((page) => ledger.countStale(1, MM, page, true)),
    [0, 1, 1, 0],
  );
  assert.equal(ledger.stale(1, MM, 15, 0, true), MAPPED_NOW);
  // It may be read through the entry as well.
  assert.equal(ledger.countStale(1, MM, 15, false), 0);
  assert.equal(ledger.holdsFrame(15), false);
});

test('a flush of a part leaves the rest, on each CPU of its own', () => {
  const ledger = new Ledger();
  ledger.openProtected(BOTH, MM, 10, 20);
  ledger.discharge(0, MM, 12, 14);
  const open = (cpu: number): number[] =>
    [11, 12, 13, 14].map((page) => ledger.countStale(cpu, MM, page, true));
  assert.deepEqual(open(0), [1, 0, 0, 1]);
  assert.deepEqual(open(1), [1, 1, 1, 1]);
  ledger.discharge(1, MM, 0, Number.POSITIVE_INFINITY);
  assert.deepEqual(open(1), [0, 0, 0, 0]);
  ledger.discharge(0, MM, 0, Number.POSITIVE_INFINITY);
  assert.equal(ledger.size, 0);
});

test('a page that is unmapped before the flush leaves its frame to be written to', () => {
  const ledger = new Ledger();
  ledger.openProtected(BOTH, MM, 10, 20);
  ledger.openPage(BOTH, MM, 15, 99, false);
  assert.equal(ledger.stale(0, MM, 15, 0, true), 99);
  assert.equal(ledger.countStale(0, MM, 15, true), 1);
  assert.equal(ledger.holdsFrame(99), true);
  assert.equal(ledger.stale(0, MM, 14, 0, true), MAPPED_NOW);
});
