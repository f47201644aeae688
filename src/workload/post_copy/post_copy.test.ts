import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HGM_GUEST, postCopy } from './post_copy.ts';

const KIB = 2 ** 10;
const MIB = 2 ** 20;
const GIB = 2 ** 30;

const of = (pieceBytes: number) => postCopy({ ...HGM_GUEST, pieceBytes });

test('the smaller the pieces, the sooner a vCPU goes on', () => {
  const [small, large, gigantic] = [of(4 * KIB), of(2 * MIB), of(GIB)];
  assert.ok(small.medianUs < large.medianUs && large.medianUs < gigantic.medianUs);
});

test('each piece arrives once, those that are waited for among them', () => {
  const { faults, arrivals } = of(2 * MIB);
  const pieces = [...arrivals].map((piece) => (piece < 0 ? -1 - piece : piece));
  assert.deepEqual([new Set(pieces).size, Math.max(...pieces)], [512, 511]);
  const waitedFor = arrivals.filter((piece) => piece < 0).length;
  assert.ok(0 < waitedFor && waitedFor <= Math.min(512, faults));
});

test('the link is never idle: all is there when its bytes have been sent', () => {
  const { bitsPerSecond, guestBytes, roundTripUs } = HGM_GUEST;
  const bytes = (guestBytes * 8e6) / bitsPerSecond;
  for (const pieceBytes of [4 * KIB, 2 * MIB, GIB]) {
    assert.ok(Math.abs(of(pieceBytes).totalUs - bytes - roundTripUs / 2) < 1);
  }
});

test('one vCPU waits for a piece, and for what was begun before it, at most', () => {
  const { bitsPerSecond, roundTripUs, resumeUs } = HGM_GUEST;
  const piece = (2 * MIB * 8e6) / bitsPerSecond;
  const { p99Us } = postCopy({ ...HGM_GUEST, vcpus: 1, pieceBytes: 2 * MIB });
  assert.ok(p99Us <= roundTripUs + resumeUs + 2 * piece);
});
